/* SPDX-License-Identifier: MIT */
/* Two hosts, a path each, joined by two simulated links, with any number of conversations that carry known
 * bytes in both directions. Plain KCP in datagrams: no session. */
#ifndef SIM_PAIR_H
#define SIM_PAIR_H

#include "base/pool.h"
#include "proto/kcp.h"
#include "sim/link.h"

enum { SIM_FLOWS_MAX = 16 };

/* One end of a conversation, and the application on top of it. */
struct sim_flow {
    struct skt_kcp kcp;
    uint32_t conv;
    bool stream;
    uint64_t to_send; /* bytes, or messages */
    uint64_t sent, received;
    uint64_t to_receive;
    bool finished;      /* skt_kcp_finish done (stream) */
    bool drained;       /* event seen */
    size_t chunk;       /* bytes of a write; a message has 1 to this many */
    uint64_t read_rate; /* bytes/s the reader takes; 0: all */
    uint64_t read_bytes;
    skt_us read_from;
};

struct sim_host {
    struct skt_pool pool;
    struct skt_path path;
    struct sim_flow flows[SIM_FLOWS_MAX];
    struct sim_link out; /* towards the other host */
    uint64_t malformed;
    size_t pool_peak;
    uint64_t received; /* bytes given to the applications */
};

struct sim_pair_config {
    struct sim_link_config link[2]; /* of host 0, of host 1 */
    const struct skt_cc *cc;
    size_t payload_limit;
    size_t overhead;    /* bytes that sealing would add */
    size_t budget;      /* of a host's pool; 0: none */
    skt_us timer_grain; /* timers fire up to this late; 0: exactly */
    uint32_t first_sn, ts_base;
    struct skt_kcp_limits limits;
    uint64_t seed;
};

struct sim_pair {
    struct sim_pair_config config;
    struct sim_host host[2];
    int flow_count;
    skt_us now;
    skt_us calls_at;     /* the millisecond that calls are counted in */
    unsigned calls;      /* turns in it without a packet */
    const char *failure; /* the first thing found wrong, or NULL */
};

/* Fills in what most tests want: turbo, 1400 bytes, an overhead of 25, 1 ms timers, ample limits. */
void sim_pair_defaults(struct sim_pair_config *c);

void sim_pair_init(struct sim_pair *s, const struct sim_pair_config *c);
void sim_pair_dispose(struct sim_pair *s);

/* Adds a conversation in which host i is to send amount[i] bytes (stream, then its end) or messages. */
void sim_pair_add(struct sim_pair *s, bool stream, uint64_t amount0, uint64_t amount1, size_t chunk);

/* Runs until everything has arrived and is acknowledged, `until` has come, or something is wrong. */
void sim_pair_run(struct sim_pair *s, skt_us until);

bool sim_pair_done(const struct sim_pair *s);

#endif
