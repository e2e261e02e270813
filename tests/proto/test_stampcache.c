/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "base/check.h"
#include "base/err.h"
#include "proto/keys/stampcache.h"

#include <string.h>

#define NOW  UINT64_C(1800000000000) /* 2027 */
#define HOUR UINT64_C(3600000)
static const uint64_t W = SKT_STAMP_WINDOW_MS;

/* A key as a hash would be: spread. */
static const uint8_t *key(uint32_t n)
{
    static uint8_t k[SKT_STAMP_KEY_LEN];
    skt_put_u32(k, n * UINT32_C(2654435761));
    skt_put_u32(k + 4, n);
    return k;
}

/* A machine that has been up since NOW less a day. */
static struct skt_stamp_clock at(uint64_t wall_ms)
{
    return (struct skt_stamp_clock){wall_ms, wall_ms > NOW - 24 * HOUR ? wall_ms - (NOW - 24 * HOUR) : 0};
}

static int insert_from(struct skt_stampcache *c, uint16_t net, const uint8_t *k, uint64_t stamp_ms,
                       uint64_t wall_ms)
{
    struct skt_stamp_clock now = at(wall_ms);
    return skt_stampcache_insert(c, k, net, stamp_ms, &now, NULL);
}

/* From a network of its own, as far as there are any. */
static int insert(struct skt_stampcache *c, const uint8_t *k, uint64_t stamp_ms, uint64_t wall_ms)
{
    return insert_from(c, (uint16_t)(skt_get_u32(k) >> 22), k, stamp_ms, wall_ms);
}

static int check(struct skt_stampcache *c, const uint8_t *k, uint64_t stamp_ms, uint64_t wall_ms)
{
    struct skt_stamp_clock now = at(wall_ms);
    return skt_stampcache_check(c, k, stamp_ms, &now);
}

static int expire(struct skt_stampcache *c, uint64_t wall_ms)
{
    struct skt_stamp_clock now = at(wall_ms);
    return skt_stampcache_expire(c, &now);
}

static void fresh_once(void **state)
{
    (void)state;
    struct skt_stampcache c;
    skt_stampcache_init(&c, 0);
    assert_int_equal(check(&c, key(1), NOW, NOW), 0);
    assert_int_equal(insert(&c, key(1), NOW, NOW), 0);
    assert_int_equal(check(&c, key(1), NOW, NOW), SKT_ERR_REPLAY);
    assert_int_equal(insert(&c, key(1), NOW, NOW), SKT_ERR_REPLAY);
    assert_int_equal(insert(&c, key(1), NOW + 5, NOW), SKT_ERR_REPLAY); /* whatever its stamp */
    assert_int_equal(insert(&c, key(2), NOW, NOW), 0);
    assert_int_equal(c.count, 2);
    skt_stampcache_dispose(&c);
}

static void window(void **state)
{
    (void)state;
    struct skt_stampcache c;
    skt_stampcache_init(&c, 0);
    assert_int_equal(check(&c, key(1), NOW - W, NOW), 0);
    assert_int_equal(check(&c, key(1), NOW - W - 1, NOW), SKT_ERR_REPLAY);
    assert_int_equal(check(&c, key(1), NOW + W, NOW), 0);
    assert_int_equal(check(&c, key(1), NOW + W + 1, NOW), SKT_ERR_REPLAY);
    assert_int_equal(check(&c, key(1), 0, NOW), SKT_ERR_REPLAY);
    assert_int_equal(check(&c, key(1), UINT64_MAX, NOW), SKT_ERR_REPLAY);
    /* a router whose clock starts in 1970 */
    assert_int_equal(insert(&c, key(1), 0, 5000), 0);
    assert_int_equal(insert(&c, key(1), 0, 5000), SKT_ERR_REPLAY);
    assert_int_equal(insert(&c, key(2), 5000, 0), 0);
    assert_int_equal(c.count, 2);
    assert_int_equal(expire(&c, 5000), 0);
    assert_int_equal(insert(&c, key(1), 0, 5000), SKT_ERR_REPLAY);
    skt_stampcache_dispose(&c);
}

