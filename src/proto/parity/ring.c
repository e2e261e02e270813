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

/* Takes what is known of the group out of a parity. */
static void take_out_known(struct skt_parity_ring *r, const struct skt_gf256 *gf,
                           const struct skt_parity_slot *parity)
{
    uint8_t *row = r->body[parity->number % SKT_PARITY_RING];
    for (unsigned j = 0; j < parity->count; j++) {
        uint32_t number = parity->first + j;
        size_t len;
        const uint8_t *body = skt_parity_ring_get(r, number, &len);
        if (body && len <= parity->len) /* a longer one was not covered */
            skt_parity_add(gf, row, parity->index, j, body, len);
    }
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

static void solve_group(struct skt_parity_ring *r, const struct skt_gf256 *gf,
                        const struct skt_parity_slot *like, struct skt_parity_found *found)
{
    const struct skt_parity_slot *parity[SKT_PARITY_MAX];
    const uint8_t *rest[SKT_PARITY_MAX];
    uint8_t *body[SKT_PARITY_MAX];
    struct skt_parity_unknowns u;
    if (!find_missing(r, like, &u) || gather(r, like, u.n, parity) < u.n)
        return;
    uint32_t first = like->first;
    uint16_t len = like->len;
    for (unsigned i = 0; i < u.n; i++) {
        take_out_known(r, gf, parity[i]);
        u.index[i] = parity[i]->index;
        rest[i] = r->body[parity[i]->number % SKT_PARITY_RING];
        body[i] = r->body[(first + u.position[i]) % SKT_PARITY_RING];
        memset(body[i], 0, len);
    }
    int err = skt_parity_solve(gf, &u, rest, body, len);
    for (unsigned i = 0; i < u.n; i++) /* used up: what they held was taken out */
        r->slot[parity[i]->number % SKT_PARITY_RING].state = SKT_PARITY_ARRIVED;
    for (unsigned i = 0; i < u.n; i++)
        r->slot[parity[i]->number % SKT_PARITY_RING].len = 0;
    if (err)
        return;
    for (unsigned i = 0; i < u.n; i++) {
        uint32_t number = first + u.position[i];
        if (is_zero(body[i], len)) { /* no body: nothing was lost with it */
            *slot_of(r, number) = (struct skt_parity_slot){.number = number, .state = SKT_PARITY_RECOVERED};
            continue;
        }
        *slot_of(r, number) =
            (struct skt_parity_slot){.number = number, .len = len, .state = SKT_PARITY_RECOVERED};
        found->number[found->n++] = number;
    }
}

void skt_parity_ring_recover(struct skt_parity_ring *r, const struct skt_gf256 *gf, uint32_t number,
                             struct skt_parity_found *found)
{
    found->n = 0;
    if (!is_inside(r, number))
        return;
    const struct skt_parity_slot *news = slot_of(r, number);
    if (news->state == SKT_PARITY_SUM) {
        solve_group(r, gf, news, found);
        return;
    }
    for (unsigned i = 0; i < SKT_PARITY_RING && number < r->top; i++) {
        const struct skt_parity_slot *s = &r->slot[i];
        if (s->state == SKT_PARITY_SUM && number - s->first < s->count) {
            solve_group(r, gf, s, found);
            return;
        }
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
