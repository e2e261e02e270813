/* SPDX-License-Identifier: MIT */
/* Lines that others can cause, in virtual time: what is said, how often, and that all of it is bounded. */
#include "base/check.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static skt_us now;
static char path[] = "skt-test-log-limit-XXXXXX";
static char text[1 << 20];
static unsigned wakes;

static skt_us virtual_clock(void)
{
    return now;
}

static void on_wake(void *user)
{
    (void)user;
    wakes++;
}

/* Reads what was logged since the last call; the number of lines. */
static unsigned lines(void)
{
    FILE *f = fopen(path, "r+");
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof text - 1, f);
    assert_int_equal(ftruncate(fileno(f), 0), 0);
    fclose(f);
    text[n] = 0;
    unsigned count = 0;
    for (const char *c = text; *c; c++)
        count += *c == '\n';
    return count;
}

static int setup(void **state)
{
    (void)state;
    now = 1000 * SKT_US_PER_SEC;
    wakes = 0;
    skt_log_set_clock(virtual_clock);
    skt_log_set_waker(on_wake, NULL);
    (void)lines();
    return 0;
}

static int setup_all(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    close(fd);
    return skt_log_open(path);
}

static int teardown_all(void **state)
{
    (void)state;
    skt_log_set_clock(NULL);
    skt_log_set_waker(NULL, NULL);
    unlink(path);
    return skt_log_open(NULL);
}

/* The timer that cmd_run keeps. */
static void advance(skt_us us)
{
    skt_us end = now + us, at;
    while ((at = skt_log_expiry()) <= end) {
        now = at > now ? at : now;
        skt_log_expire(now);
    }
    now = end;
}

static void trouble(uint64_t key, unsigned nr)
{
    skt_warn_rarely(key, "trouble %u", nr);
}

static void said_at_once_then_counted(void **state)
{
    (void)state;
    trouble(0, 1);
    assert_int_equal(lines(), 1);
    assert_non_null(strstr(text, " warn  trouble 1\n"));
    for (unsigned i = 2; i <= 413; i++)
        trouble(0, i);
    assert_int_equal(lines(), 0);
    advance(10 * SKT_US_PER_SEC);
    assert_int_equal(lines(), 1);
    assert_non_null(strstr(text, "trouble 2 (412 times more in 10 s)\n"));
    advance(3600 * SKT_US_PER_SEC);
    assert_int_equal(lines(), 0);
    check_that(skt_log_expiry(), ==, SKT_NEVER);
    trouble(0, 9);
    assert_int_equal(lines(), 1);
    assert_non_null(strstr(text, "trouble 9\n"));
}

/* A name that is not found every 2 s made 43,000 lines a day. */
static void what_lasts_is_repeated_rarely(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 43200; i++) {
        trouble(7, i);
        advance(2 * SKT_US_PER_SEC);
    }
    unsigned n = lines();
    assert_in_range(n, 45, 60);
}

static void each_peer_is_heard_of(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 1000; i++)
        trouble(1, i);
    trouble(2, 4711);
    assert_int_equal(lines(), 2);
    assert_non_null(strstr(text, "trouble 4711\n"));
}

static void news_come_singly_unless_there_are_many(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 10; i++)
        skt_info_news(3, "session %u", i);
    assert_int_equal(lines(), 6);
    advance(60 * SKT_US_PER_SEC);
    assert_int_equal(lines(), 1);
    assert_non_null(strstr(text, "session 6 (4 times more in "));
    for (unsigned i = 0; i < 100; i++) { /* one each quarter of an hour */
        advance(900 * SKT_US_PER_SEC);
        skt_info_news(3, "session %u", i);
    }
    assert_int_equal(lines(), 100);
}

/* Ten kinds of trouble from ten thousand peers, 5,000 a second, for ten minutes. */
static void nothing_makes_more_than_a_line_a_second(void **state)
{
    (void)state;
    uint64_t seed = 5;
    unsigned total = 0, most = 0;
    for (unsigned second = 0; second < 600; second++) {
        for (unsigned i = 0; i < 5000; i++) {
            uint64_t key = check_random(&seed) % 10000 + 1;
            switch (check_random(&seed) % 4) {
            case 0:
                skt_warn_rarely(key, "a %u", i);
                break;
            case 1:
                skt_info_news(key, "b %u", i);
                break;
            case 2:
                skt_error_rarely(key, "c %u", i);
                break;
            default:
                skt_info_rarely(key, "d %u", i);
                break;
            }
            advance(200);
        }
        unsigned n = lines();
        total += n;
        most = second > 0 && n > most ? n : most;
    }
    assert_in_range(total, 20, 620);
    check_that(most, <=, 2);
    trouble(42, 1); /* and whoever comes with something else is heard within a moment */
    advance(2 * SKT_US_PER_SEC);
    (void)lines();
    assert_non_null(strstr(text, "trouble 1\n"));
}

/* Packets that come on for a moment after a session has ended are no news; a client with another password is.
 */
static void what_passes_is_not_said(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 40; i++) { /* for 4 s */
        skt_info_steady(1, "passing");
        advance(100 * SKT_US_PER_MS);
    }
    advance(60 * SKT_US_PER_SEC);
    skt_info_steady(1, "once more");
    advance(60 * SKT_US_PER_SEC);
    assert_int_equal(lines(), 0);
    for (unsigned i = 0; i < 70; i++) {
        skt_info_steady(1, "lasting");
        advance(100 * SKT_US_PER_MS);
    }
    assert_int_equal(lines(), 1);
    assert_non_null(strstr(text, "lasting (60 times)\n"));
}

