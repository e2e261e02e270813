/* SPDX-License-Identifier: MIT */
/* What kcp/ and path/ share and nobody else uses. */
#ifndef SKT_PROTO_KCP_INTERNAL_H
#define SKT_PROTO_KCP_INTERNAL_H

#include "proto/kcp/kcp.h"

#define SKT_KCP_PROBE_MIN    (200 * SKT_US_PER_MS)
#define SKT_KCP_PROBE_MAX    (2 * SKT_US_PER_SEC)
#define SKT_PATH_INITIAL_RTO (250 * SKT_US_PER_MS)
#define SKT_PATH_RATE_MAX    UINT64_C(100000000000) /* bytes/s: what the pacer takes, and more than there is */

enum {
    SKT_KCP_RESERVED_PART =
        8, /* less than this part of the share is left: only the next segment in order is taken */
    SKT_KCP_LAST_PART =
        16,           /* less than this part is left: even that one only where the reader waits for it */
    SKT_KCP_THIN = 4, /* segments in flight up to which a conversation goes first */
    SKT_KCP_THIN_SMALL = 32, /* the same for one whose segments are small (SKT_KCP_SMALL_LEN) */
    SKT_KCP_SMALL_LEN =
        256, /* bytes of a small segment, as of requests: a queue holds them back, they do not make it */
    SKT_WORK_RELEASE = 32, /* steps of path->work that letting a segment go takes */
    SKT_WORK_ORDER = 4,    /* those that taking a held segment into order takes */
    SKT_KCP_TELLS = 5,     /* how often news of a window that was closed is repeated when no data follows */
};

/* The segments lo..hi came. Named for itself: lo is hi, and ts that of its transmission. Else they came in
 * order behind a hole, each above all that had come before it, and ts is that of hi. */
struct skt_kcp_owed {
    uint32_t lo, hi, ts;
    uint8_t left; /* how often it is still to be sent */
    bool named;
};

/* How a segment came. */
enum skt_arrival {
    SKT_ARRIVAL_IN_ORDER, /* una covers it */
    SKT_ARRIVAL_BEYOND,   /* above all that had come, behind a hole */
    SKT_ARRIVAL_LATE,     /* it fills a hole: perhaps a retransmission, and its sender wants to know which */
    SKT_ARRIVAL_AGAIN,    /* it had come before */
};

/* What one received segment acknowledged, gathered until the path is told. */
struct skt_ack_round {
    skt_us now;
    size_t acked; /* bytes as counted in flight */
    uint64_t tx;  /* newest transmission known to have arrived; 0: none */
    skt_us sent_at, delivered_at, first_sent_at;
    uint64_t prior_delivered;
    bool app_limited;
    skt_us rtt;     /* of the transmission that the ACK named; 0: none */
    size_t late;    /* bytes of `acked` that came long after what was sent later had come */
    skt_us late_by; /* the most that any of these was behind; 0: none was */
};

/* --- kcp.c --- */

void skt_kcp_notify(struct skt_kcp *k, unsigned events);

/* After what a packet acknowledges by name: takes una and wnd of the peer, and closes the round. */
void skt_kcp_end_round(struct skt_kcp *k, struct skt_ack_round *round, uint32_t una, uint16_t wnd);

/* Goes on with what was acknowledged, or could be in order, and was not worked off; takes it off
 * path->turns.lagging when that was all. */
void skt_kcp_catch_up(struct skt_kcp *k, skt_us now);

/* Puts the conversation on path->turns.ready or takes it off, and arms the window probe where only that
 * helps. After anything that changes what may be sent. */
void skt_kcp_update_sending(struct skt_kcp *k);

/* Puts it on path->turns.controls. */
void skt_kcp_want_control(struct skt_kcp *k);

/* Sets the heap node after probe_at or tell_at changed. */
void skt_kcp_update_timer(struct skt_kcp *k);
void skt_kcp_on_timer(struct skt_kcp *k, skt_us now);

/* How long a window probe or update waits for its answer. */
skt_us skt_kcp_probe_time(const struct skt_kcp *k);

/* Takes steps off the work that is left for a packet, as far as it goes. */
static inline void skt_path_charge_work(struct skt_path *p, unsigned steps)
{
    p->work -= steps < p->work ? steps : p->work;
}

static inline bool skt_kcp_window_open(const struct skt_kcp *k)
{
    return skt_serial_before(k->snd.nxt, k->snd.wnd_una + k->snd.rmt_wnd);
}

/* Has the reader taken all that it can? */
static inline bool skt_kcp_reader_waits(const struct skt_kcp *k)
{
    return k->stream ? k->rcv.read == k->rcv.nxt : k->rcv.messages == 0;
}

/* --- kcp/send.c --- */

