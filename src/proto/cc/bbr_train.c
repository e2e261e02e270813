/* SPDX-License-Identifier: MIT */
/* Trains: packets sent close to each other, whose dispersion shows the bottleneck's rate where delays do not
 * change for other reasons. */
#include "proto/cc/bbr.h"

#define TRAIN_RTT_MIN  (20 * SKT_US_PER_MS) /* on shorter paths timers say more than dispersion */
#define TRAIN_TIME_MIN (3 * SKT_US_PER_MS)  /* three times what a timer may be late */
#define TRAIN_GAP_MAX  (4 * SKT_US_PER_MS)  /* as long as an ACK frame may wait: a longer one shows in it */

enum {
    TRAIN_ROUNDS = 3,      /* the ceiling is the most of so many: STARTUP is over by then */
    TRAIN_LEN_MIN = 16,    /* packets: half of the initial window */
    TRAIN_PART = 4,        /* of the least round trip: the longest train, twice what STARTUP sends */
    TRAIN_REORDERINGS = 4, /* a train that is not much longer than reordering was spread by that */
    TRAIN_FALL_PART = 4,   /* a queue that a train fills does not become shorter by so much of its time */
    UNEVEN_ROUNDS = 2,     /* that trains are not believed after one that was not spread by a queue */
};

bool skt_bbr_has_trains(const struct skt_cc_bbr *b)
{
    bool uneven = b->trains.uneven && b->rounds.n + 1 - b->trains.uneven <= UNEVEN_ROUNDS;
    return !uneven && TRAIN_REORDERINGS * skt_bbr_most_reordering(b) <= b->delays.min / TRAIN_PART;
}

void skt_bbr_update_train(struct skt_cc_bbr *b, const struct skt_cc_ack *a)
{
    struct skt_train *t = &b->trains.now;
    if (b->startup.filled || a->sent_at == 0 || b->delays.min < TRAIN_RTT_MIN)
        return;
    if (a->rtt == 0) /* it tells of what was to be acknowledged long before, as by the next request */
        return;
    bool follows = t->first_acked && a->sent_at >= t->last_sent && a->sent_at - t->last_sent <= TRAIN_GAP_MAX;
    if (!follows || a->sent_at - t->first_sent > b->delays.min / TRAIN_PART) {
        *t = (struct skt_train){.first_sent = a->sent_at, .last_sent = a->sent_at, .first_acked = a->now};
        t->most_rtt = a->rtt;
        return;
    }
    t->last_sent = a->sent_at;
    t->most_rtt = skt_us_max(t->most_rtt, a->rtt);
    t->fall = skt_us_max(t->fall, t->most_rtt - a->rtt);
    t->bytes += a->acked;
    skt_us sending = t->last_sent - t->first_sent, arriving = a->now - t->first_acked;
    if (t->bytes < TRAIN_LEN_MIN * b->mss || arriving < TRAIN_TIME_MIN || arriving < sending + sending / 4)
        return;
    if (t->fall > arriving / TRAIN_FALL_PART)
        b->trains.uneven = b->rounds.n + 1;
    else if (arriving >= TRAIN_REORDERINGS * skt_bbr_most_reordering(b))
        skt_maxfilter_add(&b->trains.ceiling, TRAIN_ROUNDS, b->rounds.n,
                          t->bytes * SKT_US_PER_SEC / arriving);
}
