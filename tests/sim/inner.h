/* SPDX-License-Identifier: MIT */
/* What goes through a tunnel in TUN mode, as a model: TCP senders at the client and requests with answers,
 * each a flow of packets through a managed queue, a session and the simulated link.
 *
 * TCP as Linux does it where it matters to a queue: CUBIC (RFC 9438) with HyStart's delay test and 5 % of
 * growth a round trip before the first loss, an ACK for two packets or more, all that come together (GRO),
 * retransmission by what was acknowledged, a timeout of at least 200 ms. Within a flow the tunnel keeps the
 * order, so a gap is a loss at once. */
#ifndef SIM_INNER_H
#define SIM_INNER_H

#include "sim/world.h"

enum { SIM_INNER_FLOWS = 256, SIM_INNER_LEN = 1401, SIM_INNER_THIN_MAX = 40000 };

struct sim_inner_tcp {
    skt_us begin;
    uint64_t next, una, recover; /* transmissions [una, next) are in flight */
    double cwnd, ssthresh, w_max, w_est, k;
    skt_us epoch, srtt, rttvar, min_rtt, heard_at;
    unsigned backoff;
    uint64_t round_end; /* HyStart */
    skt_us round_min;
    unsigned round_samples;
    uint64_t delivered; /* packets that arrived, since sim_inner.from */
    uint64_t reductions, timeouts;
    uint64_t acked, lost; /* of the transmissions below una */
    uint64_t received;    /* the receiver: packets in all, */
    uint64_t ack_tx;      /* the last one */
    skt_us ack_stamp;
    unsigned ack_pending; /* packets not yet acknowledged, */
    skt_us ack_at;        /* and when they are at the latest */
};

struct sim_inner_thin {
    skt_us next_at, ack_at;
    bool waiting;
};

struct sim_inner {
    struct sim_world *world;
    struct skt_aqm queue[2]; /* at the server, at the client */
    struct sim_inner_tcp tcp[SIM_INNER_FLOWS];
    struct sim_inner_thin thin[SIM_INNER_FLOWS];
    unsigned tcp_count, thin_count;
    unsigned window; /* of the TCP receivers, packets; 0: no limit */
    bool paused;     /* the TCP senders have nothing to send */
    bool pushed[2];  /* something into the queue of server, client, since this was last cleared */
    skt_us from;     /* when counting begins */
    /* Told of each answer and when its request was sent; instead of `took`; NULL: nobody. */
    void (*on_answer)(void *user, skt_us asked);
    void *on_answer_user;
    skt_us took[SIM_INNER_THIN_MAX];
    size_t took_count;
};

/* Connects over the links; the world is the inner's to free. */
struct sim_inner *sim_inner_new(const struct sim_world_config *c);
void sim_inner_free(struct sim_inner *in);

/* In a world that is connected by others, and driven by them: sim_inner_check each millisecond. The world is
 * the inner's to free. */
struct sim_inner *sim_inner_new_in(struct sim_world *world);
void sim_inner_check(struct sim_inner *in);

/* A flow that always has something to send, from `begin` on. Returns its index. */
unsigned sim_inner_add_tcp(struct sim_inner *in, skt_us begin);

/* 64 bytes there and back every 100 ms. */
void sim_inner_add_thin(struct sim_inner *in, skt_us begin);

/* A request of thin flow i now, whatever is still unanswered. */
void sim_inner_ask(struct sim_inner *in, unsigned i);

void sim_inner_run(struct sim_inner *in, skt_us until);

/* The round trip of requests that thousandths of them did not exceed; sorts them. */
skt_us sim_inner_took(struct sim_inner *in, unsigned permille);

#endif
