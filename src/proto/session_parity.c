/* SPDX-License-Identifier: MIT */
/* Parity of a session's packets (wire.h, SKT_FRAME_PARITY and SKT_FRAME_REPORT): which packets are covered,
 * what is done with what comes back, and what the receiver tells the sender of losses that parity hides. */
#include "base/err.h"
#include "proto/session_internal.h"

#include <stdlib.h>
#include <string.h>

/* A group waits for more packets for a small part of a round trip only. */
#define WAIT_MIN (2 * SKT_US_PER_MS)
#define WAIT_MAX (8 * SKT_US_PER_MS)

/* Where losses come in runs parity keeps its distance from its data, and from other parity. */
#define GAP_MIN (SKT_US_PER_MS / 5)
#define GAP_MAX (1 * SKT_US_PER_MS)

/* Buffers are kept this long without parity: a reader of web pages thinks longer than 10 s, and the first
 * group that comes without the ring cannot be mended. */
#define LINGER (60 * SKT_US_PER_SEC)

#define REPORT_TIME (100 * SKT_US_PER_MS)

enum {
    WAIT_PART = 16,   /* of the least round trip */
    BURST_PART = 4,   /* the same while more is about to follow */
    GROUPS_AHEAD = 4, /* what waits is looked at so far */
    OTHERS = 2,       /* packets without data that are expected within a group */
    GAP_PART = 32,
    LONG_BODY = 256, /* bytes */
};

static const struct skt_gf256 *field(const struct skt_session *s)
{
    return s->ctx->gf256 ? s->ctx->gf256 : &skt_gf256_portable;
}

static skt_us part_of_rtt(const struct skt_session *s, unsigned part, skt_us least, skt_us most)
{
    skt_us rtt = s->path.min_rtt;
    return rtt ? skt_us_min(skt_us_max(rtt / part, least), most) : most;
}

void skt_parity_update(struct skt_session *s)
{
    struct skt_redundancy *r = &s->path.redundancy;
    r->parity = !r->off && (s->features & SKT_FEATURE_PARITY);
    r->inner = s->ctx->mode == SKT_MODE_TUN;
    if (s->parity.out && !r->parity)
        skt_fec_sender_drop(s->parity.out);
}

static void free_out(struct skt_parity *f)
{
    free(f->out);
    f->out = NULL;
}

static void free_in(struct skt_parity *f)
{
    if (f->in)
        f->losses = f->in->losses;
    free(f->in);
    f->in = NULL;
}

void skt_parity_dispose(struct skt_session *s)
{
    free_out(&s->parity);
    free_in(&s->parity);
}

void skt_parity_restart(struct skt_session *s)
{
    skt_parity_dispose(s);
    s->parity.losses = s->parity.heard = (struct skt_fec_losses){0};
}

/* --- sending --- */

static size_t datagram_len(const struct skt_fec_group *g)
{
    return SKT_PACKET_OVERHEAD + 1 + SKT_FEC_HEAD_LEN + g->len;
}

static void close_group(struct skt_session *s, skt_us now)
{
    struct skt_fec_sender *out = s->parity.out;
    const struct skt_fec_group *g = skt_fec_sender_open(out);
    unsigned m = skt_redundancy_parity(&s->path.redundancy, g->data, g->last - g->first + 1);
    m = skt_redundancy_ration(&s->path.redundancy, now, m < g->rows ? m : g->rows, datagram_len(g));
    skt_us gap =
        skt_redundancy_has_runs(&s->path.redundancy) ? part_of_rtt(s, GAP_PART, GAP_MIN, GAP_MAX) : 0;
    skt_fec_sender_close(out, now, m, gap);
    s->parity.out_until = now + LINGER;
}

/* How many packets a group is to have that begins now: all that wait to be sent, or an equal part. One group
 * of a burst needs less parity than two, and a short one at its end the most. */
static unsigned group_len(const struct skt_session *s)
{
    const struct skt_path *p = &s->path;
    unsigned most = skt_redundancy_group(&p->redundancy);
    if (most == 0 || p->redundancy.fixed_data)
        return most;
    size_t mss = skt_path_mss(p), enough = GROUPS_AHEAD * most * mss;
    size_t packets = 1 + (skt_path_waiting(p, enough) + mss - 1) / mss;
    if (packets <= most || packets > GROUPS_AHEAD * most)
        return most;
    size_t groups = (packets + most - 1) / most;
    return (unsigned)((packets + groups - 1) / groups);
}

static struct skt_fec_group *begin_group(struct skt_session *s, skt_us now, uint32_t key, uint32_t number)
{
    unsigned data = group_len(s), span = data + OTHERS < SKT_FEC_SPAN ? data + OTHERS : SKT_FEC_SPAN;
    unsigned rows = data ? skt_redundancy_parity(&s->path.redundancy, data, span) : 0;
    if (rows == 0)
        return NULL;
    struct skt_parity *f = &s->parity;
    if (!f->out) {
        f->out = (struct skt_fec_sender *)malloc(sizeof *f->out);
        if (!f->out)
            return NULL;
        skt_fec_sender_init(f->out);
    }
    f->out_until = now + LINGER;
    f->group_len = data;
    f->group_at = now;
    return skt_fec_sender_begin(f->out, key, number, rows,
                                now + part_of_rtt(s, WAIT_PART, WAIT_MIN, WAIT_MAX));
}

