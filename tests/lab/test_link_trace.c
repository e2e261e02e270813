/* SPDX-License-Identifier: MIT */
/* Links that follow a trace, in times of our own: what leaves when, what is dropped, what nobody used. */
#include "base/check.h"
#include "lab/link.h"
#include "sim/rng.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MS LINK_NS_PER_MS

enum { PLENTY = 1 << 30, START = 7 * LINK_OPPORTUNITY_BYTES };

static struct link_trace *trace_of(const uint32_t *at_ms, size_t count)
{
    uint32_t *copy = malloc(sizeof *copy * count);
    const char *why;
    memcpy(copy, at_ms, sizeof *copy * count);
    struct link_trace *t = link_trace_new(copy, count, &why);
    assert_non_null(t);
    link_trace_begin(t, START);
    return t;
}

/* When a packet leaves, in ms of the trace's time; it must be a whole one. */
static int64_t leaves(struct link_trace *t, size_t len, int64_t at)
{
    int64_t ns = link_trace_pass(t, len, PLENTY, START + at) - START;
    assert_int_equal(ns % MS, 0);
    return ns / MS;
}

static void each_opportunity_is_used_once_and_they_begin_anew(void **state)
{
    (void)state;
    struct link_trace *t = trace_of((const uint32_t[]){10, 20, 20, 40}, 4);
    const int64_t expected[] = {10, 20, 20, 40, 50, 60, 60, 80, 90};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        assert_int_equal(leaves(t, LINK_OPPORTUNITY_BYTES, 0), expected[i]);
    link_trace_free(t);
}

static void a_packet_spans_opportunities_and_packets_share_one(void **state)
{
    (void)state;
    struct link_trace *t = trace_of((const uint32_t[]){10, 20, 30, 40}, 4);
    assert_int_equal(leaves(t, 1000, 0), 10); /* leaves 504 bytes of it */
    assert_int_equal(leaves(t, 1000, 0), 20); /* 504 and 496 */
    assert_int_equal(leaves(t, 1000, 0), 20); /* 8 bytes are left */
    assert_int_equal(leaves(t, 9, 0), 30);
    assert_int_equal(leaves(t, 1503, 0), 30);
    assert_int_equal(leaves(t, 2 * LINK_OPPORTUNITY_BYTES + 1, 0), 60);
    link_trace_free(t);
}

static void what_nobody_waited_for_is_gone(void **state)
{
    (void)state;
    struct link_trace *t = trace_of((const uint32_t[]){10, 20, 30, 40}, 4);
    assert_int_equal(leaves(t, 100, 0), 10);
    assert_int_equal(leaves(t, 100, 10 * MS), 10);     /* in time for the rest of it */
    assert_int_equal(leaves(t, 100, 10 * MS + 1), 20); /* not any more */
    assert_int_equal(leaves(t, 1404, 15 * MS), 20);
    assert_int_equal(leaves(t, 1, 15 * MS), 30);
    assert_int_equal(leaves(t, 100, 40 * MS + 1), 50); /* the next round */
    assert_int_equal(leaves(t, 100, 40000 * MS + 1), 40010);
    assert_int_equal(leaves(t, 100, 80035 * MS), 80040);
    link_trace_free(t);
}

static void the_queue_is_counted_in_bytes_and_drops_at_its_tail(void **state)
{
    (void)state;
    struct link_trace *t = trace_of((const uint32_t[]){10, 20, 30, 40}, 4);
    assert_int_equal(link_trace_pass(t, 1500, 3000, START), START + 10 * MS);
    assert_int_equal(link_trace_pass(t, 1500, 3000, START), START + 20 * MS);
    assert_int_equal(link_trace_pass(t, 1, 3000, START), LINK_NEVER);
    assert_int_equal(link_trace_pass(t, 1, 3000, START + 10 * MS - 1), LINK_NEVER);
    assert_int_equal(link_trace_pass(t, 1501, 3000, START + 10 * MS), LINK_NEVER); /* the first has left */
    assert_int_equal(link_trace_pass(t, 1400, 3000, START + 10 * MS), START + 30 * MS);
    assert_int_equal(link_trace_pass(t, 100, 3000, START + 10 * MS), START + 30 * MS);
    assert_int_equal(link_trace_pass(t, 1, 3000, START + 10 * MS), LINK_NEVER);
    link_trace_free(t);
}

static void a_new_beginning_keeps_what_waits(void **state)
{
    (void)state;
    struct link_trace *t = trace_of((const uint32_t[]){10, 20}, 2);
    assert_int_equal(link_trace_pass(t, 1500, 3000, START), START + 10 * MS);
    link_trace_begin(t, START + 5 * MS);
    assert_int_equal(link_trace_pass(t, 1500, 3000, START + 5 * MS), START + 15 * MS);
    assert_int_equal(link_trace_pass(t, 1500, 3000, START + 6 * MS), LINK_NEVER);
    assert_int_equal(link_trace_pass(t, 1500, 3000, START + 10 * MS), START + 25 * MS);
    link_trace_free(t);
}

