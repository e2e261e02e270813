/* SPDX-License-Identifier: MIT */
/* Parity of a session's packets (wire.h, SKT_FRAME_PARITY): which packets are covered, and when groups end.
 * What is done with what comes is in session/parity_receive.c. */
#include "proto/kcp/turns.h"
#include "proto/session/internal.h"

#include <stdlib.h>
#include <string.h>

/* A group waits for more packets for a small part of a round trip only (decisions.md: "One group for a
 * burst"). */
#define WAIT_MIN (2 * SKT_US_PER_MS)
#define WAIT_MAX (8 * SKT_US_PER_MS)

/* Where losses come in runs parity keeps its distance from its data, and from other parity: half of the part
 * of a round trip that a group waits for more, within these bounds (chosen with them, not measured by
 * themselves). */
#define GAP_MIN (SKT_US_PER_MS / 5)
#define GAP_MAX (1 * SKT_US_PER_MS)

enum {
    WAIT_PART = 16,           /* the part of the least round trip that a group waits for more */
    BURST_PART = 4,           /* the part of it that a group may go on while more is about to follow */
    GROUPS_AHEAD = 4,         /* what waits to be sent is counted up to so many groups of packets */
    OTHERS = 2,               /* packets without data that are expected within a group */
    GAP_PART = 2 * WAIT_PART, /* the part of it that parity keeps its distance, within GAP_MIN and GAP_MAX */
    /* Bytes: a body up to this is never too long for a group. */
    LONG_BODY = 256,
};

static skt_us part_of_rtt(const struct skt_session *s, unsigned part, skt_us least, skt_us most)
{
    skt_us rtt = s->path.rtt.min;
    return rtt ? skt_us_min(skt_us_max(rtt / part, least), most) : most;
}

void skt_parity_update(struct skt_session *s)
{
    struct skt_redundancy *r = &s->path.redundancy;
    r->parity = !r->off && (s->features & SKT_FEATURE_PARITY);
    r->inner = s->ctx->mode == SKT_MODE_TUN;
    if (s->parity.out && !r->parity)
        skt_parity_sender_drop(s->parity.out);
}

static void free_out(struct skt_session *s)
{
    skt_account_free(&s->path.account, s->parity.out, sizeof *s->parity.out);
    s->parity.out = NULL;
}

static void free_in(struct skt_session *s)
{
    struct skt_parity *f = &s->parity;
    if (f->in)
        f->losses = f->in->losses;
    skt_account_free(&s->path.account, f->in, sizeof *f->in);
    f->in = NULL;
}

void skt_parity_dispose(struct skt_session *s)
{
    free_out(s);
    free_in(s);
}

void skt_parity_restart(struct skt_session *s)
{
    skt_parity_dispose(s);
    s->parity.losses = s->parity.heard = (struct skt_parity_losses){0};
    s->parity.heard_lost = 0;
}

static size_t datagram_len(const struct skt_parity_group *g)
{
    return SKT_PACKET_OVERHEAD + 1 + SKT_PARITY_HEAD_LEN + g->len;
}

static void close_group(struct skt_session *s, skt_us now)
{
    struct skt_parity_sender *out = s->parity.out;
    const struct skt_parity_group *g = skt_parity_sender_open(out);
    unsigned m = skt_redundancy_parity(&s->path.redundancy, g->data, g->last - g->first + 1);
    m = skt_redundancy_ration(&s->path.redundancy, now, m < g->rows ? m : g->rows, datagram_len(g));
    skt_us gap =
        skt_redundancy_has_runs(&s->path.redundancy) ? part_of_rtt(s, GAP_PART, GAP_MIN, GAP_MAX) : 0;
    struct skt_trace_group told = {g->data, m, (unsigned)g->len};
    skt_parity_sender_close(out, now, m, gap);
    skt_trace_tell(&s->path.trace, group, now, &told);
    s->parity.out_until = now + SKT_PARITY_LINGER;
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
    size_t packets = 1 + (skt_turns_waiting(p, enough) + mss - 1) / mss;
    if (packets <= most || packets > GROUPS_AHEAD * most)
        return most;
    size_t groups = (packets + most - 1) / most;
    return (unsigned)((packets + groups - 1) / groups);
}

