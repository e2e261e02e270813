/* SPDX-License-Identifier: MIT */
/* A TCP sender beside ours on the same link, or alone, as a model: always data to send; acknowledged packet
 * by packet after the way back, which loses nothing, or every second one over a link. CUBIC as RFC 9438 with
 * HyStart's delay test, unpaced; BBR as version 1. Lost is what was sent before something that has arrived:
 * by three packets, or over a link by a quarter of the least round trip (RACK, RFC 8985). */
#ifndef SIM_RIVAL_H
#define SIM_RIVAL_H

#include "sim/link.h"

enum sim_rival_kind { SIM_RIVAL_NONE, SIM_RIVAL_CUBIC, SIM_RIVAL_BBR };

enum {
    SIM_RIVAL_LEN = 1425, /* as ours: a queue counted in bytes prefers the shorter */
    SIM_RIVAL_MARK = 0xff,
    SIM_RIVAL_ACK_LEN = 38,   /* with IP and UDP headers as long as TCP's with timestamps and SACK */
    SIM_RIVAL_RING = 1 << 17, /* 1 Gbit/s at 600 ms, twice */
};

struct sim_rival_packet {
    bool flying;
    skt_us sent_at, acked_at; /* acked_at: when its ACK reaches the sender */
    uint64_t delivered;       /* the sender's count and its time when this was sent */
    skt_us delivered_at;
};

struct sim_rival {
    enum sim_rival_kind kind;
    skt_us back;                /* one-way delay of ACKs */
    struct sim_link *acks_over; /* or the link they take; NULL: none */
    uint64_t ack_upto;          /* of the transmissions in `acks`, how many the sender has been told about, */
    uint64_t ack_sent;          /* and the receiver has acknowledged */
    skt_us ack_due;             /* when it acknowledges the rest at the latest; SKT_NEVER: there is none */
    bool paused;                /* has nothing to send */
    uint64_t received;          /* packets that arrived */

    struct sim_rival_packet *ring; /* SIM_RIVAL_RING of them */
    uint64_t next, oldest;         /* transmissions [oldest, next) are known about */
    uint64_t *acks;                /* SIM_RIVAL_RING: transmissions whose ACKs are on the way, in order */
    uint64_t ack_head, ack_tail;
    unsigned inflight;
    uint64_t delivered;
    skt_us delivered_at, heard_at, srtt, min_rtt;
    double cwnd, ssthresh; /* packets */
    uint64_t recover;      /* losses before this transmission belong to the last reduction */

    double w_max, w_est, k; /* CUBIC */
    skt_us epoch;

    double bw[10]; /* BBR: packets per s, best of each of the last rounds */
    uint64_t round, round_end;
    bool filled;
    double full_bw;
    unsigned full_rounds, cycle;
    skt_us cycle_at, min_rtt_at, probe_until, pace_at;
};

void sim_rival_init(struct sim_rival *r, enum sim_rival_kind kind, skt_us now, skt_us back);

/* Once it is not used any more; also where it was never begun (all zero). */
void sim_rival_dispose(struct sim_rival *r);

/* One of its packets has arrived at the other end of the link. */
void sim_rival_arrived(struct sim_rival *r, skt_us now, const uint8_t *data);

/* One of its ACKs has arrived over the link (acks_over). */
void sim_rival_acked(struct sim_rival *r, const uint8_t *data);

/* Takes the ACKs that are due and sends what may be sent. */
void sim_rival_turn(struct sim_rival *r, skt_us now, struct sim_link *link);

skt_us sim_rival_expiry(const struct sim_rival *r);

#endif
