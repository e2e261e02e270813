/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "base/check.h"
#include "base/err.h"
#include "proto/stampcache.h"

#include <string.h>

static const uint64_t NOW = UINT64_C(1800000000000); /* 2027 */
static const uint64_t HOUR = 3600 * 1000;
static const uint64_t W = SKT_STAMP_WINDOW_MS;

/* A key as a hash would be: spread. */
static const uint8_t *key(uint32_t n)
{
    static uint8_t k[SKT_STAMP_KEY_LEN];
    skt_put_u32(k, n * UINT32_C(2654435761));
    skt_put_u64(k + 4, n);
    return k;
}

static void fresh_once(void **state)
{
    (void)state;
    struct skt_stampcache c;
    skt_stampcache_init(&c, 0, 0);
    assert_int_equal(skt_stampcache_check(&c, key(1), NOW, NOW), 0);
    assert_int_equal(skt_stampcache_insert(&c, key(1), NOW, NOW), 0);
    assert_int_equal(skt_stampcache_check(&c, key(1), NOW, NOW), SKT_ERR_REPLAY);
    assert_int_equal(skt_stampcache_insert(&c, key(1), NOW, NOW), SKT_ERR_REPLAY);
    assert_int_equal(skt_stampcache_insert(&c, key(1), NOW + 5, NOW),
                     SKT_ERR_REPLAY); /* whatever its stamp */
    assert_int_equal(skt_stampcache_insert(&c, key(2), NOW, NOW), 0);
    assert_int_equal(c.count, 2);
    skt_stampcache_dispose(&c);
}

static void window(void **state)
{
    (void)state;
    struct skt_stampcache c;
    skt_stampcache_init(&c, 0, 0);
    assert_int_equal(skt_stampcache_check(&c, key(1), NOW - W, NOW), 0);
    assert_int_equal(skt_stampcache_check(&c, key(1), NOW - W - 1, NOW), SKT_ERR_REPLAY);
    assert_int_equal(skt_stampcache_check(&c, key(1), NOW + W, NOW), 0);
    assert_int_equal(skt_stampcache_check(&c, key(1), NOW + W + 1, NOW), SKT_ERR_REPLAY);
    assert_int_equal(skt_stampcache_check(&c, key(1), 0, NOW), SKT_ERR_REPLAY);
    assert_int_equal(skt_stampcache_check(&c, key(1), UINT64_MAX, NOW), SKT_ERR_REPLAY);
    /* a router whose clock starts in 1970 */
    assert_int_equal(skt_stampcache_insert(&c, key(1), 0, 5000), 0);
    assert_int_equal(skt_stampcache_insert(&c, key(1), 0, 5000), SKT_ERR_REPLAY);
    assert_int_equal(skt_stampcache_insert(&c, key(2), 5000, 0), 0);
    assert_int_equal(c.count, 2);
    assert_int_equal(skt_stampcache_expire(&c, 5000), 0);
    assert_int_equal(skt_stampcache_insert(&c, key(1), 0, 5000), SKT_ERR_REPLAY);
    skt_stampcache_dispose(&c);
}

static void floor_of_a_restart(void **state)
{
    (void)state;
    struct skt_stampcache c;
    skt_stampcache_init(&c, 0, NOW);
    assert_int_equal(skt_stampcache_insert(&c, key(1), NOW - 1, NOW), SKT_ERR_REPLAY);
    assert_int_equal(skt_stampcache_insert(&c, key(1), NOW, NOW), 0);
    skt_stampcache_raise_floor(&c, NOW - HOUR);
    assert_int_equal(skt_stampcache_insert(&c, key(2), NOW - 1, NOW), SKT_ERR_REPLAY);
    skt_stampcache_raise_floor(&c, NOW + HOUR);
    assert_int_equal(skt_stampcache_insert(&c, key(2), NOW, NOW), SKT_ERR_REPLAY);
    skt_stampcache_dispose(&c);
}