/* What was accepted before the start is not known. The start moves along with a clock that is set. */
static void start_without_a_memory(void **state)
{
    (void)state;
    struct skt_stampcache c;
    struct skt_stamp_clock now = {NOW + 8 * HOUR, 60 * 1000}; /* its clock kept in local time */
    skt_stampcache_init(&c, 0);
    skt_stampcache_set_start(&c, now.boot_ms);
    assert_int_equal(skt_stampcache_insert(&c, key(1), 1, now.wall_ms - 1, &now, NULL), SKT_ERR_REPLAY);
    assert_int_equal(skt_stampcache_insert(&c, key(1), 1, now.wall_ms, &now, NULL), 0);
    now = (struct skt_stamp_clock){NOW, now.boot_ms + 5000}; /* set right after 5 s */
    assert_int_equal(skt_stampcache_insert(&c, key(2), 1, NOW, &now, NULL), 0);
    assert_int_equal(skt_stampcache_insert(&c, key(3), 1, NOW - 5000, &now, NULL), 0);
    assert_int_equal(skt_stampcache_insert(&c, key(4), 1, NOW - 5001, &now, NULL), SKT_ERR_REPLAY);
    skt_stampcache_set_start(&c, 0); /* an earlier one changes nothing */
    assert_int_equal(skt_stampcache_insert(&c, key(4), 1, NOW - 5001, &now, NULL), SKT_ERR_REPLAY);
    skt_stampcache_dispose(&c);
}

struct model {
    struct skt_stampcache c;
    struct skt_stamp_clock now;
    int64_t off_ms; /* of the server's clock */
    uint64_t seed;
};

/* As a file carries it over, in the same boot. */
static void restart(struct model *m, uint32_t max)
{
    struct skt_stampcache fresh;
    skt_stampcache_init(&fresh, max);
    for (unsigned i = 0; i < m->c.refused.count; i++)
        skt_stamp_ranges_add(&fresh.refused, m->c.refused.list[i]);
    uint32_t pos = 0;
    assert_int_equal(skt_stampcache_reserve(&fresh, m->c.count), 0);
    for (const struct skt_stamp *e; (e = skt_stampcache_next(&m->c, &pos));)
        assert_int_equal(skt_stampcache_restore(&fresh, e), 0);
    skt_stampcache_dispose(&m->c);
    m->c = fresh;
}

/* The promise: at no time is anything accepted twice, however the clock moves and whatever is restarted. */
static void never_twice_with_a_jumping_clock(void **state)
{
    (void)state;
    enum { KEYS = 2000, MAX = 200 };
    static uint64_t stamps[KEYS];
    static bool accepted[KEYS];
    unsigned takes = 0, refused_full = 0;
    for (uint64_t round = 1; round <= 60; round++) {
        struct model m = {.seed = round, .now = at(NOW)};
        memset(accepted, 0, sizeof accepted);
        skt_stampcache_init(&m.c, MAX);
        for (uint32_t i = 0; i < KEYS; i++)
            stamps[i] = NOW - 6 * HOUR + check_random(&m.seed) % (uint32_t)(12 * HOUR);
        for (int step = 0; step < 5000; step++) {
            m.now.boot_ms += 1000;
            m.now.wall_ms += 1000;
            if (step % 250 == 0)
                m.now.wall_ms = NOW - 6 * HOUR + check_random(&m.seed) % (uint32_t)(12 * HOUR);
            if (step % 1000 == 999)
                restart(&m, MAX);
            uint32_t i = check_random(&m.seed) % KEYS;
            int err = skt_stampcache_insert(&m.c, key(i), (uint16_t)(i % 100), stamps[i], &m.now, NULL);
            refused_full += err == SKT_ERR_FULL;
            if (err != 0)
                continue;
            assert_false(accepted[i]);
            accepted[i] = true;
            takes++;
            check_that(m.c.count, <=, MAX);
        }
        skt_stampcache_dispose(&m.c);
    }
    check_that(takes, >, 60 * 100);
    check_that(refused_full, >, 0);
}

