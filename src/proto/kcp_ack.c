/* SPDX-License-Identifier: MIT */
/* What the peer acknowledges: by name (sn and the ts of one transmission) and cumulatively. */
#include "proto/kcp_internal.h"

static void release(struct skt_kcp *k, struct skt_segment **slot)
{
    skt_pool_put(k->path->pool, *slot);
    *slot = NULL;
}

/* Moves snd_una over what was acknowledged by name. */
static void advance(struct skt_kcp *k)
{
    while (k->snd_una != k->snd_nxt && !*skt_seg_ring_at(&k->snd, k->snd_una))
        k->snd_una++;
}

/* How long ago a transmission with this ts was made, to 32 us. */
static skt_us age_of(const struct skt_path *p, skt_us now, uint32_t ts)
{
    return (skt_us)(skt_path_tick(p, now) - ts) * SKT_KCP_TICK_US;
}

/* A duplicate of the last transmission arrived, and that itself did not, or not yet. */
static void take_copy(struct skt_path *p, struct skt_segment *seg, struct skt_ack_round *round, uint32_t ts,
                      unsigned copy)
{
    struct skt_suspect original = {seg->kcp->conv, seg->sn, seg->ts};
    skt_us age = age_of(p, round->now, ts);
    if (age <= round->now - p->epoch_at)
        round->rtt = age;
    if (seg->flags & SKT_SEG_FLYING)
        skt_redundancy_on_copy_arrived(&p->redundancy, copy, &original);
    else
        seg->flags &= (uint8_t)~SKT_SEG_LOST; /* it was counted as lost, and rightly */
}

/* A transmission before the last one arrived after all, or a duplicate of it. */
static void take_earlier(struct skt_path *p, struct skt_segment *seg, struct skt_ack_round *round,
                         uint32_t ts)
{
    skt_us age = age_of(p, round->now, ts);
    if (age <= round->now - p->epoch_at)
        round->rtt = age;
    if (!(seg->flags & SKT_SEG_LOST))
        return;
    if (ts == seg->first_ts || !(seg->flags & SKT_SEG_COPIED))
        skt_path_take_spurious(p, seg, round->now, age);
    else
        seg->flags &= (uint8_t)~SKT_SEG_LOST;
}

void skt_kcp_take_ack(struct skt_kcp *k, struct skt_ack_round *round, uint32_t sn, uint32_t ts)
{
    struct skt_path *p = k->path;
    struct skt_suspect named_one = {k->conv, sn, ts};
    bool released = skt_serial_before(sn, k->snd_una);
    struct skt_segment **slot = released ? NULL : skt_seg_ring_at(&k->snd, sn);
    struct skt_segment *seg = slot ? *slot : NULL;
    if (!seg) {
        skt_redundancy_on_late(&p->redundancy, &named_one);
        return;
    }
    unsigned copy = skt_path_copy_number(seg, ts);
    bool named = ts == seg->ts || copy > 0;
    if (copy > 0) {
        take_copy(p, seg, round, ts, copy);
    } else if (named) {
        skt_redundancy_on_arrived(&p->redundancy);
        round->rtt = round->now - seg->sent_at;
        if (seg->sent_at < p->epoch_at)
            round->rtt = 0;
    } else if (!skt_serial_before(ts, seg->first_ts) && skt_serial_before(ts, seg->ts)) {
        take_earlier(p, seg, round, ts);
    }
    skt_path_take_acked(p, seg, round, named);
    release(k, slot);
    if (sn == k->snd_una)
        advance(k);
}

void skt_kcp_take_una(struct skt_kcp *k, struct skt_ack_round *round, uint32_t una)
{
    while (skt_serial_before(k->snd_una, una)) {
        struct skt_segment **slot = skt_seg_ring_at(&k->snd, k->snd_una);
        if (*slot) {
            skt_redundancy_on_arrived(&k->path->redundancy);
            skt_path_take_acked(k->path, *slot, round, false);
            release(k, slot);
        }
        k->snd_una++;
    }
    advance(k);
}
