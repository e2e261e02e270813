/* SPDX-License-Identifier: MIT */
/* A systematic Reed-Solomon code over GF(2^8) with a Cauchy matrix: parity i of a group is the sum of its
 * bodies, the one at position j times 1 / ((255 - i) + j). The coefficients depend neither on how many bodies
 * a group has nor on how many parities are made of it, and any n parities give back any n lost bodies. Bodies
 * count as followed by zeros. */
#ifndef SKT_PROTO_PARITY_CODE_H
#define SKT_PROTO_PARITY_CODE_H

#include "proto/parity/gf256.h"

#include <stddef.h>
#include <stdint.h>

enum {
    SKT_PARITY_SPAN = 32, /* positions of a group: half of the receiver's ring (ring.h) */
    SKT_PARITY_MAX = 16,  /* parities of a group: as many as repair the loss of half of it */
};

/* Adds a body, times its coefficient, to a parity (or takes it out again: the same). */
void skt_parity_add(const struct skt_gf256 *gf, uint8_t *parity, unsigned index, unsigned position,
                    const uint8_t *body, size_t len);

/* Which bodies are missing, and which parities take part. */
struct skt_parity_unknowns {
    unsigned n;                       /* of `position`, and of `index` */
    uint8_t position[SKT_PARITY_MAX]; /* of the missing bodies, each once */
    uint8_t index[SKT_PARITY_MAX];    /* of the parities that take part, each once */
};

/* How the missing bodies of a group follow from the rest of it: each is a sum of as many terms as the group
 * has positions, of the parities that take part and of the bodies that are known. */
struct skt_parity_plan {
    unsigned n;     /* missing bodies; the first n terms are as many parities, in their order */
    unsigned terms; /* all terms: behind the parities the known bodies, by their positions */
    uint8_t point[SKT_PARITY_SPAN], weight[SKT_PARITY_SPAN];         /* of the terms */
    uint8_t missing[SKT_PARITY_MAX], missing_weight[SKT_PARITY_MAX]; /* of the missing bodies */
};

/* Plans for a group of count positions. SKT_ERR_MALFORMED: out of range or repeated. Work: some count^2
 * additions, none on bodies. */
int skt_parity_plan(struct skt_parity_plan *p, const struct skt_parity_unknowns *u, unsigned count);

/* The factors of the terms of missing body i (u->position[i]). Work: one skt_gf256.sum on bodies, then. */
void skt_parity_factors(const struct skt_parity_plan *p, unsigned i, uint8_t c[SKT_PARITY_SPAN]);

#endif