/* And nobody stays out for it: a server whose clock is wrong by up to half a day either way, and jumps now
 * and then, whose clients have clocks of their own until they hear of its, lets each of them in within three
 * tries, 5 s apart, whenever its clock and the client's are less than 2 hours apart. */
static void honest_clients_get_in_with_a_jumping_clock(void **state)
{
    (void)state;
    enum { CLIENTS = 20 };
    unsigned asked = 0;
    for (uint64_t round = 1; round <= 40; round++) {
        struct model m = {.seed = round, .now = at(NOW)};
        uint64_t heard_ms[CLIENTS] = {0}; /* when each got in last */
        int64_t wrong_ms[CLIENTS];
        uint32_t next_key = 0, tries[CLIENTS] = {0};
        skt_stampcache_init(&m.c, 0);
        for (int i = 0; i < CLIENTS; i++)
            wrong_ms[i] = (int64_t)(check_random(&m.seed) % (uint32_t)(2 * HOUR)) - (int64_t)HOUR;
        for (uint64_t t = NOW; t < NOW + 60 * HOUR; t += 5000) {
            m.now.boot_ms = t - NOW + HOUR;
            if (check_random(&m.seed) % 6000 == 0) { /* about every 8 hours */
                uint32_t r = check_random(&m.seed);
                m.off_ms = r % 2 ? 0 : (int64_t)(r % (uint32_t)(24 * HOUR)) - (int64_t)(12 * HOUR);
            }
            if (check_random(&m.seed) % 6000 == 0)
                restart(&m, 0);
            m.now.wall_ms = t + (uint64_t)m.off_ms;
            for (int i = 0; i < CLIENTS; i++) {
                if (t < heard_ms[i] + 120 * 1000)
                    continue;
                /* by the server's clock as it told it; every other time by its own */
                uint64_t stamp = tries[i] % 2 ? t + (uint64_t)wrong_ms[i] : m.now.wall_ms;
                asked++;
                if (skt_stampcache_insert(&m.c, key(next_key++), 3, stamp, &m.now, NULL) == 0) {
                    heard_ms[i] = t;
                    tries[i] = 0;
                } else {
                    assert_true(++tries[i] < 3);
                }
            }
        }
        skt_stampcache_dispose(&m.c);
    }
    check_that(asked, >, 40 * CLIENTS * 1000);
}

/* Steady clock, steady load: everything fresh is accepted, memory stays in proportion. */
static void steady_load(void **state)
{
    (void)state;
    struct skt_stampcache c;
    skt_stampcache_init(&c, 1 << 16);
    uint32_t n = 0;
    size_t cap_max = 0;
    for (uint64_t now = NOW; now < NOW + 12 * HOUR; now += 1000) {
        assert_int_equal(insert(&c, key(n), now, now), 0);
        /* one of half an hour ago again */
        if (n > 1800)
            assert_int_equal(insert(&c, key(n - 1800), now - HOUR / 2, now), SKT_ERR_REPLAY);
        n++;
        cap_max = c.cap > cap_max ? c.cap : cap_max;
    }
    /* two hours, a sixteenth of the most beyond them, and what came in since it was looked at */
    assert_in_range(c.count, 7200 + 3700, 7200 + 4096 + 700);
    check_that(cap_max, <, 19000);
    assert_int_equal(c.refused.count, 1);
    check_that(c.refused.list[0].to_s, <, (NOW + 12 * HOUR - W) / 1000);
    /* a week later one insertion gives the memory back */
    assert_int_equal(insert(&c, key(n), NOW + 180 * HOUR, NOW + 180 * HOUR), 0);
    assert_int_equal(c.count, 1);
    check_that(c.cap, <=, 64);
    skt_stampcache_dispose(&c);
}

