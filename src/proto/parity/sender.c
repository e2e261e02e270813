/* SPDX-License-Identifier: MIT */
#include "proto/parity/sender.h"

#include "base/bytes.h"

#include <assert.h>
#include <string.h>

void skt_parity_sender_init(struct skt_parity_sender *f)
{
    memset(f->group, 0, sizeof f->group);
}

void skt_parity_sender_drop(struct skt_parity_sender *f)
{
    skt_parity_sender_init(f);
}

static struct skt_parity_group *group_in(struct skt_parity_sender *f, enum skt_parity_group_state state)
{
    for (unsigned i = 0; i < SKT_PARITY_GROUPS; i++)
        if (f->group[i].state == state)
            return &f->group[i];
    return NULL;
}

struct skt_parity_group *skt_parity_sender_open(struct skt_parity_sender *f)
{
    return group_in(f, SKT_PARITY_OPEN);
}

struct skt_parity_group *skt_parity_sender_begin(struct skt_parity_sender *f, uint32_t key, uint32_t number,
                                                 unsigned rows, skt_us close_at)
{
    assert(rows >= 1 && rows <= SKT_PARITY_MAX && !skt_parity_sender_open(f));
    struct skt_parity_group *g = group_in(f, SKT_PARITY_FREE);
    if (!g)
        return NULL;
    *g = (struct skt_parity_group){.state = SKT_PARITY_OPEN,
                                   .key = key,
                                   .first = number,
                                   .last = number,
                                   .rows = rows,
                                   .close_at = close_at};
    return g;
}

void skt_parity_sender_add(struct skt_parity_sender *f, const struct skt_gf256 *gf, uint32_t number,
                           const uint8_t *body, size_t len, bool worth)
{
    struct skt_parity_group *g = skt_parity_sender_open(f);
    assert(g && skt_parity_group_spans(g, number) && len <= SKT_PARITY_BODY_MAX);
    uint8_t(*rows)[SKT_PARITY_BODY_MAX] = f->row[g - f->group];
    if (len > g->len) {
        for (unsigned i = 0; i < g->rows; i++)
            memset(rows[i] + g->len, 0, len - g->len);
        g->len = len;
    }
    for (unsigned i = 0; i < g->rows; i++)
        skt_parity_add(gf, rows[i], i, number - g->first, body, len);
    g->last = number;
    g->data += worth ? 1 : 0;
}

void skt_parity_sender_close(struct skt_parity_sender *f, skt_us now, unsigned parity, skt_us gap)
{
    struct skt_parity_group *g = skt_parity_sender_open(f);
    assert(g);
    g->parity = parity < g->rows ? parity : g->rows;
    g->state = g->parity > 0 && g->len > 0 ? SKT_PARITY_CLOSED : SKT_PARITY_FREE;
    g->gap = gap;
    g->next_at = now + gap;
}

/* Of two closed groups the older one is not waited for: the next group needs its place. */
static bool is_due(const struct skt_parity_group *g, skt_us now, uint32_t number, bool urgent)
{
    return urgent || now >= g->next_at || number - g->first >= SKT_PARITY_LATEST + g->sent;
}

struct skt_parity_group *skt_parity_sender_due(struct skt_parity_sender *f, skt_us now, uint32_t key,
                                               uint32_t number)
{
    struct skt_parity_group *oldest = NULL;
    unsigned closed = 0;
    for (unsigned i = 0; i < SKT_PARITY_GROUPS; i++) {
        struct skt_parity_group *g = &f->group[i];
        if (g->state != SKT_PARITY_CLOSED)
            continue;
        if (g->key != key || number - g->first >= SKT_PARITY_RING) {
            g->state = SKT_PARITY_FREE;
            continue;
        }
        closed++;
        if (!oldest || g->first < oldest->first)
            oldest = g;
    }
    return oldest && is_due(oldest, now, number, closed == SKT_PARITY_GROUPS) ? oldest : NULL;
}

size_t skt_parity_sender_write(struct skt_parity_sender *f, struct skt_parity_group *g, skt_us now,
                               uint32_t number, uint8_t *out)
{
    assert(g->state == SKT_PARITY_CLOSED && g->sent < g->parity);
    skt_put_u16(out, skt_parity_head(number - g->first, g->last - g->first + 1, g->sent));
    memcpy(out + SKT_PARITY_HEAD_LEN, f->row[g - f->group][g->sent], g->len);
    g->next_at = now + g->gap;
    if (++g->sent == g->parity)
        g->state = SKT_PARITY_FREE;
    return SKT_PARITY_HEAD_LEN + g->len;
}

skt_us skt_parity_sender_expiry(const struct skt_parity_sender *f)
{
    skt_us at = SKT_NEVER;
    for (unsigned i = 0; i < SKT_PARITY_GROUPS; i++) {
        const struct skt_parity_group *g = &f->group[i];
        if (g->state == SKT_PARITY_OPEN)
            at = skt_us_min(at, g->close_at);
        else if (g->state == SKT_PARITY_CLOSED)
            at = skt_us_min(at, g->next_at);
    }
    return at;
}
