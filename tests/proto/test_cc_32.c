/* SPDX-License-Identifier: MIT */
/* CUBIC where a size_t has 32 bits, as on most routers: windows of tens of MB must do what they do elsewhere.
 * The controller's source is compiled here once more with such a size_t. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"

#define size_t        uint32_t
#define skt_cc_normal skt_cc_normal_32
#undef SIZE_MAX
#define SIZE_MAX UINT32_MAX
#include "../../src/proto/cc/cubic.c"
#undef size_t

enum { MSS = 1400 };

#define MS  SKT_US_PER_MS
#define RTT (200 * MS)

static void acknowledge(union skt_cc_state *s, skt_us now, uint32_t bytes)
{
    struct skt_cc_ack a = {.now = now, .acked = bytes, .rtt = RTT, .srtt = RTT, .min_rtt = RTT};
    a.sent_at = now - RTT;
    a.delivered = now;
    a.prior_delivered = now - RTT;
    skt_cc_normal.on_acked(s, &a);
}

static void lose(union skt_cc_state *s, skt_us now)
{
    s->cubic.rtt = SKT_NEVER; /* a queue: it is no loss by chance */
    struct skt_cc_loss l = {.now = now, .bytes = MSS, .sent_at = now - 1};
    skt_cc_normal.on_lost(s, &l);
}

/* In slow start up to a window, then a loss. */
static void grow_and_lose(union skt_cc_state *s, uint32_t window, skt_us now)
{
    skt_cc_normal.init(s, 0, MSS);
    acknowledge(s, now, window - s->out.cwnd);
    assert_int_equal(s->out.cwnd, window);
    lose(s, now);
}

static void test_a_loss_halves_any_window(void **state)
{
    (void)state;
    for (uint32_t window = 1000000; window <= 1000000000; window *= 10) {
        union skt_cc_state s;
        grow_and_lose(&s, window, 1000 * MS);
        assert_int_equal(s.out.cwnd, window / 2);
        lose(&s, 2000 * MS); /* fast convergence: the next aim is 3/4 of the window there was */
        assert_int_equal(s.out.cwnd, window / 4);
        assert_int_equal(s.cubic.w_max, window / 8 * 3);
    }
}

/* RFC 9438, 4.2: the window is back at its old size after K, however large it was. */
static void test_back_after_k(void **state)
{
    (void)state;
    for (uint32_t window = 2000000; window <= 128000000; window *= 4) {
        union skt_cc_state s;
        skt_us start = 1000 * MS, now = start + 2 * RTT;
        grow_and_lose(&s, window, start);
        int64_t k_ms = 0, cube = (int64_t)(window / 2) * 1000 / MSS * 2500000;
        while ((k_ms + 1) * (k_ms + 1) * (k_ms + 1) <= cube)
            k_ms++;
        for (; now < start + 2 * RTT + (skt_us)k_ms * MS; now += 10 * MS)
            acknowledge(&s, now, s.out.cwnd / 20);
        print_message("%u bytes: K = %lld ms, then %u\n", window, (long long)k_ms, s.out.cwnd);
        assert_int_equal(s.cubic.k_ms, k_ms);
        assert_in_range(s.out.cwnd, window / 100 * 97, window / 100 * 103);
    }
}

CHECK_GROUP(cc_32)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_loss_halves_any_window),
        cmocka_unit_test(test_back_after_k),
    };
    return cmocka_run_group_tests_name("cc_32", tests, NULL, NULL);
}
