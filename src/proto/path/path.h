/* SPDX-License-Identifier: MIT */
/* A path: what all conversations of a session share on their way to the peer: round-trip time, congestion
 * window, pacer, the transmissions in flight in the order of their sending, and the list of conversations
 * that have something to send. Loss is found here (RACK by transmission time, tail probe, RTO last; RFC
 * 8985). It knows segments and where their conversations stand (sender.h), not the conversations: what they
 * send in turn, and what is done for them in time, is kcp/turns.h's. */
#ifndef SKT_PROTO_PATH_PATH_H
#define SKT_PROTO_PATH_PATH_H

#include "base/account.h"
#include "base/heap.h"
#include "base/list.h"
#include "proto/cc/cc.h"
#include "proto/parity/redundancy.h"
#include "proto/path/pacer.h"
#include "proto/path/rtt.h"
#include "proto/path/segment.h"
#include "proto/trace.h"
#include "proto/tuning.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct skt_kcp;

struct skt_path_stats {
    uint64_t sent;          /* segments sent, first transmissions */
    uint64_t retransmitted; /* segments sent again, because they seemed lost */
    uint64_t duplicated;    /* segments sent again unasked */
    uint64_t lost;          /* transmissions found lost, those that parity mended included */
    uint64_t spurious;      /* of these, acknowledged after all */
    uint64_t delivered;     /* bytes of KCP payload acknowledged */
    uint64_t payload_tx;    /* bytes of KCP payload, first transmissions */
    uint64_t payload_rx;    /* bytes of KCP payload taken in, each once */
};

/* What is taken for lost: RACK, tail probe, retransmission timer; RFC 8985 (path/loss.c). */
struct skt_recovery {
    uint64_t next_tx;   /* number of the next transmission */
    uint64_t rack_tx;   /* the newest transmission that is known to have arrived */
    skt_us rack_rtt;    /* round trip of rack_tx */
    skt_us reo_wnd;     /* extra time that reordering is given; 0: a quarter of the least round trip */
    skt_us reo_at;      /* when reo_wnd was last seen to be needed */
    skt_us progress_at; /* the last acknowledgement, or when the path began to be in use */
    skt_us fired_at;    /* when the retransmission timer fired last */
    uint64_t lost_tx;  /* the transmissions before this are lost: the retransmission timer fired after them */
    unsigned timeouts; /* how often in a row the retransmission timer fired */
    unsigned probes;   /* segments to send in spite of pacer and window */
};

/* How fast what was sent arrives: the rate samples of congestion control (path/arrival.c). */
struct skt_delivery {
    uint64_t bytes;         /* bytes acknowledged, as counted in flight */
    skt_us at;              /* when `bytes` grew last */
    skt_us first_sent_at;   /* when the transmission was sent that the present sample begins with */
    uint64_t limited_until; /* samples of what is sent before `bytes` has passed this are application-limited;
                               0: none */
};

/* Whose turn it is to send, and what waits for what: lists of conversations (kcp/turns.h, path/gate.h). */
struct skt_turns {
    struct skt_list controls; /* conversations with KCP segments to send that carry no data */
    struct skt_list acks;    /* conversations with an ACK frame to send, at ack_at or with what goes sooner */
    skt_us ack_at;           /* when the ACK frames are due */
    struct skt_list fresh;   /* thin conversations with new data that the peer's window admits */
    struct skt_list ready;   /* the other conversations with such data */
    unsigned fresh_run;      /* segments of thin conversations sent while others waited */
    struct skt_list lagging; /* conversations for which a packet did more than was worked off yet */
    struct skt_list starved; /* conversations whose writer waits for memory */
    skt_us starved_at;       /* when the starved ones are looked at again */
    struct skt_heap timers;  /* window probes of single conversations */
    skt_us ahead_since;      /* when the round trip began in which ahead_bytes are counted */
    size_t ahead_bytes;      /* sent by thin conversations in spite of a full window */
    unsigned held;           /* conversations that have much in flight and wait for the peer's window */
    bool waits;              /* data waited for pacer or a window after the last send */
    skt_us waiting_since;    /* when data began to wait, short breaks not counted; 0: none does */
    skt_us waited_at;        /* when the last such break began */
};

struct skt_path {
    struct skt_account account; /* what its conversations hold: segment buffers and all else; see session.h */
    struct skt_kcp *completing; /* the one whose half-built message may grow beyond the share; NULL: none */
    struct skt_list inflight;   /* transmissions not yet acknowledged or lost, oldest first */
    struct skt_list lost;       /* transmissions found lost, to be sent again, in that order */
    struct skt_list copies;     /* segments in flight to be duplicated, by time */
    struct skt_list events;     /* conversations with news for the application (skt_kcp_take_events) */
    struct skt_list rubble; /* rings of conversations that have ended, whose segments are freed bit by bit */
    size_t inflight_bytes;  /* bytes of `inflight` */
    size_t payload_limit;   /* KCP bytes that one packet may carry now */
    uint64_t max_rate;      /* bytes/s; 0: none */
    bool ack_frames;        /* the peer takes ACK frames; see skt_turns_set_ack_frames */
    const struct skt_cc *cc;
    union skt_cc_state cc_state;
    struct skt_pacer pacer;
    struct skt_redundancy redundancy;
    struct skt_rtt rtt;
    struct skt_recovery recovery;
    struct skt_delivery delivery;
    struct skt_turns turns;
    struct skt_path_stats stats;
    struct skt_trace trace; /* who is told what happens here and in the session; the owner's */

