/* SPDX-License-Identifier: MIT */
/* Acknowledgements for the peer: what came, when that is told, and how often. */
#include "base/err.h"
#include "proto/kcp/ack_frame.h"
#include "proto/kcp/internal.h"

#include <stdlib.h>
#include <string.h>

/* How long an acknowledgement waits: a part of the round trip, but not longer than DELAY_MAX; where the round
 * trip is below DELAY_PART * DELAY_THIN, or somebody may wait for the rest of a run, no longer than
 * DELAY_THIN (decisions.md: "An ACK waits up to 4 ms, or a sixteenth of a round trip", with what that has
 * saved). */
#define DELAY_THIN (1 * SKT_US_PER_MS)
#define DELAY_MAX  (4 * SKT_US_PER_MS)

#define RUN_GAP (10 * SKT_US_PER_MS) /* a longer pause between segments ends a run */

enum {
    OWED_MIN = 8,        /* entries of the first list, which doubles */
    OWED_MAX = 16384,    /* more in one batch are left to the peer's retransmission */
    FRESH_MAX = 32,      /* what comes one by one waits no longer when there is so much of it */
    SEGMENT_REPEATS = 2, /* how often a KCP segment (24 bytes) is sent for the same arrival */
    FRAME_REPEATS = 4,   /* how often a record of an ACK frame (a few bytes) is sent for the same arrival */
    RUN_THIN = 16,       /* segments in a run up to which somebody may wait for the rest */
    DELAY_PART = 16,     /* the part of a round trip that an acknowledgement may wait */
    FRAME_RECORDS = 28,  /* of an ACK frame, repetitions included: 84 to 140 bytes, as most take 3 to 5 */
};

bool skt_kcp_owes(const struct skt_kcp *k)
{
    return k->owed.newest || k->owed.fresh > 0;
}

/* --- what came --- */

static bool extend(struct skt_kcp *k, const struct skt_kcp_header *h)
{
    struct skt_kcp_owed *last = k->owed.open ? &k->owed.list[k->owed.count - 1] : NULL;
    if (!last || last->hi + 1 != h->sn || h->sn - last->lo > SKT_ACK_RANGE_MAX)
        return false;
    last->hi = h->sn;
    last->ts = h->ts;
    return true;
}

static void add(struct skt_kcp *k, const struct skt_kcp_header *h, bool named)
{
    if (k->owed.count == k->owed.cap) {
        uint32_t cap = k->owed.cap ? 2 * k->owed.cap : OWED_MIN;
        void *owed = cap > OWED_MAX ? NULL
                                    : skt_account_realloc(&k->path->account, k->owed.list,
                                                          k->owed.cap * sizeof *k->owed.list,
                                                          cap * sizeof *k->owed.list, false);
        if (!owed)
            return;
        k->owed.list = owed;
        k->owed.cap = cap;
    }
    uint8_t times = k->path->ack_frames ? FRAME_REPEATS : SEGMENT_REPEATS;
    k->owed.list[k->owed.count++] = (struct skt_kcp_owed){h->sn, h->sn, h->ts, times, named};
    k->owed.fresh++;
    k->owed.open = !named;
}

static bool in_thin_run(struct skt_kcp *k, skt_us now)
{
    if (now - k->owed.newest_at > RUN_GAP)
        k->rcv.run = 0;
    if (k->rcv.run < UINT8_MAX)
        k->rcv.run++;
    return k->rcv.run <= RUN_THIN;
}

/* How long an ACK frame may wait for more to tell, or for a packet to ride in: a small part of a round trip,
 * well below what the peer's timers allow for. On a short path, where that is too little for a timer, only
 * the first segment waits, until the second: if it is a request, its answer most often comes first, and takes
 * the ACK along. What came again has been acknowledged before. */
static skt_us delay_of(const struct skt_kcp *k, enum skt_arrival how, bool thin, bool first)
{
    skt_us delay = skt_us_min(k->path->rtt.srtt / DELAY_PART, DELAY_MAX);
    if (k->owed.fresh >= FRESH_MAX)
        return 0;
    if (delay < DELAY_THIN)
        return first && how == SKT_ARRIVAL_IN_ORDER && k->path->rtt.srtt > 0 ? DELAY_THIN : 0;
    return thin && how != SKT_ARRIVAL_AGAIN ? DELAY_THIN : delay;
}

static void want_frame(struct skt_kcp *k, skt_us delay)
{
    struct skt_path *p = k->path;
    skt_us at = p->now + delay;
    if (skt_list_empty(&p->turns.acks) || at < p->turns.ack_at)
        p->turns.ack_at = at;
    if (skt_list_empty(&k->ack_node))
        skt_list_append(&p->turns.acks, &k->ack_node);
}

void skt_kcp_owe(struct skt_kcp *k, const struct skt_kcp_header *h, enum skt_arrival how)
{
    skt_us now = k->path->now;
    bool frames = k->path->ack_frames, thin = in_thin_run(k, now), first = !k->owed.newest;
    if (how == SKT_ARRIVAL_BEYOND && frames) {
        if (!extend(k, h))
            add(k, h, false);
    } else if (how != SKT_ARRIVAL_IN_ORDER || (frames && thin)) {
        add(k, h, true);
    }
    k->owed.newest_at = now;
    if (frames || how == SKT_ARRIVAL_IN_ORDER) {
        k->owed.newest = true;
        k->owed.newest_sn = h->sn;
        k->owed.newest_ts = h->ts;
    }
    if (frames)
        want_frame(k, delay_of(k, how, thin, first));
    else
        skt_kcp_want_control(k);
}