/* Parity is as long as the longest packet of its group: short ones are better off by themselves. */
static bool is_much_longer(const struct skt_fec_group *g, size_t len)
{
    return len > LONG_BODY && len > 2 * g->len;
}

/* The open group that the packet belongs to; a new one where it is worth one. */
static struct skt_fec_group *group_of(struct skt_session *s, skt_us now, const struct skt_keypair *kp,
                                      size_t len, bool worth)
{
    uint32_t number = kp->sent + 1;
    struct skt_fec_group *g = s->parity.out ? skt_fec_sender_open(s->parity.out) : NULL;
    if (g && g->key != kp->local_id)
        skt_fec_sender_close(s->parity.out, now, 0, 0);
    else if (g && (!skt_fec_group_spans(g, number) ||
                   (worth && s->path.redundancy.inner && is_much_longer(g, len))))
        close_group(s, now);
    else if (g)
        return g;
    return worth ? begin_group(s, now, kp->local_id, number) : NULL;
}

void skt_parity_cover(struct skt_session *s, skt_us now, const uint8_t *body, size_t len, bool worth)
{
    const struct skt_keypair *kp = skt_keys_sending(&s->keys, now);
    if (!kp || !s->path.redundancy.parity || (!worth && !s->parity.out))
        return;
    struct skt_fec_group *g = group_of(s, now, kp, len, worth);
    if (!g || len > s->path.payload_limit)
        return;
    skt_fec_sender_add(s->parity.out, field(s), kp->sent + 1, body, len, worth);
    if (g->data >= s->parity.group_len || !skt_fec_group_spans(g, kp->sent + 2))
        close_group(s, now);
}

static struct skt_fec_group *due_group(struct skt_session *s, skt_us now)
{
    const struct skt_keypair *kp = skt_keys_sending(&s->keys, now);
    if (!s->parity.out || !kp || s->state == SKT_SESSION_CLOSED)
        return NULL;
    return skt_fec_sender_due(s->parity.out, now, kp->local_id, kp->sent + 1);
}

bool skt_parity_due(struct skt_session *s, skt_us now)
{
    return due_group(s, now) != NULL;
}

size_t skt_parity_write(struct skt_session *s, skt_us now, uint8_t *plain)
{
    struct skt_redundancy *r = &s->path.redundancy;
    struct skt_fec_group *g;
    while ((g = due_group(s, now)) != NULL) {
        size_t datagram = datagram_len(g);
        if (datagram > s->mtu.current ||
            (!r->fixed_data && !skt_redundancy_allows(r, now, datagram + SKT_OVERHEAD_LEFT))) {
            g->state = SKT_FEC_FREE;
            continue;
        }
        uint32_t number = skt_keys_sending(&s->keys, now)->sent + 1;
        plain[0] = SKT_FRAME_PARITY;
        s->parity.sent++;
        skt_path_on_parity(&s->path, now, datagram);
        return 1 + skt_fec_sender_write(s->parity.out, g, now, number, plain + 1);
    }
    return 0;
}

/* --- receiving --- */

static bool begin_ring(struct skt_session *s, skt_us now)
{
    struct skt_parity *f = &s->parity;
    f->in = (struct skt_fec_ring *)malloc(sizeof *f->in);
    if (!f->in)
        return false;
    f->in->losses = f->losses;
    f->in_key = s->opened_by->local_id;
    f->in_until = now + LINGER;
    skt_fec_ring_begin(f->in, f->number);
    skt_fec_ring_note(f->in, f->number);
    return true;
}

/* The first group that finds no ring can't be mended, and inner flows have parity from their beginning on. So
 * the ring is there with the session, and where packets were lost lately, with the first data. */
static bool needs_ring(const struct skt_session *s, const struct skt_keypair *kp, bool data)
{
    if (!s->path.redundancy.inner || !s->path.redundancy.parity || kp != s->keys.current)
        return false;
    return s->parity.in_until == 0 || (data && s->rx_arrived < s->rx_sent);
}

void skt_parity_note(struct skt_session *s, skt_us now, const struct skt_keypair *kp, uint32_t number)
{
    struct skt_parity *f = &s->parity;
    f->number = number;
    if (!f->in && !(needs_ring(s, kp, false) && begin_ring(s, now)))
        return;
    if (f->in_key != kp->local_id && kp == s->keys.current) {
        f->in_key = kp->local_id;
        skt_fec_ring_begin(f->in, number);
    }
    if (f->in_key == kp->local_id)
        skt_fec_ring_note(f->in, number);
}

