/* SPDX-License-Identifier: MIT */
/* What a path lets through just now, and how much that varies.
 *
 * Where it varies from one round trip to the next (a cellular link), the best of ten rounds says little: a
 * window by it is a queue of a second when the rate falls, and pacing by it leaves the link idle when the
 * rate rises. There the window is what the present rate carries in a round trip and `room` more, and is sent
 * as fast as it may be used. While the queue is shorter than that, rate and window make each other grow; as
 * soon as less comes, the window is less.
 *
 * Only capacity counts as varying, not delays: breaks in which nothing comes at all are left out, and so are
 * rounds with late packets. And it is our own queue only if it follows our window. */
#include "proto/cc/bbr.h"

#include <string.h>

/* Longer than an ACK frame may wait (4 ms), or slots would be empty at any rate. */
#define SLOT_TIME_MIN (6 * SKT_US_PER_MS)
/* A break of so long at least, or of half a round trip, says nothing of the rate before it or after. */
#define BREAK_MIN (20 * SKT_US_PER_MS)
/* measured on the recorded links: 30 ms leave 3 % more of the capacity unused, 100 ms are 25 ms of delay
 * more for 1 % of it. */
#define ROOM_WHOLE (60 * SKT_US_PER_MS)

enum {
    ROUND_SLOTS = 8,       /* the rate is that of a round trip, or of two where that is more */
    ROOM_PART = 2,         /* of a round trip, where that is more: on a long path more is sent later */
    ROOM_GROWTH_PART = 16, /* of the room, in a round without overflow: twice as much after 12 rounds */
    QUEUE_PART = 16,       /* of the least round trip: a shorter queue is none, as STARTUP has it */
    FOLD_PACKETS = 12,     /* the rate of fewer packets varies by itself */
    FOLD_PART = 8,         /* of what rates are smoothed over, in rounds: about one cycle */
    OUTLIER_PART = 3,      /* of the mean: no single round counts for more, a step of the rate is one */
    /* How far rates are off, from which they vary, and below which they do so no more. measured: 5 on a clean
     * line, 30 at 10 % loss, 20 to 100 beside TCP, 70 to 250 on the recorded links. */
    VARIES_PERMILLE = 100,
    STEADY_PERMILLE = 50,
    CHANCE_PART = 4,        /* of the share of losses: so much rates vary by chance; measured at 30 % */
    LATE_PART = 32,         /* of what arrives: with more of it late, rates are those of two paths at once */
    FOREIGN_ROUNDS = 4,     /* a queue of ours is down to the room in two; a rate may fall for one more */
    FOREIGN_PERCENT = 75,   /* of the longest queue in these: one that is ours has become shorter */
    OVERFLOW_PERMILLE = 30, /* losses with a queue beyond twice those without: chance differs by less */
    OVERFLOW_PACKETS = 4,   /* losses at least to speak of overflow */
    RANDOM_PERMILLE_MAX = 300, /* as in bbr_round.c */
};

static uint64_t sum_slots(const struct skt_bbr_supply *s, unsigned slots)
{
    uint64_t sum = 0;
    for (unsigned i = 1; i <= slots; i++)
        sum += s->bytes[(s->slot - i) % SKT_BBR_SLOTS];
    return sum;
}

/* At the end of a slot. A round trip that was short of data says only that there is no less. */
static void measure(struct skt_bbr_supply *s)
{
    skt_us round = ROUND_SLOTS * s->slot_time;
    uint64_t last = sum_slots(s, ROUND_SLOTS) * SKT_US_PER_SEC / round,
             both = sum_slots(s, 2 * ROUND_SLOTS) * SKT_US_PER_SEC / (2 * round);
    if (s->unlimited >= ROUND_SLOTS)
        s->rate = s->unlimited >= 2 * ROUND_SLOTS && both > last ? both : last;
    else if (last > s->rate)
        s->rate = last;
}

