/* SPDX-License-Identifier: MIT */
#include "proto/path/copies.h"

#include "proto/path/flight.h"
#include "proto/path/tell.h"
#include "proto/path/waiting.h"

#define GAP_MIN (1 * SKT_US_PER_MS)
#define GAP_MAX (4 * SKT_US_PER_MS)

enum {
    THIN_ALWAYS = 2,  /* segments in flight of a conversation up to which it is thin, */
    THIN_DRAINED = 8, /* and when it has no more to send */
    GAP_PART = 16,    /* of the least round trip */
    LOST_TWICE = 2,   /* transmissions after which all that is behind has waited long enough for a segment */
};

static skt_us gap(const struct skt_path *p)
{
    if (p->rtt.min == 0)
        return GAP_MAX;
    return skt_us_min(skt_us_max(p->rtt.min / GAP_PART, GAP_MIN), GAP_MAX);
}

/* As seen after seg was sent. The end of a stream counts as thin whatever was before it. */
static bool is_thin(const struct skt_segment *seg)
{
    const struct skt_sender *s = seg->sender;
    uint32_t flying = s->nxt - s->una;
    if (flying <= THIN_ALWAYS || (seg->flags & SKT_SEG_FIN))
        return !s->bulk && !s->once;
    return !s->bulk && !s->once && flying <= THIN_DRAINED && s->nxt == s->end;
}

/* Does more follow at once that parity covers together with it, for less? */
static bool is_covered(const struct skt_path *p, const struct skt_sender *s)
{
    return s->nxt != s->end && skt_redundancy_group(&p->redundancy) > 0 && !skt_path_spares_parity(p);
}

void skt_path_plan_copies(struct skt_path *p, struct skt_segment *seg, skt_us now)
{
    unsigned n = p->recovery.timeouts <= 1 ? skt_redundancy_copies(&p->redundancy) : 0;
    if (n == 0)
        return;
    if (!is_thin(seg) || is_covered(p, seg->sender)) {
        if (seg->xmit <= LOST_TWICE)
            return;
        n = 1;
    }
    seg->copies_due = (uint8_t)n;
    seg->copy_at = now + gap(p);
    skt_list_append(&p->copies, &seg->copy_node);
}

void skt_path_cancel_copies(struct skt_segment *seg)
{
    seg->copies_due = 0;
    skt_list_remove(&seg->copy_node);
}

skt_us skt_path_copies_expiry(const struct skt_path *p)
{
    if (skt_list_empty(&p->copies))
        return SKT_NEVER;
    return SKT_CONTAINER(p->copies.next, struct skt_segment, copy_node)->copy_at;
}

struct skt_segment *skt_path_next_copy(struct skt_path *p, skt_us now)
{
    while (skt_path_copies_expiry(p) <= now) {
        struct skt_segment *seg = SKT_CONTAINER(p->copies.next, struct skt_segment, copy_node);
        size_t len = SKT_KCP_HEADER_LEN + (size_t)seg->len;
        if (len <= p->payload_limit && skt_redundancy_allows(&p->redundancy, now, len + p->overhead))
            return seg;
        skt_path_cancel_copies(seg);
    }
    return NULL;
}

void skt_path_note_copy(struct skt_path *p, struct skt_segment *seg, skt_us now)
{
    uint32_t ts = skt_path_tick(p, now);
    seg->copy_ts = skt_serial_before(seg->copy_ts, ts) ? ts : seg->copy_ts + 1;
    seg->copies_sent++;
    seg->copies_due--;
    seg->flags |= SKT_SEG_COPIED;
    p->stats.duplicated++;
    if (skt_path_is_traced(p))
        skt_path_tell_segment(p, now, seg, SKT_TRACE_COPY);
    skt_redundancy_on_copied(&p->redundancy, now, SKT_KCP_HEADER_LEN + (size_t)seg->len + p->overhead);
    if (seg->copies_due == 0) {
        seg->copy_at = now;
        skt_list_remove(&seg->copy_node);
        return;
    }
    seg->copy_at = now + gap(p);
    skt_list_move_tail(&p->copies, &seg->copy_node);
}

skt_us skt_path_last_sent_at(const struct skt_path *p, const struct skt_segment *seg)
{
    if (seg->copies_due > 0)
        return seg->copy_at + (skt_us)(seg->copies_due - 1) * gap(p);
    return seg->copies_sent > 0 ? seg->copy_at : seg->sent_at;
}

unsigned skt_path_copy_number(const struct skt_segment *seg, uint32_t ts)
{
    uint32_t whole = seg->copy_ts - seg->ts, part = ts - seg->ts;
    if (whole == 0 || part > whole)
        return 0;
    /* They were sent at equal distances. */
    unsigned n = (unsigned)(((uint64_t)part * seg->copies_sent + whole / 2) / whole);
    return n == 0 && part > 0 ? 1 : n;
}