/* --- telling it --- */

static void drop_first(struct skt_kcp *k, uint32_t n)
{
    k->owed.count -= n;
    if (n > 0)
        memmove(k->owed.list, k->owed.list + n, k->owed.count * sizeof *k->owed.list);
}

static void free_if_idle(struct skt_kcp *k)
{
    if (k->rcv.held > 0 || k->owed.fresh > 0 || (k->path->ack_frames && k->owed.count > 0))
        return;
    skt_account_free(&k->path->account, k->owed.list, k->owed.cap * sizeof *k->owed.list);
    k->owed.list = NULL;
    k->owed.count = k->owed.cap = 0;
}

static size_t put_ack(struct skt_kcp_header *h, uint32_t sn, uint32_t ts, uint8_t *out)
{
    h->sn = sn;
    h->ts = ts;
    skt_kcp_put_header(out, h);
    return SKT_KCP_HEADER_LEN;
}

/* New acknowledgements, then once more those of the packet before: what is beyond a hole has no una to cover
 * it, and each whose ACK is lost would be sent in vain again. */
static size_t write_named(struct skt_kcp *k, struct skt_kcp_header *h, uint8_t *out, size_t len)
{
    size_t n = 0;
    uint32_t old = k->owed.count - k->owed.fresh, i = old;
    for (; i < k->owed.count && len - n >= SKT_KCP_HEADER_LEN; i++)
        n += put_ack(h, k->owed.list[i].hi, k->owed.list[i].ts, out + n);
    for (uint32_t j = 0; j < old && len - n >= SKT_KCP_HEADER_LEN; j++) {
        if (!skt_serial_before(k->owed.list[j].hi, k->rcv.nxt))
            n += put_ack(h, k->owed.list[j].hi, k->owed.list[j].ts, out + n);
    }
    if (i > old) {
        k->owed.fresh -= i - old;
        drop_first(k, old);
    }
    return n;
}

size_t skt_kcp_write_ack_segments(struct skt_kcp *k, struct skt_kcp_header *h, uint8_t *out, size_t len)
{
    size_t n = k->owed.fresh > 0 ? write_named(k, h, out, len) : 0;
    if (k->owed.newest && len - n >= SKT_KCP_HEADER_LEN) {
        n += put_ack(h, k->owed.newest_sn, k->owed.newest_ts, out + n);
        k->owed.newest = false;
    }
    k->owed.open = false;
    free_if_idle(k);
    return n;
}

/* Ranges that una covers by now need not be told. */
static void drop_covered(struct skt_kcp *k)
{
    uint32_t kept = 0, old = k->owed.count - k->owed.fresh;
    for (uint32_t i = 0; i < k->owed.count; i++) {
        const struct skt_kcp_owed *o = &k->owed.list[i];
        if (o->named || !skt_serial_before(o->hi, k->rcv.nxt))
            k->owed.list[kept++] = *o;
        else if (i >= old)
            k->owed.fresh--;
    }
    k->owed.count = kept;
}

static bool is_newest(const struct skt_kcp *k, const struct skt_kcp_owed *o)
{
    return o->lo == o->hi && o->hi == k->owed.newest_sn && o->ts == k->owed.newest_ts &&
           o->left == FRAME_REPEATS;
}

/* Adds records from `first` on, as many as fit; what was told often enough is dropped. */
static void write_records(struct skt_kcp *k, struct skt_ack_writer *a, uint32_t first)
{
    uint32_t fresh_at = k->owed.count - k->owed.fresh, kept = 0, i = first;
    for (; i < k->owed.count; i++) {
        struct skt_kcp_owed o = k->owed.list[i];
        struct skt_ack_record r = {o.lo, o.hi, o.ts, o.lo != o.hi};
        if (!is_newest(k, &o) && !skt_ack_frame_add(a, &r))
            break;
        if (i >= fresh_at)
            k->owed.fresh--;
        if (--o.left > 0)
            k->owed.list[kept++] = o;
    }
    for (; i < k->owed.count; i++)
        k->owed.list[kept++] = k->owed.list[i];
    k->owed.count = kept;
}

static size_t write_frame(struct skt_kcp *k, skt_us now, uint8_t *out, size_t len)
{
    struct skt_ack_writer a;
    struct skt_ack_frame f;
    f.conv = k->snd.conv;
    f.una = k->rcv.nxt;
    f.wnd = skt_kcp_advertise(k);
    f.newest_sn = k->owed.newest_sn;
    f.newest_ts = k->owed.newest_ts;
    f.delay = (uint32_t)skt_us_min((now - k->owed.newest_at) / SKT_KCP_TICK_US, SKT_ACK_DELAY_MAX);
    skt_ack_frame_begin(&a, &f, out, len);
    /* Those before the last few were told as often as it takes. */
    uint32_t told = k->owed.fresh > FRAME_RECORDS ? k->owed.fresh : FRAME_RECORDS;
    write_records(k, &a, k->owed.count > told ? k->owed.count - told : 0);
    k->owed.newest = false;
    return skt_ack_frame_end(&a);
}

size_t skt_kcp_write_ack_frames(struct skt_kcp *k, skt_us now, uint8_t *out, size_t len)
{
    size_t n = 0;
    drop_covered(k);
    if (k->owed.count == 0 && k->owed.newest == false)
        return 0;
    while (skt_kcp_owes(k) && len - n >= SKT_ACK_HEAD_MAX + SKT_VARINT_MAX * 3)
        n += write_frame(k, now, out + n, len - n);
    k->owed.open = false;
    free_if_idle(k);
    return n;
}