/* A script's own words are its own affair, but not 33,000 lines in 7 s. */
static void scripts_may_say_more(void **state)
{
    (void)state;
    static const struct skt_log_site site = {SKT_LOG_SCRIPT};
    for (unsigned i = 0; i < 33000; i++) {
        (void)skt_log_limited(&site, SKT_LOG_ERROR, 1, "would block");
        advance(212);
    }
    assert_in_range(lines(), 50, 58);
    for (unsigned i = 0; i < 20; i++) { /* and it takes no other's turn */
        skt_warn_rarely(i / 2 + 1, "trouble");
        skt_warn_rarely(i / 2 + 1, "other");
    }
    assert_int_equal(lines(), 20);
}

static void the_rest_waits_for_its_turn(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 16; i++)
        trouble(i + 1, i);
    for (unsigned i = 0; i < 16; i++)
        skt_warn_rarely(i + 1, "other %u", i);
    assert_int_equal(lines(), 20);
    check_that(wakes, >, 0);
    advance(13 * SKT_US_PER_SEC);
    assert_int_equal(lines(), 12);
    assert_non_null(strstr(text, "other 15\n"));
}

static void the_end_says_what_is_counted(void **state)
{
    (void)state;
    trouble(1, 1);
    trouble(1, 2);
    trouble(1, 3);
    skt_log_finish();
    assert_int_equal(lines(), 2);
    assert_non_null(strstr(text, "trouble 2 (2 times more in 0 s)\n"));
}

static unsigned evaluated;

static unsigned evaluate(void)
{
    return ++evaluated;
}

static void debug_costs_nothing_when_off_and_is_bounded_when_on(void **state)
{
    (void)state;
    skt_debug("%u", evaluate());
    assert_int_equal(evaluated, 0);
    skt_log_set_level(SKT_LOG_DEBUG);
    for (unsigned i = 0; i < 35000; i++)
        skt_debug("%u", evaluate());
    assert_int_equal(lines(), 500);
    assert_int_equal(evaluated, 500); /* what is left out costs no formatting */
    now += 10 * SKT_US_PER_SEC;
    skt_debug("last");
    assert_int_equal(lines(), 2);
    assert_non_null(strstr(text, "34500 debug lines are left out"));
    skt_log_set_level(SKT_LOG_INFO);
}

/* Datagrams of strangers, and a client's story between them. */
static void a_flood_of_debug_lines_hides_no_other(void **state)
{
    (void)state;
    skt_log_set_level(SKT_LOG_DEBUG);
    for (unsigned round = 0; round < 60; round++) {
        for (unsigned i = 0; i < 5000; i++)
            skt_debug("flood %u", i);
        skt_debug_of(7, "story %u", round);
        now += SKT_US_PER_SEC;
    }
    unsigned n = lines();
    check_that(n, <=, 500 + 6 * 250 + 60 + 6);
    for (unsigned round = 0; round < 60; round++) {
        char line[32];
        snprintf(line, sizeof line, "story %u\n", round);
        assert_non_null(strstr(text, line));
    }
    skt_log_set_level(SKT_LOG_INFO);
}

/* Every one of hundreds of sources floods; the one that says little is heard, as long as it has a place. */
static void many_floods_are_bounded(void **state)
{
    (void)state;
    skt_log_set_level(SKT_LOG_DEBUG);
    for (unsigned i = 0; i < 8; i++)
        skt_debug_of(1, "quiet %u", i);
    assert_int_equal(lines(), 8);
    for (unsigned i = 0; i < 200000; i++)
        skt_debug_of(2 + i % 500, "flood %u", i);
    unsigned n = lines();
    check_that(n, <=, 1000 + 32 * 8);
    now += 10 * SKT_US_PER_SEC;
    for (unsigned i = 0; i < 4; i++)
        skt_debug_of(1, "quiet %u", i);
    assert_int_equal(lines(), 4 + 1);
    for (unsigned i = 0; i < 200000; i++)
        skt_debug_of(2 + i % 500, "flood %u", i);
    n = lines();
    check_that(n, <=, 500 + 32 * 8);
    skt_log_finish();
    assert_int_equal(lines(), 1);
    skt_log_set_level(SKT_LOG_INFO);
}

static void keys_tell_things_apart(void **state)
{
    (void)state;
    check_that(skt_log_key("a", 1, 0), !=, skt_log_key("b", 1, 0));
    check_that(skt_log_key("a", 1, 0), !=, skt_log_key("a", 1, 1));
    check_that(skt_log_key("a", 1, 5), ==, skt_log_key("a", 1, 5));
    check_that(skt_log_key("", 0, 0), !=, 0);
}

CHECK_GROUP(log_limit)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(said_at_once_then_counted, setup),
        cmocka_unit_test_setup(what_lasts_is_repeated_rarely, setup),
        cmocka_unit_test_setup(each_peer_is_heard_of, setup),
        cmocka_unit_test_setup(news_come_singly_unless_there_are_many, setup),
        cmocka_unit_test_setup(nothing_makes_more_than_a_line_a_second, setup),
        cmocka_unit_test_setup(what_passes_is_not_said, setup),
        cmocka_unit_test_setup(scripts_may_say_more, setup),
        cmocka_unit_test_setup(the_rest_waits_for_its_turn, setup),
        cmocka_unit_test_setup(the_end_says_what_is_counted, setup),
        cmocka_unit_test_setup(debug_costs_nothing_when_off_and_is_bounded_when_on, setup),
        cmocka_unit_test_setup(a_flood_of_debug_lines_hides_no_other, setup),
        cmocka_unit_test_setup(many_floods_are_bounded, setup),
        cmocka_unit_test(keys_tell_things_apart),
    };
    return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
