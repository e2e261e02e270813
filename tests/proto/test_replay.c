/* SPDX-License-Identifier: MIT */
#include "base/check.h"
#include "base/err.h"
#include "proto/keys/replay.h"

#include <stdlib.h>
#include <string.h>

/* One step: number n is offered and must be taken or not. */
struct step {
    uint64_t n;
    bool taken;
};

static void run(uint32_t bits, const struct step *steps, size_t count)
{
    struct skt_replay r;
    assert_int_equal(skt_replay_init(&r, bits), 0);
    for (size_t i = 0; i < count; i++) {
        bool ok = skt_replay_ok(&r, steps[i].n);
        if (ok != steps[i].taken || skt_replay_take(&r, steps[i].n) != ok)
            fail_msg("step %zu: %llu", i, (unsigned long long)steps[i].n);
        assert_false(skt_replay_ok(&r, steps[i].n)); /* taken or too old: now it is a replay in any case */
    }
    skt_replay_dispose(&r);
}

#define RUN(bits, ...)                                                                                       \
    do {                                                                                                     \
        static const struct step steps[] = {__VA_ARGS__};                                                    \
        run(bits, steps, sizeof steps / sizeof *steps);                                                      \
    } while (0)

enum { W = 8192 };

static void boundaries(void **state)
{
    (void)state;
    /* from the start, in order and not; 0 is a number like others */
    RUN(W, {0, true}, {1, true}, {1, false}, {0, false}, {9, true}, {8, true}, {7, true}, {7, false},
        {2, true});
    /* the window's far end: top - W + 1 is in, top - W is out */
    RUN(W, {W, true}, {0, false}, {1, true}, {1, false});
    RUN(W, {W - 1, true}, {0, true}, {0, false});
    RUN(W, {2 * W, true}, {W, false}, {W + 1, true}, {W + 1, false}, {W + 2, true});
    RUN(W, {W, true}, {W + 1, true}, {1, false}, {2, true}, {2, false}, {0, false});
    /* word borders */
    RUN(W, {63, true}, {64, true}, {62, true}, {127, true}, {128, true}, {65, true}, {63, false},
        {64, false});
    RUN(W, {W + 63, true}, {63, false}, {64, true}, {W + 64, true}, {64, false}, {65, true});
    /* a jump by the ring's length, one less, one more: nothing of before shines through */
    RUN(W, {1, true}, {1 + W + 64, true}, {1 + W, true}, {65 + W - 1, true}, {1, false});
    RUN(W, {5, true}, {5 + W + 63, true}, {5 + W, true}, {5 + 64, true}, {5 + 63, false});
    RUN(W, {5, true}, {5 + W + 65, true}, {5 + W, true}, {5 + 66, true}, {5 + 65, false});
    /* far jumps */
    RUN(W, {1, true}, {1000000, true}, {1, false}, {1000000 - W, false}, {1000000 - W + 1, true},
        {999999, true});
    RUN(W, {UINT32_MAX, true}, {UINT32_MAX - 1, true}, {UINT32_MAX, false}, {UINT64_C(1) << 32, true});
    RUN(W, {UINT64_MAX, true}, {UINT64_MAX, false}, {UINT64_MAX - 1, true}, {UINT64_MAX - W + 1, true},
        {UINT64_MAX - W, false}, {0, false});
    /* the smallest window, and one as conversation ids use it */
    RUN(64, {0, true}, {63, true}, {64, true}, {0, false}, {1, true}, {200, true}, {136, false}, {137, true});
    RUN(1024, {1023, true}, {0, true}, {1024, true}, {1, true}, {1025, true}, {1, false}, {2, true});
}

static void widths(void **state)
{
    (void)state;
    struct skt_replay r;
    static const uint32_t bad[] = {0, 1, 32, 63, 65, 96, 8191, 8193, UINT32_MAX};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(skt_replay_init(&r, bad[i]), SKT_ERR_ARG);
    memset(&r, 0, sizeof r);
    skt_replay_dispose(&r);
}

