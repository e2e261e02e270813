/* SPDX-License-Identifier: MIT */
/* All relays of a process (loop), for the status, the shutdown and the sweep, which looks at those that no
 * event would tell of. */
#ifndef SKT_TUNNEL_RELAY_SET_H
#define SKT_TUNNEL_RELAY_SET_H

#include "io/loop.h"
#include "tunnel/tally.h"

#include <stdint.h>

struct skt_relay_set;

/* In relays; over the life of the set, but for `open`. */
struct skt_relay_stats {
    uint64_t open;     /* those that there are now */
    uint64_t accepted; /* those that were asked for */
    uint64_t refused;  /* those that never had their stream or their target */
    uint64_t closed;   /* those that have ended after they had both */
};

/* SKT_ERR_NOMEM. */
int skt_relay_set_new(struct skt_relay_set **out, struct skt_loop *loop);

/* Ends all relays that are open. Nothing more is read from TCP. What was read before still goes to the peers,
 * and what has come from the peers still goes to TCP; then the stream and the connection are reset. */
void skt_relay_set_leave(struct skt_relay_set *set);

/* Resets what is still open; NULL is allowed. */
void skt_relay_set_free(struct skt_relay_set *set);

const struct skt_relay_stats *skt_relay_set_stats(const struct skt_relay_set *set);

/* Of struct skt_tally, each of a target (enum skt_tally_of_target): by the name that clients ask for, "" for
 * the default one, "(addresses)" for what has no name. */
const struct skt_list *skt_relay_set_targets(const struct skt_relay_set *set);

#endif
