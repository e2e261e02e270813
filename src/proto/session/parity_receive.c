/* SPDX-License-Identifier: MIT */
/* Parity that comes to a session (wire.h, SKT_FRAME_PARITY and SKT_FRAME_REPORT): what it brings back, and
 * what the receiver tells the sender of losses that it hides. */
#include "base/err.h"
#include "proto/session/internal.h"

#include <stdlib.h>

#define REPORT_TIME (100 * SKT_US_PER_MS)

/* Each packet is copied into the ring: a fast inner flow that gets no parity any more should not pay for it.
 */
enum { WITHOUT_MAX = 4096 };

/* A packet may bring back sixteen others, each with 50 segments: more work than a packet may be. In segments,
 * of which 50 are some 200,000 instructions at worst (tests/guard/frames.sh): */
enum {
    WORK_MAX = 24, /* then the rest has to wait */
    WORK_BODY = 8, /* to compute one */
};

static bool begin_ring(struct skt_session *s, skt_us now)
{
    struct skt_parity *f = &s->parity;
    f->in = skt_account_alloc(&s->path.account, sizeof *f->in, false);
    if (!f->in)
        return false;
    f->in->losses = f->losses;
    f->in_key = s->opened_by->local_id;
    f->in_until = now + SKT_PARITY_LINGER;
    f->without = 0;
    skt_parity_ring_begin(f->in, f->number);
    skt_parity_ring_note(f->in, f->number);
    return true;
}

/* The first group that finds no ring can't be mended, and inner flows have parity from their beginning on. So
 * the ring is there with the session, and where packets were lost lately, with the first data. */
static bool needs_ring(const struct skt_session *s, const struct skt_keypair *kp, bool data)
{
    if (!s->path.redundancy.inner || !s->path.redundancy.parity || kp != s->keys.current)
        return false;
    return s->parity.in_until == 0 || (data && s->liveness.rx_arrived < s->liveness.rx_sent);
}

void skt_parity_note(struct skt_session *s, skt_us now, const struct skt_keypair *kp, uint32_t number)
{
    struct skt_parity *f = &s->parity;
    f->number = number;
    f->work = 0;
    if (!f->in && !(needs_ring(s, kp, false) && begin_ring(s, now)))
        return;
    if (f->in_key != kp->local_id && kp == s->keys.current) {
        f->in_key = kp->local_id;
        skt_parity_ring_begin(f->in, number);
    }
    if (f->in_key == kp->local_id)
        skt_parity_ring_note(f->in, number);
    if (++f->without >= WITHOUT_MAX && s->path.redundancy.inner)
        f->in_until = now;
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
        skt_parity_ring_body(s->parity.in, s->parity.number, body, len);
}

int skt_parity_on_frame(struct skt_session *s, skt_us now, const uint8_t *frame, size_t len)
{
    struct skt_parity *f = &s->parity;
    if (!(s->features & SKT_FEATURE_PARITY))
        return SKT_OK;
    if (!f->in && !begin_ring(s, now))
        return SKT_OK;
    f->in_until = now + SKT_PARITY_LINGER;
    f->without = 0;
    if (now >= f->report_at) {
        f->report_at = now + REPORT_TIME;
        s->due.set |= SKT_DUE_REPORT;
    }
    return is_followed(s) ? skt_parity_ring_parity(f->in, f->number, frame, len) : SKT_OK;
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
    struct skt_parity *f = &s->parity;
    uint32_t number;
    while (f->in && f->work < WORK_MAX && s->state != SKT_SESSION_CLOSED &&
           skt_parity_ring_recover(f->in, skt_parity_field(s), &number)) {
        size_t len = 0;
        const uint8_t *body = skt_parity_ring_get(f->in, number, &len);
        len = body ? without_padding(body, len) : 0;
        f->work += WORK_BODY;
        f->recovered += len > 0;
        if (len > 0)
            skt_trace_tell(&s->path.trace, recovered, now, 1);
        (void)skt_streams_receive(s, now, body, len);
    }
}

/* --- reports --- */

struct skt_frame_report skt_parity_report(const struct skt_session *s)
{
    const struct skt_parity_losses *l = s->parity.in ? &s->parity.in->losses : &s->parity.losses;
    return (struct skt_frame_report){l->lost, l->runs, l->recovered};
}

/* Can so much have been lost since the last report? Not more than was sent; and each recovered packet, and
 * each run, is of lost ones. */
static bool is_possible(const struct skt_session *s, const struct skt_parity_losses *since)
{
    return since->runs <= since->lost && since->recovered <= since->lost && since->lost <= INT32_MAX &&
           s->parity.heard_lost + since->lost <= s->stats.packets_tx;
}

void skt_parity_on_report(struct skt_session *s, skt_us now, const struct skt_frame_report *report)
{
    struct skt_parity_losses *heard = &s->parity.heard;
    struct skt_parity_losses l = {report->lost, report->runs, report->recovered};
    struct skt_parity_losses since = {l.lost - heard->lost, l.runs - heard->runs,
                                      l.recovered - heard->recovered};
    if (!is_possible(s, &since))
        return; /* overtaken by a later one: then it counts backwards; or a lie */
    s->parity.heard_lost += since.lost;
    *heard = l;
    skt_path_on_mended(&s->path, now, since.recovered);
    skt_redundancy_on_report(&s->path.redundancy, since.lost, since.runs, since.recovered);
}
