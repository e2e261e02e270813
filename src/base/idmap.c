/* SPDX-License-Identifier: MIT */
#include "base/idmap.h"

#include "base/err.h"

#include <stdlib.h>

enum { MIN_CAP = 8 }; /* slots: a cache line or two, so that a small map is one allocation */

struct skt_idmap_slot {
    uint32_t id;  /* the key */
    void *object; /* NULL: free */
};

/* Ids are often consecutive; the multiplier (Knuth's, from the golden ratio) spreads them. */
static uint32_t home_of(const struct skt_idmap *m, uint32_t id)
{
    uint32_t h = id * UINT32_C(2654435769);
    return (h ^ h >> 15) & (m->cap - 1);
}

static uint32_t find(const struct skt_idmap *m, uint32_t id)
{
    uint32_t i = home_of(m, id);
    while (m->slots[i].object && m->slots[i].id != id)
        i = (i + 1) & (m->cap - 1);
    return i;
}

static int resize(struct skt_idmap *m, uint32_t cap)
{
    struct skt_idmap old = *m;
    struct skt_idmap_slot *slots = calloc(cap, sizeof *slots);
    if (!slots)
        return SKT_ERR_NOMEM;
    m->slots = slots;
    m->cap = cap;
    for (uint32_t i = 0; i < old.cap; i++)
        if (old.slots[i].object)
            m->slots[find(m, old.slots[i].id)] = old.slots[i];
    free(old.slots);
    return SKT_OK;
}

void skt_idmap_init(struct skt_idmap *m)
{
    *m = (struct skt_idmap){NULL, 0, 0};
}

void skt_idmap_dispose(struct skt_idmap *m)
{
    free(m->slots);
    skt_idmap_init(m);
}

void *skt_idmap_get(const struct skt_idmap *m, uint32_t id)
{
    return m->count ? m->slots[find(m, id)].object : NULL;
}

int skt_idmap_put(struct skt_idmap *m, uint32_t id, void *object)
{
    if (m->count + 1 > m->cap / 4 * 3) {
        int err = resize(m, m->cap ? m->cap * 2 : MIN_CAP);
        if (err)
            return err;
    }
    uint32_t i = find(m, id);
    if (m->slots[i].object)
        return SKT_ERR_ARG;
    m->slots[i].id = id;
    m->slots[i].object = object;
    m->count++;
    return SKT_OK;
}

/* Closes the gap at i: moves back every later slot of the run that may stand there. */
static void close_gap(struct skt_idmap *m, uint32_t i)
{
    uint32_t mask = m->cap - 1;
    for (uint32_t j = (i + 1) & mask; m->slots[j].object; j = (j + 1) & mask) {
        uint32_t home = home_of(m, m->slots[j].id);
        if (((j - home) & mask) >= ((j - i) & mask)) {
            m->slots[i] = m->slots[j];
            i = j;
        }
    }
    m->slots[i].object = NULL;
}

void *skt_idmap_remove(struct skt_idmap *m, uint32_t id)
{
    if (!m->count)
        return NULL;
    uint32_t i = find(m, id);
    void *object = m->slots[i].object;
    if (!object)
        return NULL;
    close_gap(m, i);
    m->count--;
    if (m->cap > MIN_CAP && m->count < m->cap / 8)
        (void)resize(m, m->cap / 2); /* staying large is no failure */
    return object;
}

void *skt_idmap_next(const struct skt_idmap *m, uint32_t *pos)
{
    while (*pos < m->cap) {
        void *object = m->slots[(*pos)++].object;
        if (object)
            return object;
    }
    return NULL;
}
