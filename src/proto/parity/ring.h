/* SPDX-License-Identifier: MIT */
/* The receiving end of parity: the last 64 packets of one keypair by their numbers, each with its body (the
 * KCP bytes in it, none for packets without) or the parity that it carried. Lost bodies can be computed as
 * soon as enough parity of their group is there: one at a time, for what a peer has done in one packet may be
 * the work of sixteen. What is lost is counted when it leaves the ring. */
#ifndef SKT_PROTO_PARITY_RING_H
#define SKT_PROTO_PARITY_RING_H

#include "proto/parity/code.h"
#include "proto/wire.h"

#include <stdbool.h>

enum {
    SKT_PARITY_RING = 64,                     /* numbers that are remembered: `news` has a bit for each */
    SKT_PARITY_BODY_MAX = SKT_MTU_MAX,        /* longer bodies are not covered */
    SKT_PARITY_HEAD_LEN = SKT_PARITY_RESERVE, /* of a PARITY frame, behind its type */
};

enum skt_parity_slot_state { SKT_PARITY_EMPTY, SKT_PARITY_ARRIVED, SKT_PARITY_SUM, SKT_PARITY_RECOVERED };

struct skt_parity_slot {
    uint32_t number; /* of the packet */
    uint16_t len;    /* of the body, or of the parity */
    uint8_t state;   /* enum skt_parity_slot_state; EMPTY: nothing is known of this number */
    uint8_t count;   /* of a parity: the positions of its group */
    uint8_t index;   /* of a parity: which of its group's it is */
    uint32_t first;  /* of a parity: its group's first number */
};

struct skt_parity_losses {
    uint32_t lost;      /* packets that did not come themselves */
    uint32_t runs;      /* runs of consecutive numbers that were lost */
    uint32_t recovered; /* of the lost ones, those whose bodies parity brought */
};

/* The group whose bodies are being computed. */
struct skt_parity_job {
    unsigned next;                   /* of the plan's missing bodies; as many as there are: none are left */
    uint32_t first;                  /* the group's first number */
    uint16_t len;                    /* bytes of its parities */
    struct skt_parity_plan plan;     /* how the missing bodies follow from what came */
    uint32_t parity[SKT_PARITY_MAX]; /* the packets that carried those that take part */
};

struct skt_parity_ring {
    uint32_t floor;                  /* the first number that counts */
    uint32_t top;                    /* the highest number that came */
    bool in_run;                     /* the number that left the ring last was lost */
    struct skt_parity_losses losses; /* counted so far */
    struct skt_parity_job job;       /* what is being computed */
    uint64_t news; /* slots whose packets have not been looked at yet for what they make possible */
    struct skt_parity_slot slot[SKT_PARITY_RING];
    uint8_t body[SKT_PARITY_RING][SKT_PARITY_BODY_MAX];
};

/* Forgets all packets; begins with this number. The losses counted stay: zero them first. */
void skt_parity_ring_begin(struct skt_parity_ring *r, uint32_t number);

/* A packet has come, as yet without a body. */
void skt_parity_ring_note(struct skt_parity_ring *r, uint32_t number);

/* The body of a packet noted before. */
void skt_parity_ring_body(struct skt_parity_ring *r, uint32_t number, const uint8_t *body, size_t len);

/* The PARITY frame (without its type) of a packet noted before. SKT_ERR_MALFORMED. */
int skt_parity_ring_parity(struct skt_parity_ring *r, uint32_t number, const uint8_t *frame, size_t len);

/* After the news of a packet: may there be bodies to recover? */
bool skt_parity_ring_pending(const struct skt_parity_ring *r);

/* Computes one lost body and says whose; skt_parity_ring_get has it, followed by zeros up to the length of
 * its parity. False: none can be computed now. The work of one step: a sum of SKT_PARITY_SPAN bodies at most.
 * A group that leaves the ring meanwhile, with the 64th number after its first one, is lost. */
bool skt_parity_ring_recover(struct skt_parity_ring *r, const struct skt_gf256 *gf, uint32_t *number);

/* A body that is in the ring, or NULL. */
const uint8_t *skt_parity_ring_get(const struct skt_parity_ring *r, uint32_t number, size_t *len);

/* The first two bytes of a PARITY frame behind its type, little-endian: back (bits 0 to 5): the packet's own
 * number less the group's first one; count - 1 (bits 6 to 10); index (bits 11 to 14); bit 15 is 0. */
uint16_t skt_parity_head(unsigned back, unsigned count, unsigned index);

#endif