/* The slots follow the round trip, roughly: all are of one length. */
static void set_slot_time(struct skt_bbr_supply *s, skt_us time, skt_us now)
{
    if (time <= s->slot_time + s->slot_time / 4 && time >= s->slot_time - s->slot_time / 4)
        return;
    memset(s->bytes, 0, sizeof s->bytes);
    s->slot_time = time;
    s->at = now;
    s->unlimited = 0;
}

static void count(struct skt_bbr_supply *s, const struct skt_cc_ack *a)
{
    for (skt_us most = 2 * SKT_BBR_SLOTS * s->slot_time; a->now - s->at > most;)
        s->at = a->now - most;
    for (; a->now - s->at >= s->slot_time; s->at += s->slot_time) {
        s->slot++;
        s->unlimited++;
        s->bytes[s->slot % SKT_BBR_SLOTS] = 0;
        if (a->now - s->at < 2 * s->slot_time)
            measure(s);
    }
    s->bytes[s->slot % SKT_BBR_SLOTS] += a->acked;
    if (a->app_limited)
        s->unlimited = 0;
}

/* Is there more of a queue now than half of the room? */
static bool has_queue(const struct skt_cc_bbr *b)
{
    return b->supply.rtt > skt_bbr_path_rtt(b) + skt_bbr_room(b) / 2;
}

void skt_bbr_update_supply(struct skt_cc_bbr *b, const struct skt_cc_ack *a)
{
    struct skt_bbr_supply *s = &b->supply;
    skt_us path = skt_bbr_path_rtt(b), gap = a->now - s->acked_at, most = skt_us_max(BREAK_MIN, path / 2);
    s->acked_at = a->now;
    if (a->rtt)
        s->rtt = a->rtt;
    s->arrived[has_queue(b)] += a->acked;
    if (gap <= most) {
        s->busy_bytes += a->acked;
        s->busy_time += gap;
    } else {
        s->at = skt_us_min(s->at + gap - most, a->now);
    }
    set_slot_time(s, skt_us_max(SLOT_TIME_MIN, path / ROUND_SLOTS), a->now);
    count(s, a);
}

void skt_bbr_note_supply_loss(struct skt_cc_bbr *b, size_t bytes)
{
    b->supply.lost[has_queue(b)] += bytes;
}

static uint64_t lost_permille(const struct skt_bbr_supply *s, bool queue)
{
    return s->lost[queue] * SKT_BBR_UNIT / (s->lost[queue] + s->arrived[queue] + 1);
}

/* The buffer overflows where losses come with a queue and not without one: it holds less than the queue that
 * was meant to be. Buffers are counted in bytes, so what fits is remembered in bytes. */
static void fit_room(struct skt_cc_bbr *b)
{
    struct skt_bbr_supply *s = &b->supply;
    skt_us whole = skt_us_max(ROOM_WHOLE, skt_bbr_path_rtt(b) / ROOM_PART);
    uint64_t bytes = s->rate * whole / SKT_US_PER_SEC;
    bool overflows = s->lost[true] > OVERFLOW_PACKETS * b->mss &&
                     lost_permille(s, true) > 2 * lost_permille(s, false) + OVERFLOW_PERMILLE;
    if (overflows && (s->fits == 0 || s->fits > bytes))
        s->fits = bytes;
    if (overflows)
        s->fits -= s->fits / 4;
    else if (s->fits > 0)
        s->fits += s->fits / ROOM_GROWTH_PART + b->mss / ROOM_GROWTH_PART;
    s->room = s->fits > 0 && s->fits < bytes ? s->fits * SKT_US_PER_SEC / s->rate : whole;
    /* What is remembered: without a queue some rounds, since losses are few; with one the last two or three,
     * or one overflow would be answered again and again. */
    s->lost[false] -= s->lost[false] / 4;
    s->arrived[false] -= s->arrived[false] / 4;
    s->lost[true] = s->lost[true] * 3 / 8;
    s->arrived[true] = s->arrived[true] * 3 / 8;
}

