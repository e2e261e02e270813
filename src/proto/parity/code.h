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
    SKT_PARITY_SPAN = 32, /* positions of a group */
    SKT_PARITY_MAX = 16,  /* parities of a group */
};

/* What a body counts with in a parity. */
uint8_t skt_parity_coefficient(unsigned parity, unsigned position);

/* Adds a body, times its coefficient, to a parity (or takes it out again: the same). */
void skt_parity_add(const struct skt_gf256 *gf, uint8_t *parity, unsigned index, unsigned position,
                    const uint8_t *body, size_t len);

/* Which bodies are missing, and which parities take part. */
struct skt_parity_unknowns {
    unsigned n;                                              /* of either */
    uint8_t position[SKT_PARITY_MAX], index[SKT_PARITY_MAX]; /* each without repetition */
};

/* Solves for the missing bodies. rest[i]: parity index[i] with all known bodies taken out; body[i]: where the
 * body of position[i] is to be added to, filled with zeros; all of len bytes, none overlapping.
 * SKT_ERR_MALFORMED: out of range or repeated; nothing is changed then. Work: n^2 multiplications of len
 * bytes. */
int skt_parity_solve(const struct skt_gf256 *gf, const struct skt_parity_unknowns *u,
                     const uint8_t *const rest[SKT_PARITY_MAX], uint8_t *const body[SKT_PARITY_MAX],
                     size_t len);

#endif
