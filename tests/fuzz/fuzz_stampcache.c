/* SPDX-License-Identifier: MIT */
/* The stamp cache under any sequence of insertions, clock jumps, expiries and restarts: nothing is accepted
 * twice. */
#include "base/bytes.h"
#include "base/err.h"
#include "proto/keys/stampcache.h"

#include <stdbool.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { KEYS = 256, MAX = 100 };

/* The entries through a restart, as a file would carry them. */
static void restart(struct skt_stampcache *c)
{
    struct skt_stampcache fresh;
    skt_stampcache_init(&fresh, MAX);
    for (unsigned i = 0; i < c->refused.count; i++)
        skt_stamp_ranges_add(&fresh.refused, c->refused.list[i]);
    uint32_t pos = 0;
    for (const struct skt_stamp *e; (e = skt_stampcache_next(c, &pos));)
        if (skt_stampcache_restore(&fresh, e) != 0)
            abort();
    skt_stampcache_dispose(c);
    *c = fresh;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    bool accepted[KEYS] = {false};
    struct skt_stamp_clock now = {UINT64_C(1800000000000), 1000};
    struct skt_stampcache c;
    skt_stampcache_init(&c, MAX);
    struct skt_reader r = skt_reader_of(data, len);
    while (r.left >= 3) {
        uint8_t op = skt_read_u8(&r), a = skt_read_u8(&r), b = skt_read_u8(&r);
        uint8_t key[SKT_STAMP_KEY_LEN] = {0};
        key[3] = (uint8_t)(a & 0xf0); /* some crowd the same slots */
        key[SKT_STAMP_KEY_LEN - 1] = a;
        uint64_t step = (uint64_t)b * 100 * 1000;
        switch (op % 6) {
        case 0:
            now.wall_ms += step;
            now.boot_ms += step;
            break;
        case 1:
            now.wall_ms -= step;
            break;
        case 2:
            if (skt_stampcache_expire(&c, &now) != 0)
                abort();
            break;
        case 3:
            restart(&c);
            break;
        default: {
            /* a key's stamp is fixed, as a replay's is */
            uint64_t stamp = UINT64_C(1800000000000) + (uint64_t)a * 61 * 1000 + a;
            if (skt_stampcache_insert(&c, key, a % 3, stamp, &now, NULL) == 0) {
                if (accepted[a])
                    abort();
                accepted[a] = true;
            }
        }
        }
        if (c.count > MAX)
            abort();
    }
    skt_stampcache_dispose(&c);
    return 0;
}
