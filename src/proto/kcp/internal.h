/* SPDX-License-Identifier: MIT */
/* The inside of a conversation: what the files of kcp/ ask of each other. */
#ifndef SKT_PROTO_KCP_INTERNAL_H
#define SKT_PROTO_KCP_INTERNAL_H

#include "proto/kcp/kcp.h"
#include "proto/path/arrival.h"

/* Between looks whether there is memory for waiting writers: 50 a second are no load, and nobody notices the
 * wait. */
#define SKT_KCP_STARVED_TIME (20 * SKT_US_PER_MS)

/* Between questions for the peer's window: no shorter than many round trips, no longer than a person waits.
 */
#define SKT_KCP_PROBE_MIN (200 * SKT_US_PER_MS)
#define SKT_KCP_PROBE_MAX (2 * SKT_US_PER_SEC)

enum {
    /* Less than an eighth of the share is left: only the next segment in order is taken. Writers wait below a
     * quarter (send.c), which leaves an eighth to what comes out of order. */
    SKT_KCP_RESERVED_PART = 8,
    /* Less than half of that is left: even the next one only where the reader waits for it. */
    SKT_KCP_LAST_PART = 2 * SKT_KCP_RESERVED_PART,
    /* How often news of a window that was closed is repeated when no data follows: a sender that missed all
     * of them asks by itself (SKT_KCP_PROBE_MAX). */
    SKT_KCP_TELLS = 5,
};

/* The segments lo..hi came. Named for itself: lo is hi, and ts that of its transmission. Else they came in
 * order behind a hole, each above all that had come before it, and ts is that of hi. */
struct skt_kcp_owed {
    uint32_t lo;  /* the first one's sn */
    uint32_t hi;  /* the last one's sn */
    uint32_t ts;  /* of the transmission that came, as above */
    uint8_t left; /* how often it is still to be sent */
    bool named;   /* a single segment, named for itself */
};

/* How a segment came. */
enum skt_arrival {
    SKT_ARRIVAL_IN_ORDER, /* una covers it */
    SKT_ARRIVAL_BEYOND,   /* above all that had come, behind a hole */
    SKT_ARRIVAL_LATE,     /* it fills a hole: perhaps a retransmission, and its sender wants to know which */
    SKT_ARRIVAL_AGAIN,    /* it had come before */
};

/* The conversation of a segment that was cut here. */
static inline struct skt_kcp *skt_kcp_of(const struct skt_segment *seg)
{
    return SKT_CONTAINER(seg->sender, struct skt_kcp, snd);
}

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

static inline bool skt_kcp_window_open(const struct skt_kcp *k)
{
    return skt_serial_before(k->snd.nxt, k->window.una + k->window.size);
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

/* --- kcp/turns.c --- */

/* At the end of its queue among those that have data to send. */
static inline void skt_kcp_queue_turn(struct skt_kcp *k)
{
    struct skt_turns *t = &k->path->turns;
    skt_list_move_tail(skt_sender_is_thin(&k->snd) ? &t->fresh : &t->ready, &k->ready_node);
}

/* Goes on with what packets have left to be done, within the work of one. */
void skt_turns_catch_up(struct skt_path *p, skt_us now);

#endif