/* The promise: at no time is anything accepted twice, however the clock moves. */
static void never_twice_with_a_jumping_clock(void **state)
{
    (void)state;
    enum { KEYS = 2000, MAX = 200 };
    static uint64_t stamps[KEYS];
    static bool accepted[KEYS];
    unsigned takes = 0, refused_full = 0;
    for (uint64_t round = 1; round <= 30; round++) {
        struct skt_stampcache c;
        uint64_t seed = round, now = NOW;
        memset(accepted, 0, sizeof accepted);
        skt_stampcache_init(&c, MAX, 0);
        for (uint32_t i = 0; i < KEYS; i++)
            stamps[i] = NOW - 6 * HOUR + check_random(&seed) % (uint32_t)(12 * HOUR);
        for (int step = 0; step < 5000; step++) {
            if (step % 250 == 0)
                now = NOW - 6 * HOUR + check_random(&seed) % (uint32_t)(12 * HOUR);
            uint32_t i = check_random(&seed) % KEYS;
            int err = skt_stampcache_insert(&c, key(i), stamps[i], now);
            refused_full += err == SKT_ERR_FULL;
            if (err != 0)
                continue;
            assert_false(accepted[i]);
            accepted[i] = true;
            takes++;
            assert_true(c.count <= MAX);
        }
        skt_stampcache_dispose(&c);
    }
    assert_true(takes > 30 * 100);
    assert_true(refused_full > 0);
}

/* Steady clock, steady load: everything fresh is accepted, memory stays in proportion to the window. */
static void steady_load(void **state)
{
    (void)state;
    struct skt_stampcache c;
    skt_stampcache_init(&c, 0, 0);
    uint32_t n = 0;
    size_t cap_max = 0;
    for (uint64_t now = NOW; now < NOW + 12 * HOUR; now += 1000) {
        assert_int_equal(skt_stampcache_insert(&c, key(n), now, now), 0);
        /* one of half an hour ago again */
        if (n > 1800)
            assert_int_equal(skt_stampcache_insert(&c, key(n - 1800), now - HOUR / 2, now), SKT_ERR_REPLAY);
        n++;
        cap_max = c.cap > cap_max ? c.cap : cap_max;
    }
    assert_in_range(c.count, 7200, 7200 + 700);
    assert_true(cap_max < 12000);
    /* the floor follows what was forgotten, so nothing fresh is refused */
    assert_true(c.floor_ms <= NOW + 12 * HOUR - W);
    /* hours later one insertion gives the memory back */
    assert_int_equal(skt_stampcache_insert(&c, key(n), NOW + 20 * HOUR, NOW + 20 * HOUR), 0);
    assert_int_equal(c.count, 1);
    assert_true(c.cap <= 64);
    skt_stampcache_dispose(&c);
}

static void a_full_cache_refuses(void **state)
{
    (void)state;
    struct skt_stampcache c;
    skt_stampcache_init(&c, 1000, 0);
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(skt_stampcache_insert(&c, key(i), NOW + i, NOW + i), 0);
    assert_int_equal(skt_stampcache_insert(&c, key(1000), NOW + 1000, NOW + 1000), SKT_ERR_FULL);
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(skt_stampcache_check(&c, key(i), NOW + i, NOW + 1000), SKT_ERR_REPLAY);
    /* there is room again when some leave the window, and only then */
    assert_int_equal(skt_stampcache_insert(&c, key(1000), NOW + W, NOW + W), SKT_ERR_FULL);
    assert_int_equal(skt_stampcache_insert(&c, key(1000), NOW + W + 3000, NOW + W + 3000), 0);
    assert_int_equal(c.count, 1);
    skt_stampcache_dispose(&c);
}

/* A clock that is wrong for a moment: forward by a year and back. Old stamps stay refused, new ones are
 * taken. */
