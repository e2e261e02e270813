/* SPDX-License-Identifier: MIT */
/* The two names of a TCP connection that is taken out of a TUN: what its application calls it (from its own
 * address to the destination's), and what our listener sees (from the destination's address, at a port that
 * tells which connection it is, to the listener). Found by a packet of either. Pure. */
#ifndef SKT_TUNNEL_TAKER_PAIRS_H
#define SKT_TUNNEL_TAKER_PAIRS_H

#include "base/addr.h"
#include "base/ippkt_tcp.h"

/* Embedded in what it is about. Addresses are of one family. */
struct skt_taker_pair {
    struct skt_taker_pair *next_by_app, *next_by_near; /* in their buckets */
    struct skt_addr app;                               /* who connects */
    struct skt_addr far;                               /* the destination */
    uint16_t near_port; /* the listener sees the connection come from far's address and this port */
};

enum {
    SKT_TAKER_PAIRS_MAX =
        16384, /* at the same time; 270 new ones a second, with those that ended a minute ago */
    SKT_TAKER_BUCKETS = 4096, /* 32 KiB for each of both tables; four to a bucket at most, on average */
};

struct skt_taker_pairs {
    struct skt_taker_pair **by_app, **by_near; /* SKT_TAKER_BUCKETS each */
    struct skt_addr listeners[2];              /* of IPv4, of IPv6; family 0: there is none */
    uint64_t hash_key;                         /* random */
    uint16_t next_port;                        /* to be tried next: what was used last is used again last */
    size_t count;                              /* of pairs */
};

/* Listeners are set afterwards, before any pair. SKT_ERR_NOMEM. */
int skt_taker_pairs_init(struct skt_taker_pairs *t, uint64_t hash_key);
void skt_taker_pairs_dispose(struct skt_taker_pairs *t);

const struct skt_addr *skt_taker_pairs_listener(const struct skt_taker_pairs *t, uint8_t family);

/* Adds a pair whose app and far are set, and that is not there yet; chooses near_port. SKT_ERR_FULL. */
int skt_taker_pairs_add(struct skt_taker_pairs *t, struct skt_taker_pair *pair);
void skt_taker_pairs_remove(struct skt_taker_pairs *t, struct skt_taker_pair *pair);

/* The connection that a plain TCP packet of its application belongs to, or one of our listener's. NULL. */
struct skt_taker_pair *skt_taker_pairs_of_app(const struct skt_taker_pairs *t, const struct skt_ippkt *ip);
struct skt_taker_pair *skt_taker_pairs_of_near(const struct skt_taker_pairs *t, const struct skt_ippkt *ip);

/* The one that our listener sees come from this address and port. */
struct skt_taker_pair *skt_taker_pairs_from(const struct skt_taker_pairs *t, const struct skt_addr *peer);

/* Is the packet for one of our listeners? */
bool skt_taker_pairs_for_listener(const struct skt_taker_pairs *t, const struct skt_ippkt *ip);

/* Turns a packet of the application into what the listener is to see, and one of the listener's into what the
 * application is to. */
void skt_taker_pairs_to_near(const struct skt_taker_pairs *t, const struct skt_taker_pair *pair,
                             uint8_t *packet, const struct skt_ippkt *ip, bool partial);
void skt_taker_pairs_to_app(const struct skt_taker_pair *pair, uint8_t *packet, const struct skt_ippkt *ip,
                            bool partial);

/* A router's word ("too big") about one of the listener's packets on its way to the application: it goes to
 * the destination, and is written to out for the listener. Its length; 0: it is about no connection of these.
 */
size_t skt_taker_pairs_too_big(const struct skt_taker_pairs *t, uint8_t out[SKT_IPPKT_TOO_BIG_MAX],
                               const uint8_t *packet, const struct skt_ippkt *ip);

#endif