static struct skt_parity_group *begin_group(struct skt_session *s, skt_us now, uint32_t key, uint32_t number)
{
    unsigned data = group_len(s), span = data + OTHERS < SKT_PARITY_SPAN ? data + OTHERS : SKT_PARITY_SPAN;
    unsigned rows = data ? skt_redundancy_parity(&s->path.redundancy, data, span) : 0;
    if (rows == 0)
        return NULL;
    struct skt_parity *f = &s->parity;
    if (!f->out) {
        f->out = skt_account_alloc(&s->path.account, sizeof *f->out, false);
        if (!f->out)
            return NULL;
        skt_parity_sender_init(f->out);
    }
    f->out_until = now + SKT_PARITY_LINGER;
    f->group_len = data;
    f->group_at = now;
    return skt_parity_sender_begin(f->out, key, number, rows,
                                   now + part_of_rtt(s, WAIT_PART, WAIT_MIN, WAIT_MAX));
}

/* Parity is as long as the longest packet of its group: short ones are better off by themselves. */
static bool is_much_longer(const struct skt_parity_group *g, size_t len)
{
    return len > LONG_BODY && len > 2 * g->len;
}

/* The open group that the packet belongs to; a new one where it is worth one. */
static struct skt_parity_group *group_of(struct skt_session *s, skt_us now, const struct skt_keypair *kp,
                                         size_t len, bool worth)
{
    uint32_t number = kp->sent + 1;
    struct skt_parity_group *g = s->parity.out ? skt_parity_sender_open(s->parity.out) : NULL;
    if (g && g->key != kp->local_id)
        skt_parity_sender_close(s->parity.out, now, 0, 0);
    else if (g && (!skt_parity_group_spans(g, number) ||
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
    struct skt_parity_group *g = group_of(s, now, kp, len, worth);
    if (!g || len > s->path.payload_limit)
        return;
    skt_parity_sender_add(s->parity.out, skt_parity_field(s), kp->sent + 1, body, len, worth);
    if (g->data >= s->parity.group_len || !skt_parity_group_spans(g, kp->sent + 2))
        close_group(s, now);
}

static struct skt_parity_group *due_group(struct skt_session *s, skt_us now)
{
    const struct skt_keypair *kp = skt_keys_sending(&s->keys, now);
    if (!s->parity.out || !kp || s->state == SKT_SESSION_CLOSED)
        return NULL;
    return skt_parity_sender_due(s->parity.out, now, kp->local_id, kp->sent + 1);
}

bool skt_parity_due(struct skt_session *s, skt_us now)
{
    return due_group(s, now) != NULL;
}

size_t skt_parity_write(struct skt_session *s, skt_us now, uint8_t *plain)
{
    struct skt_redundancy *r = &s->path.redundancy;
    struct skt_parity_group *g;
    while ((g = due_group(s, now)) != NULL) {
        size_t datagram = datagram_len(g);
        if (datagram > s->mtu.current ||
            (!r->fixed_data && !skt_redundancy_allows(r, now, datagram + SKT_OVERHEAD_LEFT))) {
            g->state = SKT_PARITY_FREE;
            continue;
        }
        uint32_t number = skt_keys_sending(&s->keys, now)->sent + 1;
        plain[0] = SKT_FRAME_PARITY;
        s->parity.sent++;
        skt_path_on_parity(&s->path, now, datagram);
        return 1 + skt_parity_sender_write(s->parity.out, g, now, number, plain + 1);
    }
    return 0;
}

/* --- time --- */

skt_us skt_parity_expiry(const struct skt_session *s, skt_us now)
{
    const struct skt_parity *f = &s->parity;
    if (f->in && skt_parity_ring_pending(f->in))
        return now;
    skt_us at = f->in ? f->in_until : SKT_NEVER;
    if (f->out)
        at = skt_us_min(at, skt_us_min(f->out_until, skt_parity_sender_expiry(f->out)));
    return at;
}

/* While data waits for the pacer, more of the same burst will follow: one group for all of it needs less
 * parity. Not for inner flows, whose senders would take the longer wait of each that was lost for a queue. */
static bool wait_for_more(struct skt_session *s, skt_us now)
{
    const struct skt_path *p = &s->path;
    struct skt_parity_group *g = skt_parity_sender_open(s->parity.out);
    if (p->redundancy.inner || p->redundancy.fixed_data)
        return false;
    if (now - s->parity.group_at >= p->rtt.min / BURST_PART || skt_turns_waiting(p, 1) == 0)
        return false;
    g->close_at = now + WAIT_MIN;
    return true;
}

void skt_parity_expire(struct skt_session *s, skt_us now)
{
    struct skt_parity *f = &s->parity;
    f->work = 0;
    skt_parity_recover(s, now);
    if (f->in && now >= f->in_until)
        free_in(s);
    if (f->out && now >= f->out_until)
        free_out(s);
    const struct skt_parity_group *g = f->out ? skt_parity_sender_open(f->out) : NULL;
    if (g && now >= g->close_at && !wait_for_more(s, now))
        close_group(s, now);
}
