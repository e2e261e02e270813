/* SPDX-License-Identifier: MIT */
/* What the peer acknowledges: by name (sn and the ts of one transmission) and cumulatively. */
#include "base/err.h"
#include "proto/kcp/ack_frame.h"
#include "proto/kcp/internal.h"
#include "proto/path/copies.h"
#include "proto/path/flight.h"
#include "proto/path/work.h"

static void release(struct skt_kcp *k, struct skt_segment **slot)
{
    skt_account_put(&k->path->account, *slot);
    *slot = NULL;
    skt_path_charge_work(k->path, SKT_WORK_RELEASE);
}

static bool is_released(const struct skt_kcp *k, uint32_t sn)
{
    return sn != k->snd.nxt && !*skt_seg_ring_at(&k->queue.ring, sn);
}

/* Moves snd_una over what was acknowledged by name. */
static void advance(struct skt_kcp *k)
{
    for (; k->path->work > 0 && is_released(k, k->snd.una); skt_path_charge_work(k->path, 1))
        k->snd.una++;
}

bool skt_kcp_lags(const struct skt_kcp *k)
{
    return skt_serial_before(k->snd.una, k->window.una) || is_released(k, k->snd.una);
}

/* How long ago a transmission with this ts was made, to 32 us. A retransmission's ts may be ahead of the
 * clock.
 */
static skt_us age_of(const struct skt_path *p, skt_us now, uint32_t ts)
{
    uint32_t tick = skt_path_tick(p, now);
    return skt_serial_before(tick, ts) ? 0 : (skt_us)(tick - ts) * SKT_KCP_TICK_US;
}

/* A duplicate of the last transmission arrived, and that itself did not, or not yet. */
static void take_copy(struct skt_path *p, struct skt_segment *seg, struct skt_ack_round *round, uint32_t ts,
                      unsigned copy)
{
    struct skt_suspect original = {.conv = seg->sender->conv, .sn = seg->sn, .ts = seg->ts};
    skt_us age = age_of(p, round->now, ts);
    if (age <= round->now - p->rtt.epoch_at)
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
    if (age <= round->now - p->rtt.epoch_at)
        round->rtt = age;
    if (!(seg->flags & SKT_SEG_LOST))
        return;
    if (ts == seg->first_ts || !(seg->flags & SKT_SEG_COPIED)) {
        skt_path_note_late(p, seg, age, round);
        skt_path_take_spurious(p, seg, round->now, age);
    } else
        seg->flags &= (uint8_t)~SKT_SEG_LOST;
}

void skt_kcp_take_ack(struct skt_kcp *k, struct skt_ack_round *round, uint32_t sn, uint32_t ts)
{
    struct skt_path *p = k->path;
    struct skt_suspect named_one = {.conv = k->snd.conv, .sn = sn, .ts = ts};
    bool released = skt_serial_before(sn, k->snd.una);
    struct skt_segment **slot = released ? NULL : skt_seg_ring_at(&k->queue.ring, sn);
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
        if (seg->tx < p->recovery.rack_tx)
            skt_path_note_late(p, seg, round->now - seg->sent_at, round);
        round->rtt = round->now - seg->sent_at;
        if (seg->sent_at < p->rtt.epoch_at)
            round->rtt = 0;
    } else if (!skt_serial_before(ts, seg->first_ts) && skt_serial_before(ts, seg->ts)) {
        take_earlier(p, seg, round, ts);
    } else {
        return; /* it names no transmission: who says so has not received one */
    }
    skt_path_take_acked(p, seg, round, named);
    release(k, slot);
    if (sn == k->snd.una)
        advance(k);
}

/* Which of its transmissions una is about, an ACK will say that comes right behind. */
static void take_unnamed(struct skt_kcp *k, struct skt_segment *seg, struct skt_ack_round *round)
{
    struct skt_redundancy *r = &k->path->redundancy;
    bool again = seg->xmit == 1 ? seg->copies_sent > 0 : seg->xmit == 2 && (seg->flags & SKT_SEG_PROBED);
    struct skt_suspect first = {.conv = k->snd.conv, .sn = seg->sn, .ts = seg->first_ts};
    skt_redundancy_on_arrived(r);
    if (again)
        skt_redundancy_on_unnamed(r, &first);
    skt_path_take_acked(k->path, seg, round, false);
}