/* Every number of an area in random order with repetitions, each taken exactly once, while nothing falls out
 * of the window. */
static void each_once_in_any_order(void **state)
{
    (void)state;
    uint64_t seed = 1;
    struct skt_replay r;
    assert_int_equal(skt_replay_init(&r, 256), 0);
    static uint8_t taken[100000];
    memset(taken, 0, sizeof taken);
    for (uint64_t base = 0; base + 256 <= sizeof taken; base += 1 + check_random(&seed) % 100) {
        for (int i = 0; i < 300; i++) {
            uint64_t n = base + check_random(&seed) % 256;
            if (skt_replay_take(&r, n))
                taken[n]++;
            assert_in_range(taken[n], r.top - n < 256 ? 1 : 0, 1);
        }
    }
    skt_replay_dispose(&r);
}

/* The model: a flag for each number, and the window's definition. */
static void as_the_model(void **state)
{
    (void)state;
    static const uint32_t widths_of[] = {64, 128, 1024, 8192};
    for (size_t w = 0; w < sizeof widths_of / sizeof *widths_of; w++) {
        uint32_t bits = widths_of[w];
        uint64_t seed = 77 + w, top = 0;
        size_t cap = 400000;
        bool *seen = calloc(cap, sizeof *seen), any = false;
        struct skt_replay r;
        assert_int_equal(skt_replay_init(&r, bits), 0);
        for (int i = 0; i < 40000; i++) {
            uint32_t kind = check_random(&seed) % 100;
            uint64_t n = kind < 60   ? top + check_random(&seed) % 4
                         : kind < 98 ? top - (top < bits + 70 ? top : check_random(&seed) % (bits + 70))
                                     : top + check_random(&seed) % (2 * bits);
            if (n >= cap)
                break;
            bool expected = !seen[n] && (!any || n > top || top - n < bits);
            assert_int_equal(skt_replay_take(&r, n), expected);
            if (expected) {
                seen[n] = any = true;
                top = n > top ? n : top;
            }
        }
        skt_replay_dispose(&r);
        free(seen);
    }
}

/* An idle session's window takes 64 bytes; one with many packets is never larger than its width and one word.
 */
static void memory_follows_use(void **state)
{
    (void)state;
    struct skt_replay r;
    assert_int_equal(skt_replay_init(&r, 8192), 0);
    for (uint64_t n = 1; n < 500; n++)
        skt_replay_take(&r, n);
    assert_int_equal(r.words, 8);
    for (uint64_t n = 500; n < 100000; n++)
        skt_replay_take(&r, n);
    assert_int_equal(r.words, 129);
    skt_replay_dispose(&r);
}

/* What grow_for does where realloc fails: the window is narrower, and still nothing is taken twice. */
static void without_memory_to_grow(void **state)
{
    (void)state;
    struct skt_replay r;
    assert_int_equal(skt_replay_init(&r, 8192), 0);
    r.growth = r.words; /* as after the failure */
    uint64_t seed = 9, top = 0;
    static bool seen[60000];
    memset(seen, 0, sizeof seen);
    for (int i = 0; i < 50000; i++) {
        uint64_t n = top + check_random(&seed) % 3;
        if (check_random(&seed) % 2 && top > 600)
            n = top - check_random(&seed) % 600;
        if (n >= sizeof seen)
            break;
        bool ok = skt_replay_take(&r, n);
        assert_false(ok && seen[n]);
        if (!seen[n] && n + 7 * 64 > top)
            assert_true(ok);
        seen[n] |= ok;
        top = n > top ? n : top;
    }
    skt_replay_dispose(&r);
}

CHECK_GROUP(replay)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boundaries),
        cmocka_unit_test(widths),
        cmocka_unit_test(each_once_in_any_order),
        cmocka_unit_test(as_the_model),
        cmocka_unit_test(memory_follows_use),
        cmocka_unit_test(without_memory_to_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
