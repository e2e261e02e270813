/* SPDX-License-Identifier: MIT */
#include "proto/parity/redundancy.h"

#include <string.h>

#define SLOT_TIME (100 * SKT_US_PER_MS) /* of each of SKT_REDUNDANCY_SLOTS: a second in steps of a tenth */
#define MILLION   UINT64_C(1000000)

enum {
    MEASURED_MAX = 2048, /* segments measured, after which all counts are halved: older ones count less */
    FOLLOWED_MIN = 8,    /* fewer say nothing about bursts */
    MISS_PPM = 90,       /* chance that a transmission and all its duplicates are lost */
};

void skt_redundancy_init(struct skt_redundancy *r)
{
    memset(r, 0, sizeof *r);
    r->cap_permille = SKT_OVERHEAD_CAP;
}

void skt_redundancy_reset(struct skt_redundancy *r)
{
    r->measured = r->lost = r->sure = r->followed = r->follow_lost = r->run_lost = r->runs = 0;
    memset(r->suspects, 0, sizeof r->suspects);
}

static void count_one(struct skt_redundancy *r)
{
    if (++r->measured < MEASURED_MAX)
        return;
    r->measured /= 2;
    r->lost /= 2;
    r->sure /= 2;
    r->followed /= 2;
    r->follow_lost /= 2;
}

void skt_redundancy_on_arrived(struct skt_redundancy *r)
{
    count_one(r);
}

void skt_redundancy_on_lost(struct skt_redundancy *r)
{
    r->lost++;
    r->sure++;
    count_one(r);
}

void skt_redundancy_on_spurious(struct skt_redundancy *r)
{
    if (r->lost > 0)
        r->lost--;
    if (r->sure > 0)
        r->sure--;
}

static void suspect(struct skt_redundancy *r, const struct skt_suspect *original, bool open)
{
    struct skt_suspect *s = &r->suspects[r->suspect_next++ % SKT_REDUNDANCY_SUSPECTS];
    *s = *original;
    s->open = open;
}

void skt_redundancy_on_copy_arrived(struct skt_redundancy *r, unsigned n, const struct skt_suspect *original)
{
    r->followed += n;
    r->follow_lost += n - 1;
    suspect(r, original, false);
    r->lost++;
    count_one(r);
}

void skt_redundancy_on_unnamed(struct skt_redundancy *r, const struct skt_suspect *first)
{
    suspect(r, first, true);
}

static void settle(struct skt_redundancy *r, struct skt_suspect *s, bool arrived)
{
    if (s->open && !arrived)
        r->lost += r->lost < r->measured ? 1 : 0; /* the counts may have been halved since it was sent */
    else if (!s->open && arrived && r->lost > 0)
        r->lost--;
    s->open = false;
    if (arrived)
        memset(s, 0, sizeof *s);
}

void skt_redundancy_on_late(struct skt_redundancy *r, const struct skt_suspect *named)
{
    for (size_t i = 0; i < SKT_REDUNDANCY_SUSPECTS; i++) {
        struct skt_suspect *s = &r->suspects[i];
        if (s->conv != named->conv || s->sn != named->sn || (s->ts != named->ts && !s->open))
            continue;
        settle(r, s, s->ts == named->ts);
        return;
    }
}

unsigned skt_redundancy_copies(const struct skt_redundancy *r)
{
    if (r->off || (r->fixed_data && r->parity))
        return 0;
    if (r->measured < SKT_COPIES_MEASURED)
        return SKT_COPIES_UNMEASURED;
    if (r->lost == 0)
        return 0;
    uint32_t lost = r->lost < r->measured ? r->lost + 1 : r->measured;
    uint64_t p = lost * MILLION / r->measured, q = p;
    if (r->followed >= FOLLOWED_MIN && r->follow_lost * MILLION / r->followed > q)
        q = r->follow_lost * MILLION / r->followed;
    unsigned n = 0;
    for (uint64_t miss = p; miss > MISS_PPM && n < SKT_COPIES_MAX; n++)
        miss = miss * q / MILLION;
    return n;
}

static void advance(struct skt_redundancy *r, skt_us now)
{
    uint64_t slot = now / SLOT_TIME;
    uint64_t passed = slot > r->slot_at ? slot - r->slot_at : 0;
    for (uint64_t i = 0; i < passed && i < SKT_REDUNDANCY_SLOTS; i++) {
        r->first[(slot - i) % SKT_REDUNDANCY_SLOTS] = 0;
        r->copied[(slot - i) % SKT_REDUNDANCY_SLOTS] = 0;
        r->parity_sent[(slot - i) % SKT_REDUNDANCY_SLOTS] = 0;
        r->parity_wanted[(slot - i) % SKT_REDUNDANCY_SLOTS] = 0;
    }
    r->slot_at += passed;
}

static uint64_t sum(const uint32_t slots[SKT_REDUNDANCY_SLOTS])
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < SKT_REDUNDANCY_SLOTS; i++)
        bytes += slots[i];
    return bytes;
}

static uint64_t budget(const struct skt_redundancy *r)
{
    return SKT_OVERHEAD_FREE + sum(r->first) * r->cap_permille / 1000;
}

uint64_t skt_redundancy_left(struct skt_redundancy *r, skt_us now)
{
    advance(r, now);
    uint64_t copied = sum(r->copied), all = budget(r);
    return copied < all ? all - copied : 0;
}

bool skt_redundancy_allows(struct skt_redundancy *r, skt_us now, size_t bytes)
{
    return bytes <= skt_redundancy_left(r, now);
}

static void add(struct skt_redundancy *r, uint32_t *slots, size_t bytes)
{
    uint32_t *slot = &slots[r->slot_at % SKT_REDUNDANCY_SLOTS];
    *slot = bytes < UINT32_MAX - *slot ? *slot + (uint32_t)bytes : UINT32_MAX;
}

void skt_redundancy_on_first(struct skt_redundancy *r, skt_us now, size_t bytes)
{
    advance(r, now);
    add(r, r->first, bytes);
}

void skt_redundancy_on_copied(struct skt_redundancy *r, skt_us now, size_t bytes)
{
    advance(r, now);
    add(r, r->copied, bytes);
}

void skt_redundancy_on_parity(struct skt_redundancy *r, skt_us now, size_t bytes)
{
    skt_redundancy_on_copied(r, now, bytes);
    add(r, r->parity_sent, bytes);
}

unsigned skt_redundancy_ration(struct skt_redundancy *r, skt_us now, unsigned wanted, size_t bytes)
{
    if (wanted == 0 || r->fixed_data)
        return wanted;
    advance(r, now);
    add(r, r->parity_wanted, wanted * bytes);
    /* Duplicates have had theirs, and keep what may still come. */
    uint64_t taken = sum(r->copied) - sum(r->parity_sent) + SKT_OVERHEAD_LEFT, all = budget(r);
    uint64_t part = all > taken ? all - taken : 0, want = sum(r->parity_wanted);
    if (want <= part)
        return wanted;
    r->ration_left += wanted * part * 1000 / want;
    uint64_t n = r->ration_left / 1000;
    r->ration_left %= 1000;
    return n > 0 ? (unsigned)n : 1;
}