static void capacity_counts_opportunities(void **state)
{
    (void)state;
    struct link_trace *t = trace_of((const uint32_t[]){0, 10, 20, 20, 40}, 5);
    const struct {
        int64_t ms;
        uint64_t count;
    } expected[] = {{0, 1}, {9, 1}, {10, 2}, {19, 2}, {20, 4}, {39, 4}, {40, 6}, {59, 7}, {60, 9}, {400, 51}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        assert_int_equal(link_trace_capacity(t, expected[i].ms * MS),
                         expected[i].count * LINK_OPPORTUNITY_BYTES);
    link_trace_free(t);
}

enum { DRAWN = 400, OFFERED = 6000 };

struct packet {
    int64_t at;     /* ns of the trace's time */
    size_t len;     /* bytes */
    int64_t leaves; /* ns; LINK_NEVER: dropped */
};

/* The same, computed from the other side: opportunity after opportunity takes from the queue what is there.
 * Packets arrive at no whole ms, so never at the time of one. Bytes that went with the opportunities. */
static uint64_t serve(struct packet *packets, const uint32_t *at_ms, uint64_t queue_bytes)
{
    size_t line[OFFERED], head = 0, tail = 0, next = 0;
    uint64_t waiting = 0, used = 0, rest = 0;
    for (int64_t base = 0;; base += at_ms[DRAWN - 1] * MS) {
        for (size_t i = 0; i < DRAWN; i++) {
            int64_t now = base + at_ms[i] * MS;
            for (; next < OFFERED && packets[next].at < now; next++) {
                bool fits = waiting + packets[next].len <= queue_bytes;
                packets[next].leaves = LINK_NEVER;
                if (!fits)
                    continue;
                waiting += packets[next].len;
                line[tail++] = next;
            }
            for (uint64_t left = LINK_OPPORTUNITY_BYTES; left && head < tail;) {
                struct packet *p = &packets[line[head]];
                uint64_t take = p->len - rest < left ? p->len - rest : left;
                left -= take;
                rest += take;
                used += take;
                if (rest < p->len)
                    break;
                p->leaves = now;
                waiting -= p->len;
                rest = 0;
                head++;
            }
            if (next == OFFERED && head == tail)
                return used;
        }
    }
}

static void drawn_traces_behave_as_computed(void **state)
{
    (void)state;
    static struct packet packets[OFFERED];
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct sim_rng r = sim_rng_of(seed);
        uint32_t at_ms[DRAWN], ms = 0;
        for (size_t i = 0; i < DRAWN; i++)
            at_ms[i] = ms += (uint32_t)(sim_rng_chance(&r, 5000) ? 0 : sim_rng_below(&r, 6));
        struct link_trace *t = trace_of(at_ms, DRAWN);
        uint64_t queue = 5000 + sim_rng_below(&r, 60000), offered = 0, left = 0, dropped = 0;
        int64_t now = 0, mean = (int64_t)sim_rng_range(&r, 1, 3);
        for (size_t i = 0; i < OFFERED; i++) {
            now += sim_rng_chance(&r, 100) ? 100 * MS : (int64_t)sim_rng_below(&r, (uint64_t)mean) * MS;
            packets[i] = (struct packet){.at = now + MS / 2, .len = (size_t)sim_rng_range(&r, 28, 1600)};
        }
        uint64_t used = serve(packets, at_ms, queue);
        for (size_t i = 0; i < OFFERED; i++) {
            const struct packet *p = &packets[i];
            int64_t got = link_trace_pass(t, p->len, queue, START + p->at);
            assert_int_equal(got, p->leaves == LINK_NEVER ? LINK_NEVER : START + p->leaves);
            offered += p->len;
            *(p->leaves == LINK_NEVER ? &dropped : &left) += p->len;
        }
        assert_int_equal(left + dropped, offered);
        assert_int_equal(left, used);
        check_that(used, <=, link_trace_capacity(t, packets[OFFERED - 1].at + 3600 * LINK_NS_PER_SEC));
        link_trace_free(t);
    }
}

static struct link_trace *written(const char *text, const char **why)
{
    char path[] = "/tmp/skt-link-trace-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    struct link_trace *t = link_trace_read(path, why);
    unlink(path);
    return t;
}

static void files_are_read_or_refused_in_words(void **state)
{
    (void)state;
    const char *why;
    struct link_trace *t = written("0\n0\n7\n 30 \r\n45", &why);
    assert_non_null(t);
    assert_int_equal(t->count, 5);
    assert_int_equal(t->at_ms[4], 45);
    link_trace_free(t);
    const char *const bad[] = {"",       "3\n2\n", "0\n0\n", "3\n\n4\n",
                               "3\nx\n", "-3\n",   "3 4\n",  "99999999999\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_null(written(bad[i], &why));
        assert_non_null(why);
    }
    assert_null(link_trace_read("/nonexistent", &why));
    assert_string_equal(why, "the trace can't be opened");
}

