/* SPDX-License-Identifier: MIT */
#include "proto/keys/cookies.h"

#include "base/bytes.h"
#include "base/err.h"
#include "base/wipe.h"

#include <stdlib.h>
#include <string.h>

/* How long a half of the filter is in use: longer than a stamp stays among those that get cookie replies,
 * which is SKT_COOKIE_PAST_MS + SKT_COOKIE_FUTURE_MS = 130 s. */
#define SEEN_TIME (240 * SKT_US_PER_SEC)

void skt_cookies_dispose(struct skt_cookies *c)
{
    free(c->seen[0]);
    free(c->seen[1]);
    skt_wipe(c, sizeof *c);
}

/* --- the secret --- */

static int refresh(struct skt_cookies *c, const struct skt_crypto *crypto, skt_us now)
{
    if (now < c->secret_until)
        return SKT_OK;
    bool fresh = c->secret_until == 0 || now >= c->secret_until + SKT_COOKIE_TIME;
    uint8_t next[SKT_KEY_LEN];
    int err = crypto->random(next, sizeof next);
    if (!err && fresh) /* nobody holds a cookie of the last one any more */
        err = crypto->random(c->secrets[0], sizeof c->secrets[0]);
    if (err)
        return err;
    memcpy(c->secrets[1], c->secrets[0], sizeof next);
    memcpy(c->secrets[0], next, sizeof next);
    c->secret_until = now + SKT_COOKIE_TIME;
    skt_wipe(next, sizeof next);
    return SKT_OK;
}

static int mac(const struct skt_crypto *crypto, const uint8_t secret[SKT_KEY_LEN],
               const struct skt_addr *from, uint8_t cookie[SKT_COOKIE_LEN])
{
    uint8_t head[3], full[SKT_HASH_LEN];
    head[0] = from->family;
    skt_put_u16(head + 1, from->port);
    int err = crypto->hmac(full, secret, SKT_KEY_LEN, head, sizeof head, from->ip, sizeof from->ip);
    if (!err)
        memcpy(cookie, full, SKT_COOKIE_LEN);
    return err;
}

int skt_cookies_make(struct skt_cookies *c, const struct skt_crypto *crypto, skt_us now,
                     const struct skt_addr *from, uint8_t cookie[SKT_COOKIE_LEN])
{
    int err = refresh(c, crypto, now);
    return err ? err : mac(crypto, c->secrets[0], from, cookie);
}

bool skt_cookies_check(struct skt_cookies *c, const struct skt_crypto *crypto, skt_us now,
                       const struct skt_addr *from, const uint8_t cookie[SKT_COOKIE_LEN])
{
    static const uint8_t none[SKT_COOKIE_LEN];
    uint8_t expected[SKT_COOKIE_LEN];
    if (memcmp(cookie, none, sizeof none) == 0 || c->secret_until == 0 || refresh(c, crypto, now) != SKT_OK)
        return false;
    for (int i = 0; i < 2; i++)
        if (mac(crypto, c->secrets[i], from, expected) == SKT_OK &&
            skt_equal_ct(expected, cookie, sizeof expected))
            return true;
    return false;
}

/* --- the filter: two bits for each key, which is a part of a hash --- */

static uint32_t bit_of(const uint8_t key[SKT_STAMP_KEY_LEN], int n)
{
    return skt_get_u32(key + n * 4) % (SKT_COOKIE_FILTER_LEN * 8);
}

static bool has(const uint8_t *bits, const uint8_t key[SKT_STAMP_KEY_LEN])
{
    for (int n = 0; bits && n < 2; n++)
        if (!(bits[bit_of(key, n) / 8] & 1u << bit_of(key, n) % 8))
            return false;
    return bits != NULL;
}

bool skt_cookies_seen(const struct skt_cookies *c, const uint8_t key[SKT_STAMP_KEY_LEN])
{
    return has(c->seen[0], key) || has(c->seen[1], key);
}

int skt_cookies_note(struct skt_cookies *c, skt_us now, const uint8_t key[SKT_STAMP_KEY_LEN],
                     uint64_t stamp_ms)
{
    const uint32_t s = (uint32_t)(stamp_ms / 1000);
    if (!c->seen[0]) {
        c->seen[0] = calloc(1, SKT_COOKIE_FILTER_LEN);
        if (!c->seen[0])
            return SKT_ERR_NOMEM;
        c->stamps[0] = (struct skt_stamp_range){s, s};
        c->seen_until = now + SEEN_TIME;
    }
    for (int n = 0; n < 2; n++)
        c->seen[0][bit_of(key, n) / 8] |= (uint8_t)(1u << bit_of(key, n) % 8);
    if (s < c->stamps[0].from_s)
        c->stamps[0].from_s = s;
    if (s > c->stamps[0].to_s)
        c->stamps[0].to_s = s;
    return SKT_OK;
}

skt_us skt_cookies_expiry(const struct skt_cookies *c)
{
    return c->seen[0] || c->seen[1] ? c->seen_until : SKT_NEVER;
}

bool skt_cookies_expire(struct skt_cookies *c, skt_us now, struct skt_stamp_range *forgotten)
{
    while (now >= skt_cookies_expiry(c)) {
        bool had = c->seen[1] != NULL;
        *forgotten = c->stamps[1];
        free(c->seen[1]);
        c->seen[1] = c->seen[0];
        c->stamps[1] = c->stamps[0];
        c->seen[0] = NULL;
        c->seen_until = now + SEEN_TIME;
        if (had)
            return true;
    }
    return false;
}
