/* SPDX-License-Identifier: MIT */
#include "proto/parity/ring.h"

#include "base/bytes.h"
#include "base/err.h"

#include <assert.h>
#include <string.h>

static struct skt_parity_slot *slot_of(struct skt_parity_ring *r, uint32_t number)
{
    return &r->slot[number % SKT_PARITY_RING];
}

/* Is anything known of the number? */
static bool is_known(const struct skt_parity_ring *r, uint32_t number)
{
    const struct skt_parity_slot *slot = &r->slot[number % SKT_PARITY_RING];
    return slot->state != SKT_PARITY_EMPTY && slot->number == number;
}

uint16_t skt_parity_head(unsigned back, unsigned count, unsigned index)
{
    assert(back < SKT_PARITY_RING && count >= 1 && count <= SKT_PARITY_SPAN && index < SKT_PARITY_MAX);
    return (uint16_t)(back | (count - 1) << 6 | index << 11);
}

void skt_parity_ring_begin(struct skt_parity_ring *r, uint32_t number)
{
    memset(r->slot, 0, sizeof r->slot);
    r->job.next = r->job.plan.n = 0;
    r->news = 0;
    r->floor = number;
    r->top = number > 0 ? number - 1 : 0;
    r->in_run = false;
}

static void count_lost(struct skt_parity_ring *r, uint32_t n, bool recovered)
{
    r->losses.lost += n;
    r->losses.recovered += recovered ? 1 : 0;
    if (!r->in_run)
        r->losses.runs++;
    r->in_run = true;
}

/* `number` leaves the ring: what became of it is settled. */
static void settle(struct skt_parity_ring *r, uint32_t number)
{
    if (number < r->floor)
        return;
    struct skt_parity_slot *slot = slot_of(r, number);
    if (!is_known(r, number))
        count_lost(r, 1, false);
    else if (slot->state == SKT_PARITY_RECOVERED)
        count_lost(r, 1, slot->len > 0);
    else
        r->in_run = false;
    slot->state = SKT_PARITY_EMPTY;
}

static void advance(struct skt_parity_ring *r, uint32_t number)
{
    uint32_t by = number - r->top;
    for (uint32_t i = 0; i < by && i < SKT_PARITY_RING; i++)
        if (r->top + 1 + i >= SKT_PARITY_RING)
            settle(r, r->top + 1 + i - SKT_PARITY_RING);
    if (by > SKT_PARITY_RING) /* these came and went without a trace */
        count_lost(r, by - SKT_PARITY_RING, false);
    r->top = number;
}

static bool is_inside(const struct skt_parity_ring *r, uint32_t number)
{
    return number >= r->floor && number <= r->top && r->top - number < SKT_PARITY_RING;
}

void skt_parity_ring_note(struct skt_parity_ring *r, uint32_t number)
{
    if (number > r->top)
        advance(r, number);
    if (!is_inside(r, number))
        return;
    struct skt_parity_slot *slot = slot_of(r, number);
    r->news |= UINT64_C(1) << number % SKT_PARITY_RING;
    if (is_known(r, number)) { /* recovered, and here after all: its body is the same */
        slot->state = SKT_PARITY_ARRIVED;
        return;
    }
    *slot = (struct skt_parity_slot){.number = number, .state = SKT_PARITY_ARRIVED};
}

void skt_parity_ring_body(struct skt_parity_ring *r, uint32_t number, const uint8_t *body, size_t len)
{
    if (!is_inside(r, number) || len > SKT_PARITY_BODY_MAX)
        return;
    slot_of(r, number)->len = (uint16_t)len;
    memcpy(r->body[number % SKT_PARITY_RING], body, len);
}

int skt_parity_ring_parity(struct skt_parity_ring *r, uint32_t number, const uint8_t *frame, size_t len)
{
    if (len <= SKT_PARITY_HEAD_LEN || len - SKT_PARITY_HEAD_LEN > SKT_PARITY_BODY_MAX)
        return SKT_ERR_MALFORMED;
    uint16_t head = skt_get_u16(frame);
    uint32_t back = head & 63, count = (head >> 6 & 31) + 1;
    if (head >> 15 || back < count || back >= number)
        return SKT_ERR_MALFORMED;
    if (!is_inside(r, number))
        return SKT_OK;
    struct skt_parity_slot *slot = slot_of(r, number);
    slot->state = SKT_PARITY_SUM;
    slot->len = (uint16_t)(len - SKT_PARITY_HEAD_LEN);
    slot->count = (uint8_t)count;
    slot->index = (uint8_t)(head >> 11 & 15);
    slot->first = number - back;
    memcpy(r->body[number % SKT_PARITY_RING], frame + SKT_PARITY_HEAD_LEN, slot->len);
    return SKT_OK;
}

/* Parity of the same group as `like`, each index once; how many are in the ring, up to `enough`. */
static unsigned gather(const struct skt_parity_ring *r, const struct skt_parity_slot *like, unsigned enough,
                       const struct skt_parity_slot *out[SKT_PARITY_MAX])
{
    unsigned n = 0, seen = 0;
    for (unsigned i = 0; i < SKT_PARITY_RING && n < enough; i++) {
        const struct skt_parity_slot *s = &r->slot[i];
        if (s->state != SKT_PARITY_SUM || s->first != like->first || s->count != like->count ||
            s->len != like->len || seen >> s->index & 1)
            continue;
        seen |= 1u << s->index;
        out[n++] = s;
    }
    return n;
}