void skt_kcp_take_una(struct skt_kcp *k, struct skt_ack_round *round)
{
    for (; k->path->work > 0 && skt_serial_before(k->snd.una, k->window.una);
         skt_path_charge_work(k->path, 1)) {
        struct skt_segment **slot = skt_seg_ring_at(&k->queue.ring, k->snd.una);
        if (skt_serial_before(k->snd.una + 1, k->window.una))
            skt_seg_prefetch(*skt_seg_ring_at(&k->queue.ring, k->snd.una + 1));
        if (*slot) {
            take_unnamed(k, *slot, round);
            release(k, slot);
        }
        k->snd.una++;
    }
    advance(k);
}

/* --- ACK frames --- */

static struct skt_segment *flying_or_lost(const struct skt_kcp *k, uint32_t sn)
{
    return skt_serial_before(sn, k->snd.una) ? NULL : *skt_seg_ring_at(&k->queue.ring, sn);
}

/* A segment inside a range, whose ts is that of a later segment and so not before its own: what arrived is
 * its first transmission where the last one was made after that. */
static void take_ranged(struct skt_kcp *k, struct skt_ack_round *round, uint32_t sn, uint32_t ts)
{
    const struct skt_segment *seg = flying_or_lost(k, sn);
    if (seg && !skt_serial_before(ts, seg->first_ts))
        skt_kcp_take_ack(k, round, sn, skt_serial_before(ts, seg->ts) ? seg->first_ts : seg->ts);
}

/* As far as there is work left for the packet: the rest is told again, or covered by una. */
static void take_record(struct skt_kcp *k, struct skt_ack_round *round, const struct skt_ack_record *r)
{
    uint32_t sn = r->lo;
    if (!skt_serial_before(r->hi, k->snd.una)) {
        if (skt_serial_before(sn, k->snd.una))
            sn = k->snd.una;
        for (; k->path->work > 0 && sn != r->hi; skt_path_charge_work(k->path, 1))
            take_ranged(k, round, sn++, r->ts);
    }
    skt_kcp_take_ack(k, round, r->hi, r->ts);
}

/* The round trip of the newest, without the time that its acknowledgement waited, but never below the least
 * that was measured whole (RFC 9002, 5.3). 0: it says nothing new. */
static skt_us newest_rtt(const struct skt_kcp *k, skt_us now, const struct skt_ack_frame *f)
{
    const struct skt_path *p = k->path;
    const struct skt_segment *seg = flying_or_lost(k, f->newest_sn);
    if (!seg || skt_serial_before(f->newest_ts, seg->first_ts) ||
        skt_serial_before(seg->copy_ts, f->newest_ts))
        return 0;
    skt_us rtt = f->newest_ts == seg->ts ? now - seg->sent_at : age_of(p, now, f->newest_ts);
    if (rtt > now - p->rtt.epoch_at)
        return 0;
    skt_us floor = skt_us_min(p->rtt.min ? p->rtt.min : rtt, rtt);
    return skt_us_max(floor, rtt - skt_us_min(rtt, (skt_us)f->delay * SKT_KCP_TICK_US));
}

/* Does it name only what was sent, and nothing over and over? */
static bool is_plausible(const struct skt_kcp *k, const struct skt_ack_frame *f)
{
    if (skt_serial_before(k->snd.nxt, f->una) || !skt_serial_before(f->newest_sn, k->snd.nxt))
        return false;
    uint32_t inside = 0;
    for (size_t i = 0; i < f->count; i++) {
        inside += f->records[i].hi - f->records[i].lo;
        if (!skt_serial_before(f->records[i].hi, k->snd.nxt))
            return false;
    }
    return inside <= SKT_ACK_RANGE_MAX;
}

int skt_kcp_receive_acks(struct skt_kcp *k, skt_us now, const struct skt_ack_frame *f)
{
    k->path->now = skt_us_max(k->path->now, now);
    if (!is_plausible(k, f))
        return SKT_ERR_MALFORMED;
    struct skt_ack_round round = {.now = now};
    skt_us rtt = newest_rtt(k, now, f);
    for (size_t i = 0; i < f->count; i++)
        take_record(k, &round, &f->records[i]);
    skt_kcp_take_ack(k, &round, f->newest_sn, f->newest_ts);
    round.rtt = rtt;
    skt_kcp_end_round(k, &round, f->una, f->wnd);
    return SKT_OK;
}