static uint64_t distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

/* How far the rounds' rates are off their mean and each other. */
static void fold(struct skt_bbr_supply *s, uint64_t rate, uint64_t by_chance)
{
    if (s->mean == 0) {
        s->mean = s->last = rate;
        return;
    }
    uint64_t most = s->mean / OUTLIER_PART, off = (distance(rate, s->last) + distance(rate, s->mean)) / 2;
    s->deviation += (off < most ? off : most) / FOLD_PART;
    s->deviation -= s->deviation / FOLD_PART;
    s->last = rate;
    s->mean = s->mean - s->mean / FOLD_PART + rate / FOLD_PART;
    uint64_t permille = s->mean ? s->deviation * SKT_BBR_UNIT / s->mean : 0;
    s->varies = permille > by_chance + (s->varies ? STEADY_PERMILLE : VARIES_PERMILLE);
}

/* A queue that stays as the window shrinks is not ours. */
static void watch_queue(struct skt_cc_bbr *b)
{
    struct skt_bbr_supply *s = &b->supply;
    uint64_t rounds = b->rounds.n - b->rounds.quiet;
    skt_us least = b->delays.round_min, min = b->delays.min;
    skt_us queue = least == SKT_NEVER || least < min ? 0 : least - min;
    s->longest = rounds <= 1 ? queue : skt_us_max(s->longest, queue);
    if (!s->varies || rounds <= FOREIGN_ROUNDS || queue * 100 <= s->longest * FOREIGN_PERCENT)
        return;
    skt_bbr_set_crowded(b);
    s->varies = false;
    s->mean = s->deviation = 0;
}

void skt_bbr_end_supply(struct skt_cc_bbr *b, const struct skt_cc_ack *a)
{
    struct skt_bbr_supply *s = &b->supply;
    uint64_t bytes = s->busy_bytes, late = b->reorder.round_late + b->reorder.last_late;
    skt_us time = s->busy_time;
    bool counts = !a->app_limited && b->startup.filled;
    fit_room(b);
    watch_queue(b);
    if (counts && (bytes < FOLD_PACKETS * b->mss || time == 0))
        return;
    s->busy_bytes = s->busy_time = 0;
    /* Without a queue the rate is that of our sending. */
    if (b->delays.round_min == SKT_NEVER ||
        b->delays.round_min <= b->delays.min + skt_bbr_tolerated(b, QUEUE_PART))
        return;
    if (counts && !skt_bbr_is_crowded(b) && late * LATE_PART <= b->losses.round_acked)
        fold(s, bytes * SKT_US_PER_SEC / time, b->losses.permille / CHANCE_PART);
}

skt_us skt_bbr_room(const struct skt_cc_bbr *b)
{
    return b->supply.varies ? b->supply.room : 0;
}

uint64_t skt_bbr_supply_window(const struct skt_cc_bbr *b)
{
    const struct skt_bbr_supply *s = &b->supply;
    if (!s->varies || s->rate == 0 || !b->startup.filled || skt_bbr_is_crowded(b))
        return 0;
    uint64_t lost = lost_permille(s, false);
    uint64_t rate =
        s->rate * SKT_BBR_UNIT / (SKT_BBR_UNIT - (lost < RANDOM_PERMILLE_MAX ? lost : RANDOM_PERMILLE_MAX));
    skt_us time = skt_us_max(skt_bbr_path_rtt(b), b->delays.longer) + s->room;
    return rate * time / SKT_US_PER_SEC + 3 * b->mss;
}

uint64_t skt_bbr_supply_rate(const struct skt_cc_bbr *b)
{
    skt_us path = skt_bbr_path_rtt(b);
    if (path == 0 ||
        b->delays.longer > path + b->supply.room) /* filled at the rate that is known, it is no queue */
        return 0;
    return skt_bbr_supply_window(b) * SKT_US_PER_SEC / path;
}