/* Finds the missing numbers of a parity's group. False: none, too many, or not in the ring any more. */
static bool find_missing(const struct skt_parity_ring *r, const struct skt_parity_slot *parity,
                         struct skt_parity_unknowns *u)
{
    u->n = 0;
    if (!is_inside(r, parity->first))
        return false;
    for (unsigned j = 0; j < parity->count; j++) {
        if (is_known(r, parity->first + j))
            continue;
        if (u->n == SKT_PARITY_MAX)
            return false;
        u->position[u->n++] = (uint8_t)j;
    }
    return u->n > 0;
}

static bool is_zero(const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (p[i] != 0)
            return false;
    return true;
}

static bool is_working(const struct skt_parity_ring *r)
{
    return r->job.next < r->job.plan.n;
}

/* Begins to compute what is missing of a parity's group, if it can be. */
static bool begin_job(struct skt_parity_ring *r, const struct skt_parity_slot *like)
{
    const struct skt_parity_slot *parity[SKT_PARITY_MAX];
    struct skt_parity_job *job = &r->job;
    struct skt_parity_unknowns u;
    if (!find_missing(r, like, &u) || gather(r, like, u.n, parity) < u.n)
        return false;
    for (unsigned i = 0; i < u.n; i++) {
        u.index[i] = parity[i]->index;
        job->parity[i] = parity[i]->number;
    }
    job->first = like->first;
    job->len = like->len;
    job->next = 0;
    if (skt_parity_plan(&job->plan, &u, like->count) == SKT_OK)
        return true;
    job->plan.n = 0;
    return false;
}

/* Does a packet make anything possible? */
static bool look_at(struct skt_parity_ring *r, const struct skt_parity_slot *news)
{
    if (news->state == SKT_PARITY_SUM)
        return begin_job(r, news);
    for (unsigned i = 0; i < SKT_PARITY_RING && news->number < r->top; i++) {
        const struct skt_parity_slot *s = &r->slot[i];
        if (s->state == SKT_PARITY_SUM && news->number - s->first < s->count)
            return begin_job(r, s);
    }
    return false;
}

/* The group has all that it can have: its parities count as packets without a body from now on. */
static void end_job(struct skt_parity_ring *r)
{
    struct skt_parity_job *job = &r->job;
    for (unsigned i = 0; i < job->plan.n; i++) {
        struct skt_parity_slot *slot = slot_of(r, job->parity[i]);
        if (slot->number != job->parity[i] || slot->state != SKT_PARITY_SUM)
            continue;
        slot->state = SKT_PARITY_ARRIVED;
        slot->len = 0;
    }
    job->next = job->plan.n = 0;
}

/* A body that counts in the group, followed by zeros up to its parity's length; or NULL. */
static const uint8_t *padded(struct skt_parity_ring *r, uint32_t number, size_t len)
{
    const struct skt_parity_slot *slot = slot_of(r, number);
    if (slot->state == SKT_PARITY_SUM || slot->len == 0 || slot->len > len) /* a longer one was not covered */
        return NULL;
    uint8_t *body = r->body[number % SKT_PARITY_RING];
    memset(body + slot->len, 0, len - slot->len);
    return body;
}

/* Computes the job's body i into its slot. */
static void compute(struct skt_parity_ring *r, const struct skt_gf256 *gf, unsigned i)
{
    const struct skt_parity_job *job = &r->job;
    const uint8_t *term[SKT_PARITY_SPAN];
    uint8_t factor[SKT_PARITY_SPAN];
    uint32_t number = job->first + job->plan.missing[i];
    uint8_t *body = r->body[number % SKT_PARITY_RING];
    unsigned n = 0;
    skt_parity_factors(&job->plan, i, factor);
    for (unsigned j = 0; j < job->plan.terms; j++) {
        const uint8_t *t = j < job->plan.n ? r->body[job->parity[j] % SKT_PARITY_RING]
                                           : padded(r, job->first + job->plan.point[j], job->len);
        if (!t)
            continue;
        term[n] = t;
        factor[n++] = factor[j];
    }
    gf->sum(body, term, factor, n, job->len);
    uint16_t len = is_zero(body, job->len) ? 0 : job->len; /* no body: nothing was lost with it */
    *slot_of(r, number) =
        (struct skt_parity_slot){.number = number, .len = len, .state = SKT_PARITY_RECOVERED};
}

/* The next of the group's bodies that has not come by itself meanwhile. */
static bool step(struct skt_parity_ring *r, const struct skt_gf256 *gf, uint32_t *number)
{
    struct skt_parity_job *job = &r->job;
    while (is_working(r) && is_inside(r, job->first)) {
        unsigned i = job->next++;
        *number = job->first + job->plan.missing[i];
        if (is_known(r, *number))
            continue;
        compute(r, gf, i);
        if (!is_working(r))
            end_job(r);
        return true;
    }
    end_job(r);
    return false;
}

bool skt_parity_ring_pending(const struct skt_parity_ring *r)
{
    return is_working(r) || r->news;
}

bool skt_parity_ring_recover(struct skt_parity_ring *r, const struct skt_gf256 *gf, uint32_t *number)
{
    for (;;) {
        if (is_working(r) && step(r, gf, number))
            return true;
        if (!r->news)
            return false;
        const struct skt_parity_slot *slot = &r->slot[__builtin_ctzll(r->news)];
        r->news &= r->news - 1;
        if (slot->state != SKT_PARITY_EMPTY)
            (void)look_at(r, slot);
    }
}

const uint8_t *skt_parity_ring_get(const struct skt_parity_ring *r, uint32_t number, size_t *len)
{
    const struct skt_parity_slot *slot = &r->slot[number % SKT_PARITY_RING];
    if (!is_inside(r, number) || !is_known(r, number) || slot->state == SKT_PARITY_SUM)
        return NULL;
    *len = slot->len;
    return r->body[number % SKT_PARITY_RING];
}