/* It never forgets what could come again without refusing it. */
static void a_full_cache_refuses(void **state)
{
    (void)state;
    struct skt_stampcache c;
    skt_stampcache_init(&c, 1000);
    uint32_t n = 0;
    while (c.count < 1000) { /* faster than narrowing, from everywhere */
        int err = insert_from(&c, (uint16_t)(n % SKT_STAMP_NETS), key(n), NOW, NOW);
        assert_int_equal(err, 0);
        n++;
    }
    assert_int_equal(insert_from(&c, 5, key(n), NOW, NOW), SKT_ERR_FULL);
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(check(&c, key(i), NOW, NOW + 1000), SKT_ERR_REPLAY);
    /* two minutes later there is room, at the cost of clocks that are slow */
    assert_int_equal(insert(&c, key(n), NOW + 121000, NOW + 121000), 0);
    assert_int_equal(c.count, 1);
    assert_int_equal(check(&c, key(n + 1), NOW, NOW + 121000), SKT_ERR_REPLAY);
    assert_int_equal(check(&c, key(n + 1), NOW + 1000, NOW + 121000), 0);
    check_that(c.narrowed, >, 0);
    skt_stampcache_dispose(&c);
}

/* One network that keeps asking at any rate: the others find room, whenever they come. */
static void no_network_fills_it_for_others(void **state)
{
    (void)state;
    struct skt_stampcache c;
    skt_stampcache_init(&c, 10000);
    uint32_t n = 0, refused = 0;
    for (uint64_t now = NOW; now < NOW + 6 * HOUR; now += 1000) {
        for (int i = 0; i < 60; i++) /* a million in less than five hours */
            refused += insert_from(&c, 7, key(n++), now, now) != 0;
        if (now % 60000 == 0)
            assert_int_equal(insert_from(&c, 8, key(n++), now - 60 * 1000, now), 0);
    }
    check_that(refused, >, 0);
    /* neither do stamps from the future, which stay twice as long */
    for (int i = 0; i < 5000; i++)
        (void)insert_from(&c, (uint16_t)(i % SKT_STAMP_NETS), key(n++), NOW + 8 * HOUR - 1, NOW + 6 * HOUR);
    check_that(c.ahead, <=, 10000 / 16);
    assert_int_equal(insert_from(&c, 8, key(n++), NOW + 6 * HOUR, NOW + 6 * HOUR), 0);
    skt_stampcache_dispose(&c);
}

/* Ten minutes of 5,000 handshakes a second, the cache at its full size: by one ticket from one network, or
 * from everywhere. Who comes once a minute gets in each time, with a clock that is a minute slow, too; and
 * what it costs stays a few slots looked at for each. */
static void flood_at_full_size(unsigned nets)
{
    enum { RATE = 5000, SECONDS = 600, SLOW_S = 60 };
    struct skt_stampcache c;
    skt_stampcache_init(&c, 0);
    uint32_t n = 0, most = 0, in = 0;
    for (uint64_t t = NOW; t < NOW + SECONDS * 1000; t += 1000) {
        for (int i = 0; i < RATE; i++, n++)
            in += insert_from(&c, (uint16_t)(n % nets), key(n), t, t) == 0;
        most = c.count > most ? c.count : most;
        assert_int_equal(insert_from(&c, SKT_STAMP_NETS - 1, key(n++), t, t), 0);
        assert_int_equal(insert_from(&c, SKT_STAMP_NETS - 1, key(n++), t - SLOW_S * 1000, t), 0);
    }
    if (nets > 1)
        assert_true(most > SKT_STAMPCACHE_MAX / 4 * 3 - RATE && in == RATE * SECONDS);
    else
        assert_in_range(most, SKT_STAMPCACHE_MAX / 2, SKT_STAMPCACHE_MAX / 2 + SKT_STAMPCACHE_MAX / 16);
    assert_true(c.probes < 20 * (uint64_t)n);
    skt_stampcache_dispose(&c);
}