/* Is the packet that is being read one of those that the ring follows? */
static bool is_followed(const struct skt_session *s)
{
    return s->parity.in && s->parity.in_key == s->opened_by->local_id;
}

void skt_parity_on_body(struct skt_session *s, skt_us now, const uint8_t *body, size_t len)
{
    if (!s->parity.in && needs_ring(s, s->opened_by, true))
        (void)begin_ring(s, now);
    if (is_followed(s))
        skt_fec_ring_body(s->parity.in, s->parity.number, body, len);
}

int skt_parity_on_frame(struct skt_session *s, skt_us now, const uint8_t *frame, size_t len)
{
    struct skt_parity *f = &s->parity;
    if (!(s->features & SKT_FEATURE_PARITY))
        return SKT_OK;
    if (!f->in && !begin_ring(s, now))
        return SKT_OK;
    f->in_until = now + LINGER;
    if (now >= f->report_at) {
        f->report_at = now + REPORT_TIME;
        s->due |= SKT_DUE_REPORT;
    }
    return is_followed(s) ? skt_fec_ring_parity(f->in, f->number, frame, len) : SKT_OK;
}

/* A recovered body is followed by zeros, which are no segment: no command is 0. */
static size_t without_padding(const uint8_t *body, size_t len)
{
    struct skt_reader r = skt_reader_of(body, len);
    size_t used = 0;
    struct skt_kcp_header h;
    const uint8_t *data;
    while (r.left > 0 && skt_kcp_parse(&r, &h, &data) == SKT_OK)
        used = len - r.left;
    return used;
}

void skt_parity_recover(struct skt_session *s, skt_us now)
{
    struct skt_fec_found found;
    if (!is_followed(s))
        return;
    skt_fec_ring_recover(s->parity.in, field(s), s->parity.number, &found);
    for (unsigned i = 0; i < found.n && s->state != SKT_SESSION_CLOSED; i++) {
        size_t len = 0;
        const uint8_t *body = skt_fec_ring_get(s->parity.in, found.number[i], &len);
        len = body ? without_padding(body, len) : 0;
        s->parity.recovered += len > 0;
        (void)skt_streams_receive(s, now, body, len);
    }
}

/* --- reports --- */

size_t skt_parity_write_report(const struct skt_session *s, uint8_t body[SKT_REPORT_LEN])
{
    const struct skt_fec_losses *l = s->parity.in ? &s->parity.in->losses : &s->parity.losses;
    skt_put_u32(body, l->lost);
    skt_put_u32(body + 4, l->runs);
    skt_put_u32(body + 8, l->recovered);
    return SKT_REPORT_LEN;
}

void skt_parity_on_report(struct skt_session *s, skt_us now, const uint8_t *body, size_t len)
{
    struct skt_fec_losses *heard = &s->parity.heard;
    if (len < SKT_REPORT_LEN)
        return;
    struct skt_fec_losses l = {skt_get_u32(body), skt_get_u32(body + 4), skt_get_u32(body + 8)};
    if (skt_serial_before(l.lost, heard->lost) || skt_serial_before(l.runs, heard->runs) ||
        skt_serial_before(l.recovered, heard->recovered))
        return; /* overtaken by a later one */
    skt_path_on_mended(&s->path, now, l.recovered - heard->recovered);
    skt_redundancy_on_report(&s->path.redundancy, l.lost - heard->lost, l.runs - heard->runs,
                             l.recovered - heard->recovered);
    *heard = l;
}

/* --- time --- */

skt_us skt_parity_expiry(const struct skt_session *s)
{
    const struct skt_parity *f = &s->parity;
    skt_us at = f->in ? f->in_until : SKT_NEVER;
    if (f->out)
        at = skt_us_min(at, skt_us_min(f->out_until, skt_fec_sender_expiry(f->out)));
    return at;
}

/* While data waits for the pacer, more of the same burst will follow: one group for all of it needs less
 * parity. Not for inner flows, whose senders would take the longer wait of each that was lost for a queue. */
static bool wait_for_more(struct skt_session *s, skt_us now)
{
    const struct skt_path *p = &s->path;
    struct skt_fec_group *g = skt_fec_sender_open(s->parity.out);
    if (s->ctx->mode == SKT_MODE_TUN || p->redundancy.fixed_data)
        return false;
    if (now - s->parity.group_at >= p->min_rtt / BURST_PART || skt_path_waiting(p, 1) == 0)
        return false;
    g->close_at = now + WAIT_MIN;
    return true;
}

void skt_parity_expire(struct skt_session *s, skt_us now)
{
    struct skt_parity *f = &s->parity;
    if (f->in && now >= f->in_until)
        free_in(f);
    if (f->out && now >= f->out_until)
        free_out(f);
    const struct skt_fec_group *g = f->out ? skt_fec_sender_open(f->out) : NULL;
    if (g && now >= g->close_at && !wait_for_more(s, now))
        close_group(s, now);
}
