/* SPDX-License-Identifier: MIT */
#include "tunnel/stamps.h"

#include "base/bytes.h"
#include "base/err.h"
#include "base/wipe.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_LABEL "skcptun stamps"

enum {
    ENTRIES_MIN = 32768, /* a hundred clients for 4 hours and more, half a MB */
    MEMORY_SHARE = 128,  /* an entry for so many bytes of max_memory: a seventh of it when full (16 bytes in
                            slots of which 7/8 are used) */
};

static uint32_t entries_max(const struct skt_shared *shared)
{
    size_t n = shared->max_memory / MEMORY_SHARE;
    if (n < ENTRIES_MIN)
        return ENTRIES_MIN;
    return n < SKT_STAMPCACHE_MAX ? (uint32_t)n : SKT_STAMPCACHE_MAX;
}

static struct skt_stamps *find(const struct skt_shared *shared, const uint8_t name[SKT_HASH_LEN])
{
    for (struct skt_list *l = shared->stamps.next; l != &shared->stamps; l = l->next) {
        struct skt_stamps *s = SKT_CONTAINER(l, struct skt_stamps, link);
        if (skt_equal_ct(s->name, name, SKT_HASH_LEN))
            return s;
    }
    return NULL;
}

int skt_stamps_get(struct skt_stamps **out, struct skt_shared *shared, const uint8_t psk[SKT_KEY_LEN],
                   const char *folder, uint64_t wall_ms)
{
    uint8_t name[SKT_HASH_LEN];
    char base[512];
    int err = shared->crypto->hmac(name, psk, SKT_KEY_LEN, NAME_LABEL, strlen(NAME_LABEL), NULL, 0);
    if (err)
        return err;
    struct skt_stamps *s = find(shared, name);
    if (!s) {
        s = calloc(1, sizeof *s);
        if (!s)
            return SKT_ERR_NOMEM;
        memcpy(s->name, name, sizeof name);
        skt_list_append(&shared->stamps, &s->link);
        skt_stampcache_init(&s->cache, entries_max(shared));
        int n = folder ? snprintf(base, sizeof base, "%s/%016" PRIx64, folder, skt_get_u64(name)) : -1;
        struct skt_stamp_clock now = skt_stampfile_clock(wall_ms);
        skt_stampfile_open(&s->file, n > 0 && (size_t)n < sizeof base ? base : NULL, &s->cache, &now);
    }
    s->users++;
    *out = s;
    return SKT_OK;
}

void skt_stamps_put(struct skt_stamps *s)
{
    if (!s || --s->users > 0)
        return;
    skt_stampfile_close(s->file);
    skt_cookies_dispose(&s->cookies);
    skt_stampcache_dispose(&s->cache);
    skt_list_remove(&s->link);
    skt_wipe(s, sizeof *s);
    free(s);
}