static void one_network_at_full_size(void **state)
{
    (void)state;
    flood_at_full_size(1);
}

static void all_networks_at_full_size(void **state)
{
    (void)state;
    flood_at_full_size(SKT_STAMP_NETS - 1);
}

/* A clock that is wrong for a moment: forward by a year and back. Old stamps stay refused, new ones are
 * taken. */
static void a_year_forward_and_back(void **state)
{
    (void)state;
    const uint64_t year = 365 * 24 * HOUR;
    struct skt_stampcache c;
    skt_stampcache_init(&c, 0);
    assert_int_equal(insert(&c, key(1), NOW, NOW), 0);
    assert_int_equal(insert(&c, key(2), NOW + year, NOW + year), 0);
    assert_int_equal(c.count, 1); /* key 1 was forgotten */
    assert_int_equal(insert(&c, key(1), NOW, NOW + 1000), SKT_ERR_REPLAY);
    assert_int_equal(insert(&c, key(3), NOW + 1000, NOW + 1000), 0);
    assert_int_equal(insert(&c, key(2), NOW + year, NOW + 1000), SKT_ERR_REPLAY);
    /* and a year later the stamp of the wrong time is still known */
    assert_int_equal(insert(&c, key(2), NOW + year, NOW + year), SKT_ERR_REPLAY);
    skt_stampcache_dispose(&c);
}

/* A server that is eight hours ahead for half a day: clients follow its clock. When it is set right they are
 * let in at once, and nothing of the hours ahead is taken again when they come. */
static void eight_hours_ahead_for_half_a_day(void **state)
{
    (void)state;
    struct skt_stampcache c;
    skt_stampcache_init(&c, 0);
    struct skt_stamp_clock now = {0, 0};
    uint32_t n = 0;
    for (uint64_t t = NOW; t < NOW + 12 * HOUR; t += 60000) {
        now = (struct skt_stamp_clock){t + 8 * HOUR, t - NOW};
        assert_int_equal(skt_stampcache_insert(&c, key(n++), 1, now.wall_ms, &now, NULL), 0);
    }
    for (uint64_t t = NOW + 12 * HOUR; t < NOW + 48 * HOUR; t += 60000) {
        now = (struct skt_stamp_clock){t, t - NOW};
        assert_int_equal(skt_stampcache_insert(&c, key(n++), 1, t, &now, NULL), 0);
        for (uint32_t i = 0; i < 12 * 60; i += 7)
            assert_int_equal(skt_stampcache_check(&c, key(i), NOW + 8 * HOUR + i * 60000, &now),
                             SKT_ERR_REPLAY);
    }
    skt_stampcache_dispose(&c);
}

/* What a file holds is in the order of the keys, whose places were in proportion: put into a table that
 * grows, all of them crowded at its beginning, and a million took minutes. */
static void a_million_is_restored_in_one_go(void **state)
{
    (void)state;
    enum { N = SKT_STAMPCACHE_MAX };
    struct skt_stampcache c;
    skt_stampcache_init(&c, 0);
    assert_int_equal(skt_stampcache_reserve(&c, N), 0);
    for (uint32_t i = 0; i < N; i++) {
        struct skt_stamp e = {.net = 1, .stamp_s = NOW / 1000};
        skt_put_u32(e.key, i << 12);
        assert_int_equal(skt_stampcache_restore(&c, &e), 0);
    }
    assert_int_equal(c.count, N);
    check_that(c.probes, <, 8 * (uint64_t)N);
    assert_int_equal(skt_stampcache_reserve(&c, 1), SKT_ERR_FULL);
    skt_stampcache_dispose(&c);
}