    skt_us now;        /* the last time that was handed in */
    skt_us data_at;    /* when data came last; 0: never */
    bool left_over;    /* perhaps there is work that packets have left: `lagging`, `rubble`, a timeout */
    unsigned work;     /* steps that the packet being read may still cost */
    uint32_t ts_base;  /* added to every ts; 0 but in tests */
    size_t overhead;   /* bytes that sealing adds to a packet, as seen */
    size_t precharged; /* bytes the pacer was charged for by send, not yet by on_sent */
    bool uncopied;     /* what send wrote last has data in it that gets no duplicates */
};

/* payload_limit: KCP bytes (headers included) in one packet. pool: of blocks of SKT_KCP_BLOCK_LEN (kcp.h), in
 * which the path opens an account. */
void skt_path_init(struct skt_path *p, struct skt_pool *pool, const struct skt_cc *cc, size_t payload_limit,
                   skt_us now);

/* All conversations must have been disposed of before. */
void skt_path_dispose(struct skt_path *p);

/* Changes the limit for segments cut from now on; longer ones already cut leave alone (see skt_turns_send).
 */
void skt_path_set_payload_limit(struct skt_path *p, size_t payload_limit);

/* Redundancy and the highest rate as an entry of the configuration says. Parity in a fixed proportion takes
 * the place of duplicates and of what loss asks for, once the peer takes parity (redundancy.parity);
 * duplicates are up to the cap's share of the bytes of first transmissions (SKT_OVERHEAD_CAP before this
 * call), with SKT_OVERHEAD_FREE bytes a second allowed in any case. */
void skt_path_set_tuning(struct skt_path *p, skt_us now, const struct skt_tuning *tuning);

/* The MSS: data bytes in a segment cut now. */
size_t skt_path_mss(const struct skt_path *p);

/* Data comes in while no round trip was measured for long: the owner is to measure one (skt_path_on_rtt).
 * How long acknowledgements may wait is a matter of the round trip. */
bool skt_path_wants_rtt(const struct skt_path *p);

/* Is what send wrote last worth parity? Data without duplicates is, unless the path is full for longer than a
 * round trip, or much was sent in the last second: to a bulk transfer retransmissions cost less. Inner flows
 * over a long path have it whatever they send, since each loss holds one up until it is mended, and also for
 * a while after it is full, since a single one can't keep it full then. */
bool skt_path_wants_parity(const struct skt_path *p);

/* A datagram of parity is sent: counts in the budget, and like duplicates is not paced but by max_rate. */
void skt_path_on_parity(struct skt_path *p, skt_us now, size_t datagram_len);

/* The peer reports losses that parity mended: how many transmissions in the last round trip or so. */
void skt_path_on_mended(struct skt_path *p, skt_us now, uint32_t count);

/* A packet is about to be read, and so much may be done for it: segments acknowledged, others taken into
 * order. What is left goes on with the next send or expire, and skt_turns_expiry says so. */
void skt_path_begin_receive(struct skt_path *p);

/* The time, for what is told (trace.h) before the path is asked for anything. */
static inline void skt_path_set_time(struct skt_path *p, skt_us now)
{
    p->now = skt_us_max(p->now, now);
}

/* Charges the pacer with a whole datagram, as sent; right after every skt_turns_send (whose bytes are then
 * not counted twice), and for datagrams without KCP in them. */
void skt_path_on_sent(struct skt_path *p, skt_us now, size_t datagram_len);

/* A round trip measured by other means (PING). */
void skt_path_on_rtt(struct skt_path *p, skt_us now, skt_us rtt);

/* The path is another one from now on (roaming): measurements and window start anew, data in flight is sent
 * again. */
void skt_path_reset(struct skt_path *p, skt_us now);

/* Something authentic was heard from the peer: if the retransmission timer is backing off, it is wound back,
 * so that the end of an outage is used at once. */
void skt_path_on_alive(struct skt_path *p, skt_us now);

/* How many times in a row the retransmission timer has fired without an acknowledgement since. */
unsigned skt_path_timeouts(const struct skt_path *p);

/* Congestion window in bytes and pacing rate in bytes/s, for the status. */
size_t skt_path_cwnd(const struct skt_path *p);
uint64_t skt_path_pacing_rate(const struct skt_path *p);

#endif