/* The unsent segment at snd_nxt was sent. */
void skt_kcp_on_first_sent(struct skt_kcp *k, const struct skt_segment *seg);

/* Tells a writer that was held back, if there is room again. */
void skt_kcp_check_writable(struct skt_kcp *k);

/* --- kcp/ack.c --- */

void skt_kcp_take_ack(struct skt_kcp *k, struct skt_ack_round *round, uint32_t sn, uint32_t ts);
/* Takes what the peer has by wnd_una, as far as path->work goes. */
void skt_kcp_take_una(struct skt_kcp *k, struct skt_ack_round *round);

/* Is there more that it has? */
bool skt_kcp_lags(const struct skt_kcp *k);

/* --- kcp/control.c --- */

/* The window to put into a header that is sent now. */
uint16_t skt_kcp_advertise(struct skt_kcp *k);

/* Has it a WASK or a WINS to send, or an ACK segment? */
bool skt_kcp_has_control(const struct skt_kcp *k);

/* Writes as much of that as fits into len bytes; returns the bytes written. */
size_t skt_kcp_write_control(struct skt_kcp *k, uint8_t *out, size_t len);

/* Widens the window when a reader kept up with half of it, or when segments up to used_to, with holes between
 * them, use half of it. */
void skt_kcp_grow_window(struct skt_kcp *k, uint32_t used_to);

/* After reading: tells the peer of the room, where it would not learn of it by acknowledgements. */
void skt_kcp_tell_room(struct skt_kcp *k);

/* Data came: the peer knows of the room. */
void skt_kcp_stop_telling(struct skt_kcp *k);

/* --- kcp/owed.c --- */

/* A segment came: it is to be acknowledged. */
void skt_kcp_owe(struct skt_kcp *k, const struct skt_kcp_header *h, enum skt_arrival how);

/* Is there an acknowledgement that was not sent yet? */
bool skt_kcp_owes(const struct skt_kcp *k);

/* Writes acknowledgements as KCP segments (h: filled in but for sn and ts), or as ACK frames; as many as fit
 * into len bytes. Returns the bytes written. */
size_t skt_kcp_write_ack_segments(struct skt_kcp *k, struct skt_kcp_header *h, uint8_t *out, size_t len);
size_t skt_kcp_write_ack_frames(struct skt_kcp *k, skt_us now, uint8_t *out, size_t len);

/* --- kcp/recv.c --- */

int skt_kcp_take_push(struct skt_kcp *k, const struct skt_kcp_header *h, const uint8_t *data);

/* Takes into order what is held behind a hole that was filled, as far as path->work goes. */
void skt_kcp_take_held(struct skt_kcp *k);

/* Is there more of that? */
bool skt_kcp_next_is_held(const struct skt_kcp *k);
static inline bool skt_kcp_is_behind(const struct skt_kcp *k)
{
    return k->rcv.held > 0 && skt_kcp_next_is_held(k);
}

/* --- path.c, path/loss.c --- */

void skt_kcp_put_header(uint8_t *out, const struct skt_kcp_header *h);

/* A round trip of a transmission sent at sent_at. */
void skt_path_take_rtt(struct skt_path *p, skt_us now, skt_us rtt);

/* Takes a sent segment off the path's lists and counts, as one acknowledged. named: the acknowledgement named
 * its last transmission. */
void skt_path_take_acked(struct skt_path *p, struct skt_segment *seg, struct skt_ack_round *round,
                         bool named);

/* A transmission that its ACK named, `took` after its sending, and a later one before: puts into round->late
 * whether it was overtaken by far. */
void skt_path_note_late(const struct skt_path *p, const struct skt_segment *seg, skt_us took,
                        struct skt_ack_round *round);

/* An earlier transmission of seg than the last one arrived, after `late` since its sending; or one that was
 * thought lost. */
void skt_path_take_spurious(struct skt_path *p, struct skt_segment *seg, skt_us now, skt_us late);

/* Closes a round: congestion control and RACK learn of it. */
void skt_path_end_round(struct skt_path *p, const struct skt_ack_round *round);

/* Takes a transmission out of flight and queues its segment to be sent again, without calling it lost. */
void skt_path_requeue(struct skt_path *p, struct skt_segment *seg);

/* Takes a segment off the path's lists and counts, as one that is dropped. */
void skt_path_forget(struct skt_path *p, struct skt_segment *seg);

/* Goes on with what packets have left to be done, within the work of one. */
void skt_path_catch_up(struct skt_path *p, skt_us now);

/* A conversation (its lag_node) has more to do than one packet may cost. */
static inline void skt_path_add_lagging(struct skt_path *p, struct skt_list *node)
{
    skt_list_append(&p->turns.lagging, node);
    p->left_over = true;
}

/* Takes over a ring of segments that are nowhere else, to free them bit by bit in skt_path_catch_up: they are
 * charged till then. False: it is small, or there is no memory for that; it is the caller's. */