/* Forgotten stamps: ranges that touch become one, and there are never more than so many. */
static void ranges(void **state)
{
    (void)state;
    struct skt_stampcache c;
    skt_stampcache_init(&c, 0);
    uint64_t seed = 5;
    static bool refused[4000];
    for (int i = 0; i < 2000; i++) {
        uint32_t from = check_random(&seed) % 3900, to = from + check_random(&seed) % 3;
        skt_stamp_ranges_add(&c.refused, (struct skt_stamp_range){from * 4000, to * 4000});
        for (uint32_t k = from; k <= to; k++)
            refused[k] = true;
        check_that(c.refused.count, <=, SKT_STAMP_RANGES);
        for (unsigned k = 1; k < c.refused.count; k++)
            check_that(c.refused.list[k].from_s, >, c.refused.list[k - 1].to_s);
        for (uint32_t k = 0; k < 4000; k++) {
            bool in = false;
            for (unsigned j = 0; j < c.refused.count; j++)
                in |= k * 4000 >= c.refused.list[j].from_s && k * 4000 <= c.refused.list[j].to_s;
            assert_true(in || !refused[k]);
        }
        if (i % 100 == 99) {
            skt_stampcache_dispose(&c);
            skt_stampcache_init(&c, 0);
            memset(refused, 0, sizeof refused);
        }
    }
    skt_stampcache_dispose(&c);
}

static void saved_and_restored(void **state)
{
    (void)state;
    struct skt_stampcache a, b;
    skt_stampcache_init(&a, 0);
    skt_stampcache_init(&b, 0);
    for (uint32_t i = 0; i < 5000; i++)
        assert_int_equal(insert(&a, key(i), NOW + i, NOW + i), 0);
    uint32_t pos = 0, count = 0;
    for (const struct skt_stamp *e; (e = skt_stampcache_next(&a, &pos)); count++) {
        assert_int_equal(skt_stampcache_restore(&b, e), 0);
        assert_int_equal(skt_stampcache_restore(&b, e), 0);
    }
    assert_int_equal(count, 5000);
    assert_int_equal(b.count, 5000);
    for (uint32_t i = 0; i < 5000; i++)
        assert_int_equal(insert(&b, key(i), NOW + i, NOW + 6000), SKT_ERR_REPLAY);
    /* a stamp of before the restart that was not seen is fine: a slow clock gets in at once */
    assert_int_equal(insert(&b, key(7000), NOW - HOUR, NOW + 6000), 0);
    struct skt_stamp empty = {{1}, 0, 0};
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
    skt_stampcache_init(&c, 0);
    uint8_t k[SKT_STAMP_KEY_LEN];
    memset(k, 0xff, sizeof k);
    for (uint32_t i = 0; i < 300; i++) {
        skt_put_u32(k + 6, i);
        assert_int_equal(insert(&c, k, NOW, NOW), 0);
    }
    for (uint32_t i = 0; i < 300; i++) {
        skt_put_u32(k + 6, i);
        assert_int_equal(check(&c, k, NOW, NOW), SKT_ERR_REPLAY);
    }
    skt_put_u32(k + 6, 300);
    assert_int_equal(check(&c, k, NOW, NOW), 0);
    assert_int_equal(expire(&c, NOW + 40 * HOUR), 0);
    assert_null(c.slots);
    assert_int_equal(expire(&c, NOW + 40 * HOUR), 0);
    skt_stampcache_dispose(&c);
}

CHECK_GROUP(stampcache)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fresh_once),
        cmocka_unit_test(window),
        cmocka_unit_test(start_without_a_memory),
        cmocka_unit_test(never_twice_with_a_jumping_clock),
        cmocka_unit_test(honest_clients_get_in_with_a_jumping_clock),
        cmocka_unit_test(steady_load),
        cmocka_unit_test(a_full_cache_refuses),
        cmocka_unit_test(no_network_fills_it_for_others),
        cmocka_unit_test(one_network_at_full_size),
        cmocka_unit_test(all_networks_at_full_size),
        cmocka_unit_test(a_year_forward_and_back),
        cmocka_unit_test(eight_hours_ahead_for_half_a_day),
        cmocka_unit_test(a_million_is_restored_in_one_go),
        cmocka_unit_test(ranges),
        cmocka_unit_test(saved_and_restored),
        cmocka_unit_test(crowded_slots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
