/* SPDX-License-Identifier: MIT */
/* What the files of the turbo controller share: cc/bbr.c (rate and window), bbr_phase.c, bbr_startup.c,
 * bbr_train.c, bbr_delay.c (round trips, reordering) and bbr_round.c (bandwidth, losses). Only they include
 * it. Times are in microseconds, rates in bytes/s. */
#ifndef SKT_PROTO_CC_BBR_H
#define SKT_PROTO_CC_BBR_H

#include "proto/cc/cc.h"

#define SKT_BBR_UNIT UINT64_C(1000) /* gains are thousandths */
/* Delay over min_rtt up to which losses count as random: what timers and pacing in steps of 1 ms add up to.
 */
#define SKT_BBR_QUEUE_TOLERATED   (5 * SKT_US_PER_MS)
#define SKT_BBR_STARTUP_GAIN      UINT64_C(2885) /* BBRv1: 2 / ln 2, with which the rate doubles in a round */
#define SKT_BBR_STARTUP_CWND_GAIN UINT64_C(3000) /* the same, and a little for ACKs that wait */

/* The window that no event goes below. */
static inline uint64_t skt_bbr_min_cwnd(const struct skt_cc_bbr *b)
{
    return (uint64_t)SKT_CC_MIN_PACKETS * b->mss;
}

/* What the phase multiplies the bandwidth by, in thousandths. */
uint64_t skt_bbr_pacing_gain(const struct skt_cc_bbr *b);

/* The next phase or step of the cycle, where it is time for it. After skt_bbr_update_round. */
void skt_bbr_update_phase(struct skt_cc_bbr *b, const struct skt_cc_ack *a);

/* STARTUP sends a window in an eighth of a round trip, so that a bottleneck spreads it and shows its rate;
 * then little faster than that rate. */
uint64_t skt_bbr_startup_rate(const struct skt_cc_bbr *b);

/* At the end of a round: has the bandwidth stopped growing by a quarter a round? A queue that stood through
 * the whole round says so sooner, and at once where its buffer overflowed. */
void skt_bbr_check_filled(struct skt_cc_bbr *b, const struct skt_cc_ack *a);

/* Bandwidth that came back may be all there is: only where it goes on growing without a queue STARTUP is
 * worth what it costs others. */
void skt_bbr_check_regrowth(struct skt_cc_bbr *b, const struct skt_cc_ack *a);

/* Does a queue stand that our own draining does not empty? Then others share the bottleneck, and to ask for a
 * quarter more each time would take it from them. */
bool skt_bbr_is_crowded(const struct skt_cc_bbr *b);

/* Others do share it: as if the queue had not been empty for long. */
void skt_bbr_set_crowded(struct skt_cc_bbr *b);

/* The round trip without a queue, on average: reordered packets take longer than the least, the last of them
 * by all of `reordering`. By the least alone a window would hold less than the path does, the rate would fall
 * with it, and the window again. */
skt_us skt_bbr_path_rtt(const struct skt_cc_bbr *b);

/* The same, but for a STARTUP in which delays change too much to be told from a queue: there the least, and
 * how far the others are from it, are known too little, and the mean round trip counts where it is longer. */
skt_us skt_bbr_startup_rtt(const struct skt_cc_bbr *b);

/* By how much packets are late, for what must not wait for a second round. */
skt_us skt_bbr_most_reordering(const struct skt_cc_bbr *b);

/* Do trains show the bottleneck's rate? Not where reordering spreads them more than that does. */
bool skt_bbr_has_trains(const struct skt_cc_bbr *b);

/* Delay over min_rtt that is no queue of weight: a part of min_rtt, and what reordering explains. */
skt_us skt_bbr_tolerated(const struct skt_cc_bbr *b, unsigned part);

/* Bytes in flight that gain times the bandwidth-delay product come to; 0 before both are known. */
uint64_t skt_bbr_bdp(const struct skt_cc_bbr *b, uint64_t gain);

/* What is in flight without a queue: also what is lost and not known to be yet. */
uint64_t skt_bbr_drained_inflight(const struct skt_cc_bbr *b);

/* How long the queue has been at least, over the last round and what there is of this one. */
skt_us skt_bbr_standing(const struct skt_cc_bbr *b);

/* Is STARTUP, after bandwidth was found to have grown, still to find out whether there is more? */
bool skt_bbr_is_cautious(const struct skt_cc_bbr *b);

/* What was acknowledged faster than the bandwidth explains waited somewhere for its ACK (Wi-Fi, a peer that
 * gathers them): as much more must be in flight for the rate to be kept up. */
void skt_bbr_update_extra(struct skt_cc_bbr *b, const struct skt_cc_ack *a);

/* A train that took clearly longer to arrive than it took to be sent was spread by the bottleneck. */
void skt_bbr_update_train(struct skt_cc_bbr *b, const struct skt_cc_ack *a);

/* Round trips and late packets of the round; and its end. */
void skt_bbr_update_delays(struct skt_cc_bbr *b, const struct skt_cc_ack *a);
void skt_bbr_end_delays(struct skt_cc_bbr *b);

/* After a round that was slow at a longer round trip: what came at the full rate now and then, each packet
 * after nearly the same time, had no queue before it. So the path is longer, and the window is made to fill
 * it; later ones are, too, for as long as it may become so again (delays.longer). */
void skt_bbr_try_longer_path(struct skt_cc_bbr *b, skt_us now);

/* Bandwidth and loss samples; at the end of a round, what follows from them (startup.filled, rounds.slow,
 * rounds.quiet). */
void skt_bbr_update_round(struct skt_cc_bbr *b, const struct skt_cc_ack *a);

/* What arrives; and what is lost. */
void skt_bbr_update_supply(struct skt_cc_bbr *b, const struct skt_cc_ack *a);
void skt_bbr_note_supply_loss(struct skt_cc_bbr *b, size_t bytes);

/* At the end of a round, before the others: does the rate vary, and how much room is there? */
void skt_bbr_end_supply(struct skt_cc_bbr *b, const struct skt_cc_ack *a);

/* The delay of a queue that we keep on purpose; 0: none, the rate does not vary. */
skt_us skt_bbr_room(const struct skt_cc_bbr *b);

/* Window and pacing rate where the path's rate varies; 0: it does not, or others share it. */
uint64_t skt_bbr_supply_window(const struct skt_cc_bbr *b);
uint64_t skt_bbr_supply_rate(const struct skt_cc_bbr *b);

#endif