bool skt_path_take_rubble(struct skt_path *p, struct skt_seg_ring *ring);

void skt_path_detect_losses(struct skt_path *p, skt_us now);

/* Has the retransmission timer fired for transmissions that are not marked yet? */
bool skt_path_is_timing_out(const struct skt_path *p);

/* When the oldest transmission in flight is to be acted upon; SKT_NEVER without one. */
skt_us skt_path_loss_expiry(const struct skt_path *p);

/* A conversation (its starved_node) waits for room in the account. */
void skt_path_add_starved(struct skt_path *p, struct skt_list *node);

/* Has data been waiting for pacer or window for longer than a round trip? */
bool skt_path_is_full(const struct skt_path *p);

/* Does data go without parity now, since it is bulk? What gets no duplicates because parity covers it, and
 * what gets parity because it has no duplicates, both depend on it. */
bool skt_path_spares_parity(const struct skt_path *p);

/* --- path/copies.c --- */

/* After seg was sent: schedules its duplicates. */
void skt_path_plan_copies(struct skt_path *p, struct skt_segment *seg, skt_us now);
void skt_path_cancel_copies(struct skt_segment *seg);

/* When the next duplicate is due; SKT_NEVER: none. */
skt_us skt_path_copies_expiry(const struct skt_path *p);

/* The segment to duplicate now, or NULL; skt_path_note_copy when it is sent (with copy_ts as its ts). */
struct skt_segment *skt_path_next_copy(struct skt_path *p, skt_us now);
void skt_path_note_copy(struct skt_path *p, struct skt_segment *seg, skt_us now);

/* When the last transmission's last duplicate was or will be sent, or the transmission itself without any. */
skt_us skt_path_last_sent_at(const struct skt_path *p, const struct skt_segment *seg);

/* Which duplicate of the last transmission a ts names, from 1; 0: none of them. */
unsigned skt_path_copy_number(const struct skt_segment *seg, uint32_t ts);

/* The ts of now. */
static inline uint32_t skt_path_tick(const struct skt_path *p, skt_us now)
{
    return (uint32_t)(now / SKT_KCP_TICK_US) + p->ts_base;
}

void skt_path_update_pacer(struct skt_path *p, skt_us now);

/* --- path/trace.c: for what costs more to find out than to tell --- */

void skt_path_tell_metrics(const struct skt_path *p, skt_us now);
void skt_path_tell_limit(const struct skt_path *p, skt_us now);
void skt_path_tell_segment(const struct skt_path *p, skt_us now, const struct skt_segment *seg,
                           enum skt_trace_cause cause);
void skt_path_tell_lost(const struct skt_path *p, skt_us now, const struct skt_segment *seg,
                        enum skt_trace_loss how);

static inline bool skt_path_is_traced(const struct skt_path *p)
{
    return __builtin_expect(p->trace.on != NULL, 0);
}

static inline void skt_path_trace_metrics(const struct skt_path *p, skt_us now)
{
    if (skt_path_is_traced(p))
        skt_path_tell_metrics(p, now);
}

/* --- path/gate.c --- */

/* May data be sent now? */
bool skt_path_may_send(const struct skt_path *p, skt_us now);

/* May new data of a thin conversation, also where the window is full or the pacer not ready? Up to an eighth
 * of the window a round trip, at least SKT_CC_MIN_PACKETS, and up to a burst of the pacer. */
bool skt_path_may_send_ahead(const struct skt_path *p, skt_us now);

/* New data of a thin conversation goes; before it counts as in flight. */
void skt_path_note_ahead(struct skt_path *p, skt_us now, size_t bytes);

/* When data may go next; SKT_NEVER: only after something else has happened. */
skt_us skt_path_gate_expiry(const struct skt_path *p, skt_us now);

/* Has it little in flight? Then it goes before those that have much: they wait for themselves. */
static inline bool skt_kcp_is_thin(const struct skt_kcp *k)
{
    uint32_t most = k->snd.mean_len <= SKT_KCP_SMALL_LEN ? SKT_KCP_THIN_SMALL : SKT_KCP_THIN;
    return !k->snd.bulk && k->snd.nxt - k->snd.una <= most;
}

/* At the end of its queue. */
static inline void skt_path_queue(struct skt_path *p, struct skt_kcp *k)
{
    skt_list_move_tail(skt_kcp_is_thin(k) ? &p->turns.fresh : &p->turns.ready, &k->ready_node);
}

/* May data be sent as far as the congestion window goes? */
static inline bool skt_path_has_data(const struct skt_path *p)
{
    return !skt_list_empty(&p->lost) || !skt_list_empty(&p->turns.ready) || !skt_list_empty(&p->turns.fresh);
}

#endif
