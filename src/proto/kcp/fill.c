/* SPDX-License-Identifier: MIT */
/* Filling packets: what is sent next, and what is noted of it. */
#include "proto/kcp/internal.h"
#include "proto/kcp/turns.h"
#include "proto/path/copies.h"
#include "proto/path/flight.h"
#include "proto/path/gate.h"
#include "proto/path/loss.h"
#include "proto/path/tell.h"
#include "proto/path/waiting.h"

#include <assert.h>
#include <string.h>

enum {
    FRESH_RUN_MAX = 8, /* segments of thin conversations in a row, before one of the others */
    SPARED_BY_ACKS = SKT_OVERHEAD_FREE / 2, /* bytes of the budget that thin flows may need */
};

static size_t write_controls(struct skt_path *p, uint8_t *out, size_t room)
{
    size_t n = 0;
    while (!skt_list_empty(&p->turns.controls) && room - n >= SKT_KCP_HEADER_LEN) {
        struct skt_kcp *k = SKT_CONTAINER(p->turns.controls.next, struct skt_kcp, control_node);
        if (skt_kcp_has_control(k))
            n += skt_kcp_write_control(k, out + n, room - n);
        if (!skt_kcp_has_control(k))
            skt_list_remove(&k->control_node);
    }
    return n;
}

static void write_segment(const struct skt_segment *seg, uint32_t ts, uint8_t *out)
{
    struct skt_kcp *k = skt_kcp_of(seg);
    struct skt_kcp_header h = {
        .conv = k->snd.conv,
        .cmd = SKT_KCP_CMD_PUSH,
        .frg = seg->frg,
        .wnd = skt_kcp_advertise(k),
        .ts = ts,
        .sn = seg->sn,
        .una = k->rcv.nxt,
        .len = seg->len,
    };
    skt_kcp_put_header(out, &h);
    memcpy(out + SKT_KCP_HEADER_LEN, seg->data, seg->len);
}

static struct skt_segment *next_of(const struct skt_list *conversations)
{
    const struct skt_kcp *k = SKT_CONTAINER(conversations->next, struct skt_kcp, ready_node);
    return *skt_seg_ring_at(&k->queue.ring, k->snd.nxt);
}

/* The segment whose turn it is, or NULL: thin conversations first, though not for ever; then what is to be
 * sent again; then the others in turn. */
static struct skt_segment *next_segment(const struct skt_path *p, skt_us now)
{
    bool probing = p->recovery.probes > 0 && !skt_list_empty(&p->lost);
    if (!probing && !skt_path_may_send(p, now)) {
        bool ahead = !skt_list_empty(&p->turns.fresh) && skt_path_may_send_ahead(p, now);
        return ahead ? next_of(&p->turns.fresh) : NULL;
    }
    bool others = !skt_list_empty(&p->lost) || !skt_list_empty(&p->turns.ready);
    if (!probing && !skt_list_empty(&p->turns.fresh) && (p->turns.fresh_run < FRESH_RUN_MAX || !others))
        return next_of(&p->turns.fresh);
    if (!skt_list_empty(&p->lost))
        return SKT_CONTAINER(p->lost.next, struct skt_segment, node);
    return skt_list_empty(&p->turns.ready) ? NULL : next_of(&p->turns.ready);
}

/* Bare acknowledgements of TCP, too: those behind a lost one wait for it, and an inner sender measures its
 * round trips by them. But thin flows need the budget more. */
static void note_uncopied(struct skt_path *p, const struct skt_segment *seg)
{
    if (seg->copies_due == 0 &&
        (!seg->sender->once || skt_redundancy_left(&p->redundancy, p->now) > SPARED_BY_ACKS))
        p->uncopied = true;
}

static void send_segment(struct skt_path *p, struct skt_segment *seg, skt_us now, uint8_t *out)
{
    bool first = seg->xmit == 0, thin = first && skt_sender_is_thin(seg->sender);
    p->turns.fresh_run = thin ? p->turns.fresh_run + 1 : 0;
    if (thin)
        skt_path_note_ahead(p, now, SKT_KCP_HEADER_LEN + (size_t)seg->len);
    skt_path_note_sent(p, seg, now);
    write_segment(seg, seg->ts, out);
    if (p->recovery.probes > 0)
        p->recovery.probes--;
    if (skt_path_is_traced(p))
        skt_path_tell_segment(p, now, seg, first ? SKT_TRACE_FIRST : SKT_TRACE_AGAIN);
    if (!first) {
        p->stats.retransmitted++;
        skt_path_plan_copies(p, seg, now);
        note_uncopied(p, seg);
        return;
    }
    p->stats.sent++;
    skt_redundancy_on_first(&p->redundancy, now, seg->cost);
    p->stats.payload_tx += seg->len;
    struct skt_kcp *k = skt_kcp_of(seg);
    skt_kcp_on_first_sent(k, seg);
    if (k->snd.nxt != k->snd.end)
        skt_seg_prefetch(*skt_seg_ring_at(&k->queue.ring, k->snd.nxt));
    skt_path_plan_copies(p, seg, now);
    note_uncopied(p, seg);
    skt_kcp_update_sending(k);
    if (!skt_list_empty(&k->ready_node))
        skt_kcp_queue_turn(k);
}

