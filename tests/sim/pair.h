/* SPDX-License-Identifier: MIT */
/* Two hosts, a path each, joined by two simulated links, with any number of conversations that carry known
 * bytes in both directions. KCP and ACK frames in datagrams, and a PING where the path wants one: no session.
 */
#ifndef SIM_PAIR_H
#define SIM_PAIR_H

#include "base/pool.h"
#include "proto/kcp/kcp.h"
#include "sim/link.h"
#include "sim/rival.h"
#include "sim/trace.h"

enum { SIM_FLOWS_MAX = 112 };

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
    /* Thin flows (messages). */
    bool echo;      /* sends a message for each that it gets; to_send follows */
    skt_us period;  /* sends a message this often until there were `planned`; 0: what to_send says */
    skt_us next_at; /* the next one */
    uint64_t planned;
    skt_us *read_at; /* when the n-th message was read, or NULL */
};

struct sim_host {
    struct skt_pool pool;
    struct skt_path path;
    struct sim_flow flows[SIM_FLOWS_MAX];
    struct sim_link out; /* towards the other host */
    uint64_t malformed;
    size_t pool_peak;
    uint64_t received; /* bytes given to the applications */
    skt_us ping_at;    /* no PING before this */
};

struct sim_pair_config {
    struct sim_link_config link[2]; /* of host 0, of host 1 */
    const struct skt_cc *cc;
    size_t payload_limit;
    size_t overhead;    /* bytes that sealing would add, the type of the KCP frame included */
    size_t budget;      /* bytes that a host's path may hold; 0: no limit */
    skt_us timer_grain; /* timers fire up to this late; 0: exactly */
    uint32_t first_sn, ts_base;
    struct skt_kcp_limits limits;
    bool plain_acks;           /* KCP's segments instead of ACK frames */
    enum sim_rival_kind rival; /* a TCP sender beside host 0, on its link */
    uint64_t seed;
};

struct sim_pair {
    struct sim_pair_config config;
    struct sim_host host[2];
    struct sim_rival rival;
    struct sim_trace *trace; /* NULL: none */
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

/* Makes a flow of messages in which host 0 sends one of up to `chunk` bytes every period, first at `first`,
 * n in all, and host 1 answers each at once. read_at: n times at which the answers were read. */
void sim_pair_add_requests(struct sim_pair *s, size_t chunk, skt_us first, skt_us period, uint64_t n,
                           skt_us *read_at);

bool sim_pair_done(const struct sim_pair *s);

#endif