static void a_bad_setting_changes_nothing(void **state)
{
    (void)state;
    struct link_settings s;
    link_settings_init(&s);
    assert_null(link_settings_set(&s, "walk", "3"));
    assert_null(link_settings_set(&s, "queue-bytes", "1234"));
    struct link_trace *t = s.trace;
    assert_non_null(t);
    assert_non_null(strstr(link_settings_set(&s, "trace", "/nonexistent"), "can't be opened"));
    assert_non_null(link_settings_set(&s, "walk", "3x"));
    assert_non_null(strstr(link_settings_set(&s, "wolk", "3"), "no such setting"));
    assert_non_null(link_settings_set(&s, "queue-bytes", "-1"));
    assert_ptr_equal(s.trace, t);
    assert_int_equal(s.queue_bytes, 1234);
    assert_null(link_settings_set(&s, "trace", "none"));
    assert_null(s.trace);
    link_settings_dispose(&s);
}

static bool has_outage(const struct link_trace *t)
{
    for (size_t i = 1; i < t->count; i++)
        if (t->at_ms[i] - t->at_ms[i - 1] >= 200)
            return true;
    return false;
}

static void the_model_wanders_within_its_limits(void **state)
{
    (void)state;
    double mean = 0;
    unsigned with_outage = 0;
    enum { SEEDS = 40 };
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct link_trace *t = link_trace_walk(seed), *again = link_trace_walk(seed);
        assert_int_equal(t->count, again->count);
        assert_memory_equal(t->at_ms, again->at_ms, t->count * sizeof *t->at_ms);
        uint64_t before = 0;
        for (int64_t s = 1; s <= 60; s++) {
            uint64_t bytes = link_trace_capacity(t, s * LINK_NS_PER_SEC - 1);
            check_that((double)(bytes - before) * 8e-6, <, 22.0); /* 20 Mbit/s and what chance adds */
            before = bytes;
        }
        mean += (double)before * 8e-6 / 60 / SEEDS;
        with_outage += has_outage(t);
        link_trace_free(t);
        link_trace_free(again);
    }
    check_that(mean, >, 5.0);
    check_that(mean, <, 12.0);
    check_that(with_outage, >, SEEDS * 8 / 10);
}

static void a_direction_conserves_what_it_takes(void **state)
{
    (void)state;
    struct link_pool pool;
    struct link_dir d;
    assert_true(link_pool_init(&pool, 1500, 1024));
    assert_true(link_dir_init(&d, &pool, 5));
    d.out_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    assert_null(link_settings_set(&d.set, "walk", "9"));
    assert_null(link_settings_set(&d.set, "queue-bytes", "60000"));
    assert_null(link_settings_set(&d.set, "delay", "20ms"));
    struct sim_rng r = sim_rng_of(3);
    uint64_t offered = 0, refused = 0;
    int64_t now = START;
    for (int i = 0; i < 50000; i++, now += (int64_t)sim_rng_below(&r, 1200000)) {
        uint32_t slot;
        assert_true(link_pool_take(&pool, &slot));
        size_t len = (size_t)sim_rng_range(&r, 28, 1500);
        memset(link_pool_at(&pool, slot), 0, len);
        uint64_t overflow = d.count.overflow;
        link_dir_admit(&d, slot, len, now);
        offered += len;
        refused += d.count.overflow > overflow ? len : 0;
        link_dir_deliver(&d, now);
        check_that(d.set.trace->waiting, <=, 60000);
    }
    link_dir_deliver(&d, now + 60 * LINK_NS_PER_SEC);
    check_that(d.count.overflow, >, 100);
    assert_int_equal(d.count.out_packets + d.count.overflow, 50000);
    assert_int_equal(d.count.out_bytes + refused, offered);
    assert_int_equal(pool.free_count, pool.slots);
    close(d.out_fd);
    link_dir_dispose(&d);
    link_pool_dispose(&pool);
}

CHECK_GROUP(link_trace)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_opportunity_is_used_once_and_they_begin_anew),
        cmocka_unit_test(a_packet_spans_opportunities_and_packets_share_one),
        cmocka_unit_test(what_nobody_waited_for_is_gone),
        cmocka_unit_test(the_queue_is_counted_in_bytes_and_drops_at_its_tail),
        cmocka_unit_test(a_new_beginning_keeps_what_waits),
        cmocka_unit_test(capacity_counts_opportunities),
        cmocka_unit_test(drawn_traces_behave_as_computed),
        cmocka_unit_test(files_are_read_or_refused_in_words),
        cmocka_unit_test(a_bad_setting_changes_nothing),
        cmocka_unit_test(the_model_wanders_within_its_limits),
        cmocka_unit_test(a_direction_conserves_what_it_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