/* Bandwidth samples mean less from here on until all that is in flight now has been delivered. */
static void note_limited(struct skt_path *p)
{
    if (skt_path_has_data(p) || p->inflight_bytes >= p->cc_state.out.cwnd)
        return;
    p->delivery.limited_until = p->delivery.bytes + p->inflight_bytes;
    if (p->delivery.limited_until == 0)
        p->delivery.limited_until = 1;
}

/* Duplicates that are due: few and small, so neither window nor pacer hold them up. */
static size_t write_copies(struct skt_path *p, skt_us now, uint8_t *out, size_t room)
{
    size_t n = 0;
    for (struct skt_segment *seg; (seg = skt_path_next_copy(p, now)) != NULL;) {
        size_t len = SKT_KCP_HEADER_LEN + (size_t)seg->len;
        if (n + len > room)
            break;
        skt_path_note_copy(p, seg, now);
        write_segment(seg, seg->copy_ts, out + n);
        n += len;
    }
    return n;
}

/* KCP bytes of the segment that goes next, whatever is in it; 0: none. */
static size_t next_len(struct skt_path *p, skt_us now)
{
    if (!skt_list_empty(&p->turns.controls))
        return SKT_KCP_HEADER_LEN;
    const struct skt_segment *seg = skt_path_next_copy(p, now);
    if (!seg)
        seg = next_segment(p, now);
    return seg ? SKT_KCP_HEADER_LEN + (size_t)seg->len : 0;
}

/* ACK frames, of all conversations that have one: when the first is due, or where there is room beside what
 * goes now anyway. */
static size_t write_ack_frames(struct skt_path *p, skt_us now, uint8_t *out, size_t room)
{
    size_t n = 0;
    if (skt_list_empty(&p->turns.acks))
        return 0;
    if (p->turns.ack_at > now) {
        size_t next = next_len(p, now);
        if (next == 0 || next > room)
            return 0;
        room -= next;
    }
    while (!skt_list_empty(&p->turns.acks)) {
        struct skt_kcp *k = SKT_CONTAINER(p->turns.acks.next, struct skt_kcp, ack_node);
        n += skt_kcp_write_ack_frames(k, now, out + n, room - n);
        if (skt_kcp_owes(k))
            break; /* no room */
        skt_list_remove(&k->ack_node);
    }
    return n;
}

/* Segments into a packet in which `used` bytes are taken. */
static size_t write_packet(struct skt_path *p, skt_us now, uint8_t *out, size_t cap, size_t used)
{
    assert(cap + used >= SKT_MTU_MAX);
    size_t room = (p->payload_limit < cap + used ? p->payload_limit : cap + used) - used;
    size_t n = write_controls(p, out, room);
    size_t controls = n;
    n += write_copies(p, now, out + n, room - n);
    size_t copies = n - controls;
    for (struct skt_segment *seg; (seg = next_segment(p, now));) {
        size_t len = SKT_KCP_HEADER_LEN + (size_t)seg->len;
        if (n + len > room && n + used > 0)
            break;
        send_segment(p, seg, now, out + n);
        n += len;
        if (n >= room)
            break;
    }
    p->precharged = 0;
    if (n > controls) {
        p->precharged = used + n + p->overhead;
        /* Duplicates are not paced: they bring nothing that the bandwidth is measured by, so what they took
         * from the rate would look like less bandwidth, and less again. */
        skt_pacer_on_sent(&p->pacer, now, p->precharged - copies);
    }
    note_limited(p);
    skt_path_note_waiting(p, now);
    if (n == 0 && skt_path_is_traced(p))
        p->trace.on->limit(p->trace.user, now, skt_turns_limit(p));
    return n;
}

size_t skt_turns_send(struct skt_path *p, skt_us now, uint8_t *out, size_t cap, size_t *segments_len)
{
    p->now = skt_us_max(p->now, now);
    p->uncopied = false;
    skt_path_note_break(p, now);
    skt_turns_catch_up(p, now);
    skt_path_detect_losses(p, now);
    size_t used = write_ack_frames(p, now, out, p->payload_limit);
    size_t n = write_packet(p, now, out + used + 1, cap - used - 1, used);
    *segments_len = n;
    if (n == 0)
        return used;
    out[used] = SKT_FRAME_KCP;
    return used + 1 + n;
}