static void a_year_forward_and_back(void **state)
{
    (void)state;
    const uint64_t year = 365 * 24 * HOUR;
    struct skt_stampcache c;
    skt_stampcache_init(&c, 0, 0);
    assert_int_equal(skt_stampcache_insert(&c, key(1), NOW, NOW), 0);
    assert_int_equal(skt_stampcache_insert(&c, key(2), NOW + year, NOW + year), 0);
    assert_int_equal(c.count, 1); /* key 1 was forgotten */
    assert_int_equal(skt_stampcache_insert(&c, key(1), NOW, NOW + 1000), SKT_ERR_REPLAY);
    assert_int_equal(skt_stampcache_insert(&c, key(3), NOW + 1000, NOW + 1000), 0);
    assert_int_equal(skt_stampcache_insert(&c, key(2), NOW + year, NOW + 1000), SKT_ERR_REPLAY);
    /* and a year later the stamp of the wrong time is still known */
    assert_int_equal(skt_stampcache_insert(&c, key(2), NOW + year, NOW + year), SKT_ERR_REPLAY);
    skt_stampcache_dispose(&c);
}

static void saved_and_restored(void **state)
{
    (void)state;
    struct skt_stampcache a, b;
    skt_stampcache_init(&a, 0, 0);
    skt_stampcache_init(&b, 0, 0);
    for (uint32_t i = 0; i < 5000; i++)
        assert_int_equal(skt_stampcache_insert(&a, key(i), NOW + i, NOW + i), 0);
    uint32_t pos = 0, count = 0;
    for (const struct skt_stamp *e; (e = skt_stampcache_next(&a, &pos)); count++) {
        assert_int_equal(skt_stampcache_restore(&b, e), 0);
        assert_int_equal(skt_stampcache_restore(&b, e), 0);
    }
    assert_int_equal(count, 5000);
    assert_int_equal(b.count, 5000);
    for (uint32_t i = 0; i < 5000; i++)
        assert_int_equal(skt_stampcache_insert(&b, key(i), NOW + i, NOW + 6000), SKT_ERR_REPLAY);
    /* a stamp of before the restart that was not seen is fine: a slow clock gets in at once */
    assert_int_equal(skt_stampcache_insert(&b, key(7000), NOW - HOUR, NOW + 6000), 0);
    struct skt_stamp empty = {{1}, 0};
    assert_int_equal(skt_stampcache_restore(&b, &empty), 0);
    assert_int_equal(b.count, 5001);
    skt_stampcache_dispose(&a);
    skt_stampcache_dispose(&b);
}

/* Keys that all want the same slot, at the end of the table, so that probing wraps around. */
static void crowded_slots(void **state)
{
    (void)state;
    struct skt_stampcache c;
    skt_stampcache_init(&c, 0, 0);
    uint8_t k[SKT_STAMP_KEY_LEN];
    memset(k, 0xff, sizeof k);
    for (uint32_t i = 0; i < 300; i++) {
        skt_put_u32(k + 8, i);
        assert_int_equal(skt_stampcache_insert(&c, k, NOW, NOW), 0);
    }
    for (uint32_t i = 0; i < 300; i++) {
        skt_put_u32(k + 8, i);
        assert_int_equal(skt_stampcache_check(&c, k, NOW, NOW), SKT_ERR_REPLAY);
    }
    skt_put_u32(k + 8, 300);
    assert_int_equal(skt_stampcache_check(&c, k, NOW, NOW), 0);
    assert_int_equal(skt_stampcache_expire(&c, NOW + 10 * HOUR), 0);
    assert_null(c.slots);
    assert_int_equal(skt_stampcache_expire(&c, NOW + 10 * HOUR), 0);
    skt_stampcache_dispose(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fresh_once),
        cmocka_unit_test(window),
        cmocka_unit_test(floor_of_a_restart),
        cmocka_unit_test(never_twice_with_a_jumping_clock),
        cmocka_unit_test(steady_load),
        cmocka_unit_test(a_full_cache_refuses),
        cmocka_unit_test(a_year_forward_and_back),
        cmocka_unit_test(saved_and_restored),
        cmocka_unit_test(crowded_slots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
