/* SPDX-License-Identifier: MIT */
/* Redundancy whatever was measured: a link may lose anything, and a peer may say anything. */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "proto/parity/code.h"
#include "proto/parity/redundancy.h"
#include "sim/rng.h"

static void check(struct skt_redundancy *r)
{
    for (unsigned data = 0; data <= SKT_PARITY_SPAN; data++)
        for (unsigned span = data > 0 ? data : 1; span <= SKT_PARITY_SPAN; span += 5)
            check_that(skt_redundancy_parity(r, data, span), <=, SKT_PARITY_MAX);
    check_that(skt_redundancy_copies(r), <=, SKT_COPIES_MAX);
    check_that(skt_redundancy_group(r), <=, SKT_PARITY_SPAN);
    (void)skt_redundancy_has_runs(r);
}

/* Every share of losses, from the first packet on: what parity presumes before it knows must stay a chance.
 */
static void test_any_loss(void **state)
{
    (void)state;
    for (unsigned inner = 0; inner < 2; inner++) {
        for (unsigned percent = 0; percent <= 100; percent++) {
            struct skt_redundancy r;
            skt_redundancy_init(&r);
            r.parity = true;
            r.inner = inner;
            for (unsigned i = 0; i < 3000; i++) {
                if (i * percent / 100 != (i + 1) * percent / 100)
                    skt_redundancy_on_lost(&r);
                else
                    skt_redundancy_on_arrived(&r);
                if (i < 600 ? i % 7 == 0 : i % 401 == 0)
                    check(&r);
            }
            if (percent >= 10) /* more losses never ask for less */
                check_that(skt_redundancy_parity(&r, 10, 10), >, 0);
        }
    }
}

/* A REPORT of anything, at any time. */
static void test_any_report(void **state)
{
    (void)state;
    static const uint32_t edges[] = {0,          1,          2,          7,          8,          16,
                                     511,        512,        513,        8191,       0x07ffffff, 0x0fffffff,
                                     0x10000000, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff};
    enum { EDGES = sizeof edges / sizeof edges[0] };
    for (unsigned measured = 0; measured < 400; measured += 57) {
        for (unsigned i = 0; i < EDGES * EDGES * EDGES; i++) {
            struct skt_redundancy r;
            skt_redundancy_init(&r);
            r.parity = true;
            r.inner = i & 1;
            for (unsigned n = 0; n < measured; n++)
                skt_redundancy_on_arrived(&r);
            skt_redundancy_on_report(&r, edges[i % EDGES], edges[i / EDGES % EDGES],
                                     edges[i / EDGES / EDGES]);
            assert_true(r.lost <= r.measured && r.runs <= r.run_lost);
            check_that(skt_redundancy_parity(&r, 10, 12), <=, SKT_PARITY_MAX);
            check_that(skt_redundancy_copies(&r), <=, SKT_COPIES_MAX);
        }
    }
}

static unsigned below(struct sim_rng *rng, unsigned n)
{
    return (unsigned)sim_rng_below(rng, n);
}

static uint32_t any_number(struct sim_rng *rng)
{
    return (uint32_t)sim_rng_next(rng) >> below(rng, 32);
}

static void any_step(struct skt_redundancy *r, struct sim_rng *rng, skt_us now)
{
    struct skt_suspect s = {.conv = below(rng, 2), .sn = below(rng, 4), .ts = below(rng, 3)};
    switch (below(rng, 10)) {
    case 0:
        skt_redundancy_on_lost(r);
        break;
    case 1:
        skt_redundancy_on_spurious(r);
        break;
    case 2:
        skt_redundancy_on_copy_arrived(r, 1 + below(rng, SKT_COPIES_MAX), &s);
        break;
    case 3:
        skt_redundancy_on_unnamed(r, &s);
        break;
    case 4:
        skt_redundancy_on_late(r, &s);
        break;
    case 5:
        skt_redundancy_on_report(r, any_number(rng), any_number(rng), any_number(rng));
        break;
    case 6:
        skt_redundancy_on_first(r, now, below(rng, 2000));
        break;
    case 7:
        skt_redundancy_on_parity(r, now, skt_redundancy_ration(r, now, below(rng, 17), 1400));
        break;
    case 8:
        if (below(rng, 1000) == 0)
            skt_redundancy_reset(r);
        break;
    default:
        skt_redundancy_on_arrived(r);
        break;
    }
}

/* Anything after anything. */
static void test_any_order(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct sim_rng rng = sim_rng_of(seed);
        struct skt_redundancy r;
        skt_redundancy_init(&r);
        r.parity = true;
        r.inner = seed & 1;
        skt_us now = 0;
        for (unsigned i = 0; i < 20000; i++) {
            now += sim_rng_below(&rng, 20000);
            any_step(&r, &rng, now);
            if (i % 97 == 0)
                check(&r);
        }
    }
}

CHECK_GROUP(redundancy)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_loss),
        cmocka_unit_test(test_any_report),
        cmocka_unit_test(test_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
