/* SPDX-License-Identifier: MIT */
/* The sending end of parity: which packets make a group, and when its parities go out. A group is open while
 * packets join it, then closed until its parities are sent; their sums are kept up with each packet, so no
 * packet is kept. How many parities, and what is worth them, others decide (redundancy.h, session/parity.c).
 */
#ifndef SKT_PROTO_PARITY_SENDER_H
#define SKT_PROTO_PARITY_SENDER_H

#include "base/clock.h"
#include "proto/parity/ring.h"

#include <stdbool.h>

enum {
    SKT_PARITY_GROUPS = 2, /* one that is filled, and one whose parity is being sent */
    /* Parity i of a group has numbers up to first + 40 + i to come in: the receiver's ring must hold the
     * group, some reordering included. */
    SKT_PARITY_LATEST = 40,
};

enum skt_parity_group_state { SKT_PARITY_FREE, SKT_PARITY_OPEN, SKT_PARITY_CLOSED };

struct skt_parity_group {
    enum skt_parity_group_state state; /* what the other fields count for */
    uint32_t key;                      /* names the keypair: numbers are its */
    uint32_t first;                    /* the first number covered */
    uint32_t last;                     /* the last number covered; other packets in between count as empty */
    unsigned data;                     /* packets in it that are worth parity */
    unsigned rows;                     /* parities that are being summed up */
    unsigned parity;                   /* closed: parities to be sent */
    unsigned sent;                     /* closed: parities that were sent */
    size_t len;                        /* of the longest body */
    skt_us close_at;                   /* open: at the latest */
    skt_us next_at;                    /* closed: when the next parity is due */
    skt_us gap;                        /* closed: time between parities */
};

struct skt_parity_sender {
    struct skt_parity_group group[SKT_PARITY_GROUPS]; /* at most one of them is open */
    /* The parities of each group, summed up so far. */
    uint8_t row[SKT_PARITY_GROUPS][SKT_PARITY_MAX][SKT_PARITY_BODY_MAX];
};

void skt_parity_sender_init(struct skt_parity_sender *f);

/* The open group, or NULL. */
struct skt_parity_group *skt_parity_sender_open(struct skt_parity_sender *f);

/* Opens a group (none is open) whose first number is `number`, for at most `rows` parities. NULL: none is
 * free. */
struct skt_parity_group *skt_parity_sender_begin(struct skt_parity_sender *f, uint32_t key, uint32_t number,
                                                 unsigned rows, skt_us close_at);

/* Is a number too far behind the group's first one for it? */
static inline bool skt_parity_group_spans(const struct skt_parity_group *g, uint32_t number)
{
    return number - g->first < SKT_PARITY_SPAN;
}

/* Adds a packet's body (at most SKT_PARITY_BODY_MAX bytes) to the open group that spans it. Every packet with
 * a body must be given, but those whose body is longer than any that is. */
void skt_parity_sender_add(struct skt_parity_sender *f, const struct skt_gf256 *gf, uint32_t number,
                           const uint8_t *body, size_t len, bool worth);

/* Closes the open group with so many parities (0: none, it is forgotten). */
void skt_parity_sender_close(struct skt_parity_sender *f, skt_us now, unsigned parity, skt_us gap);

/* Forgets all groups. */
void skt_parity_sender_drop(struct skt_parity_sender *f);

/* The closed group whose turn it is to send a parity in a packet of this keypair and number, or NULL. Forgets
 * groups that came too late. */
struct skt_parity_group *skt_parity_sender_due(struct skt_parity_sender *f, skt_us now, uint32_t key,
                                               uint32_t number);

/* Writes the PARITY frame's bytes behind its type: SKT_PARITY_HEAD_LEN + g->len. Returns the bytes. */
size_t skt_parity_sender_write(struct skt_parity_sender *f, struct skt_parity_group *g, skt_us now,
                               uint32_t number, uint8_t *out);

/* When something is to be closed or sent; SKT_NEVER: nothing. */
skt_us skt_parity_sender_expiry(const struct skt_parity_sender *f);

#endif
