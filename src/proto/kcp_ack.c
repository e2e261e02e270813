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
    return (skt_us)((uint32_t)(now / SKT_KCP_TICK_US) + p->ts_base - ts) * SKT_KCP_TICK_US;
}

void skt_kcp_take_ack(struct skt_kcp *k, struct skt_ack_round *round, uint32_t sn, uint32_t ts)
{
    if (skt_serial_before(sn, k->snd_una))
        return;
    struct skt_segment **slot = skt_seg_ring_at(&k->snd, sn);
    struct skt_segment *seg = *slot;
    if (!seg)
        return;
    struct skt_path *p = k->path;
    bool named = ts == seg->ts;
    if (named) {
        round->rtt = round->now - seg->sent_at;
        if (seg->sent_at < p->epoch_at)
            round->rtt = 0;
    } else if (!skt_serial_before(ts, seg->first_ts) && skt_serial_before(ts, seg->ts)) {
        skt_us age = age_of(p, round->now, ts);
        if (age <= round->now - p->epoch_at)
            round->rtt = age;
        if (seg->flags & SKT_SEG_LOST)
            skt_path_take_spurious(p, seg, round->now, age);
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
            skt_path_take_acked(k->path, *slot, round, false);
            release(k, slot);
        }
        k->snd_una++;
    }
    advance(k);
}
