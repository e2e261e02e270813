/* SPDX-License-Identifier: MIT */
/* A TCP sender beside ours on the same link, or alone, as a model: always data to send; acknowledged packet
 * by packet after the way back, which loses nothing, or every second one over a link of its own.
 *
 * CUBIC (RFC 9438) with HyStart's delay test over 8 samples a round, unpaced. BBR version 1
 * (draft-cardwell-iccrg-bbr-congestion-control-00): startup, drain, the cycle of gains, PROBE_RTT, packet
 * conservation in the first round of a recovery; without its detector of policers. Lost is what was sent
 * before something that has arrived, by a quarter of the least round trip (RACK, RFC 8985). A timeout (RFC
 * 6298, at least 200 ms) is undone when what it took for lost arrives (F-RTO, RFC 5682). */
#ifndef SIM_RIVAL_H
#define SIM_RIVAL_H

#include "sim/link.h"

enum sim_rival_kind { SIM_RIVAL_NONE, SIM_RIVAL_CUBIC, SIM_RIVAL_BBR };

enum {
    SIM_RIVAL_LEN = 1425, /* as ours: a queue counted in bytes prefers the shorter */
    SIM_RIVAL_MARK = 0xff,
    SIM_RIVAL_ACK_LEN = 38,   /* with IP and UDP headers as long as TCP's with timestamps and SACK */
    SIM_RIVAL_RING = 1 << 17, /* 1 Gbit/s at 600 ms, twice */
    SIM_RIVAL_BW_ROUNDS = 10,
};

struct sim_rival_packet {
    enum sim_rival_state {
        SIM_RIVAL_FLYING,
        SIM_RIVAL_ARRIVED,
        SIM_RIVAL_LOST,     /* as it seems */
        SIM_RIVAL_TIMED_OUT /* the same, by the timer */
    } state;
    skt_us sent_at, acked_at; /* acked_at: when its ACK reaches the sender */
    uint64_t delivered;       /* the sender's count, */
    skt_us delivered_at;      /* its time, */
    skt_us first_sent_at; /* and when the packet was sent that was acknowledged last, when this was sent */
};

struct sim_rival {
    enum sim_rival_kind kind;
    skt_us back;                /* one-way delay of ACKs, */
    struct sim_link *acks_over; /* or the link they take; NULL: none */
    uint64_t received;          /* packets that arrived */
    bool paused;                /* has nothing to send */

    struct sim_rival_packet *ring; /* SIM_RIVAL_RING of them */
    uint64_t next, oldest;         /* transmissions [oldest, next) are known about */
    uint64_t *acks;                /* SIM_RIVAL_RING: transmissions in the order of their arrival */
    uint64_t ack_head, ack_tail;   /* of `acks`: taken by the sender; all */
    uint64_t ack_upto;             /* the sender has been told about as many, */
    uint64_t ack_sent;             /* the receiver has acknowledged as many, */
    skt_us ack_due;                /* and does so for the rest then at the latest; SKT_NEVER: there is none */

    unsigned inflight;
    uint64_t delivered;
    skt_us delivered_at, first_sent_at, heard_at, srtt, rttvar, min_rtt;
    unsigned backoff;                /* timeouts in a row */
    double cwnd, ssthresh;           /* packets */
    uint64_t recover;                /* losses before this transmission belong to the last reduction */
    double undo_cwnd, undo_ssthresh; /* before the first timeout of a row */

    double w_max, w_est, k; /* CUBIC */
    skt_us epoch;
    uint64_t hystart_end; /* of the round, a transmission */
    skt_us hystart_rtt;
    unsigned hystart_samples;

    enum sim_bbr_phase { SIM_BBR_STARTUP, SIM_BBR_DRAIN, SIM_BBR_CYCLE, SIM_BBR_PROBE_RTT } phase;
    double bw[SIM_RIVAL_BW_ROUNDS]; /* packets per s, best of each of the last rounds */
    uint64_t round, round_end;
    bool filled;
    double full_bw;
    unsigned full_rounds, cycle;
    skt_us cycle_at, min_rtt_at, probe_until, pace_at;
    bool cycle_lost;   /* something was, since cycle_at */
    double prior_cwnd; /* before a recovery or PROBE_RTT */
    bool recovering;   /* until `recover` is acknowledged, */
    uint64_t
        conserve_to; /* and by packet conservation until the count `delivered` at its start has passed this */
    unsigned now_lost; /* packets since the last ACK */
    bool restarts;     /* what is in flight is the first after there was nothing */
};

void sim_rival_init(struct sim_rival *r, enum sim_rival_kind kind, skt_us now, skt_us back);

/* Once it is not used any more; also where it was never begun (all zero). */
void sim_rival_dispose(struct sim_rival *r);

/* ACKs take this link; rtt: the round trip as its handshake found it. */
void sim_rival_set_link_back(struct sim_rival *r, struct sim_link *back, skt_us rtt);

/* One of its packets has arrived at the other end of the link. */
void sim_rival_arrived(struct sim_rival *r, skt_us now, const uint8_t *data);

/* One of its ACKs has arrived over the link back. */
void sim_rival_acked(struct sim_rival *r, const uint8_t *data);

/* Takes the ACKs that are due and sends what may be sent. */
void sim_rival_turn(struct sim_rival *r, skt_us now, struct sim_link *link);

skt_us sim_rival_expiry(const struct sim_rival *r);

#endif
