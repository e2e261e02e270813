/* SPDX-License-Identifier: MIT */
/* STARTUP: how fast it is, and how it ends. */
#include "proto/cc/bbr.h"

#define CAUTIOUS_GAIN UINT64_C(1250) /* as a probe for bandwidth has */

enum {
    FLIGHT_PART = 8, /* of a round trip, in which a window is sent: long enough for a train (TRAIN_PART) */
    UNEVEN_FLIGHT_PART = 2, /* where trains would show nothing, they are not sent */
    FULL_ROUNDS = 3,        /* BBRv1: without growth by a quarter */
    OVERFLOW_PART = 20,     /* of what is acknowledged: more lost than this is no random loss */
    OVERFLOW_LOST_MIN = 8,  /* packets: fewer may be reordering that is not known yet */
};

bool skt_bbr_is_cautious(const struct skt_cc_bbr *b)
{
    return b->phase == SKT_BBR_STARTUP && b->rounds.n < b->startup.cautious_until;
}

skt_us skt_bbr_startup_rtt(const struct skt_cc_bbr *b)
{
    skt_us rtt = skt_bbr_path_rtt(b);
    if (b->phase != SKT_BBR_STARTUP || skt_bbr_has_trains(b))
        return rtt;
    return skt_us_max(rtt, skt_us_min(b->delays.srtt, b->delays.min + skt_bbr_most_reordering(b)));
}

uint64_t skt_bbr_startup_rate(const struct skt_cc_bbr *b)
{
    if (skt_bbr_is_cautious(b))
        return skt_maxfilter_get(&b->bw) * CAUTIOUS_GAIN / SKT_BBR_UNIT;
    uint64_t ceiling = skt_maxfilter_get(&b->trains.ceiling),
             rate = skt_maxfilter_get(&b->bw) * SKT_BBR_STARTUP_GAIN / SKT_BBR_UNIT;
    skt_us rtt = b->delays.min    ? skt_bbr_startup_rtt(b)
                 : b->delays.srtt ? b->delays.srtt
                                  : SKT_CC_INITIAL_RTT;
    unsigned part = skt_bbr_has_trains(b) ? FLIGHT_PART : UNEVEN_FLIGHT_PART;
    uint64_t flight = b->out.cwnd * SKT_US_PER_SEC / (skt_us_max(rtt, SKT_US_PER_MS) / part);
    if (rate < flight)
        rate = flight;
    if (ceiling && rate > ceiling + ceiling / 4)
        rate = ceiling + ceiling / 4;
    return rate;
}

void skt_bbr_check_regrowth(struct skt_cc_bbr *b, const struct skt_cc_ack *a)
{
    uint64_t bw = skt_maxfilter_get(&b->bw);
    bool grown = bw >= b->startup.cautious_bw + b->startup.cautious_bw / 8;
    if (b->phase != SKT_BBR_STARTUP || b->startup.cautious_until == 0 ||
        (b->rounds.n < b->startup.cautious_until && !grown))
        return;
    b->startup.cautious_until = 0;
    b->startup.full_bw = bw;
    b->startup.full_rounds = 0;
    b->startup.filled = b->startup.filled || a->app_limited || !grown;
}

/* At the end of a round: did a buffer overflow? Where packets are reordered, what seems lost may come yet, so
 * the round before is judged; and a queue can't be seen. */
static bool overflowed(const struct skt_cc_bbr *b, bool limited, bool queue, bool grown)
{
    bool reorders = !skt_bbr_has_trains(b);
    uint64_t lost = reorders ? b->losses.last_lost : b->losses.round_lost,
             acked = reorders ? b->losses.last_acked : b->losses.round_acked;
    if (lost * OVERFLOW_PART <= acked || ((limited || reorders) && lost <= OVERFLOW_LOST_MIN * b->mss))
        return false;
    return reorders ? !grown && !limited : queue;
}

void skt_bbr_check_filled(struct skt_cc_bbr *b, const struct skt_cc_ack *a)
{
    uint64_t bw = skt_maxfilter_get(&b->bw), ceiling = skt_maxfilter_get(&b->trains.ceiling);
    bool queue =
        b->delays.round_min != SKT_NEVER && b->delays.round_min > b->delays.min + skt_bbr_tolerated(b, 16);
    bool grown = bw >= b->startup.full_bw + b->startup.full_bw / 4;
    if (b->startup.filled)
        return;
    b->startup.filled = overflowed(b, a->app_limited, queue, grown);
    if (a->app_limited)
        return;
    if (ceiling && queue && bw >= ceiling - ceiling / 8)
        b->startup.full_rounds = FULL_ROUNDS;
    else if (ceiling && !queue && bw >= ceiling)
        skt_maxfilter_reset(&b->trains.ceiling, b->rounds.n, bw + bw / 2); /* the trains were wrong */
    if (grown) {
        b->startup.full_bw = bw;
        b->startup.full_rounds = 0;
    } else {
        b->startup.full_rounds += queue && skt_bbr_has_trains(b) ? 2 : 1;
    }
    b->startup.filled = b->startup.filled || b->startup.full_rounds >= FULL_ROUNDS;
}
