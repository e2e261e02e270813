/* SPDX-License-Identifier: MIT */
/* What a peer can make a session hold and do, and that other sessions don't feel it. The peer is played by
 * the test, segment by segment; beside it a client and a server carry what is measured. */
#include "base/bytes.h"
#include "base/err.h"
#include "proto/kcp/internal.h"
#include "proto/kcp/turns.h"
#include "proto/session/internal.h"
#include "sim/instrumented.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "sim/connected.h"

#if defined(__GLIBC__) && !SIM_INSTRUMENTED
#include <malloc.h>
#endif

#define SEC SKT_US_PER_SEC
#define MS  SKT_US_PER_MS
#define MEG ((size_t)1024 * 1024)

enum { BUDGET_MEG = 48, OTHERS = 3 };

/* Bytes that malloc has handed out; 0: unknown here. */
static size_t heap_bytes(void)
{
#if defined(__GLIBC__) && !SIM_INSTRUMENTED
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
#else
    return 0;
#endif
}

static struct sim_world *world_of(size_t max_memory)
{
    struct sim_world_config c = sim_link_of(20 * MS, 0, 7);
    c.up.rate = c.down.rate = 12500000;
    c.up.buffer = c.down.buffer = 250000;
    c.max_memory = max_memory;
    return sim_connected(&c);
}

/* A session of the server's whose peer is the test. */
static struct skt_session *attacked(struct sim_world *w)
{
    struct skt_session *s;
    assert_int_equal(skt_session_new(&s, &w->server.ctx, false, w->now), SKT_OK);
    s->state = SKT_SESSION_UP;
    skt_session_set_features(s, SKT_FEATURE_ACK_RANGES | SKT_FEATURE_PARITY);
    return s;
}

static void push(struct sim_world *w, struct skt_session *s, uint32_t conv, uint32_t sn, uint8_t frg,
                 const void *data, size_t len)
{
    uint8_t buf[SKT_KCP_HEADER_LEN + 1400];
    struct skt_kcp_header h = {.conv = conv,
                               .cmd = SKT_KCP_CMD_PUSH,
                               .frg = frg,
                               .wnd = 65535,
                               .ts = sn,
                               .sn = sn,
                               .len = (uint32_t)len};
    skt_kcp_put_header(buf, &h);
    memcpy(buf + SKT_KCP_HEADER_LEN, data, len);
    (void)skt_streams_receive(s, w->now, buf, SKT_KCP_HEADER_LEN + len);
    skt_streams_absorb(s, 0);
}

static const uint8_t header_alone[2] = {SKT_STREAM_TCP, 0};

static uint32_t conv_of(uint32_t n)
{
    return SKT_CONV_FIRST + 2 * n;
}

/* Bytes a second of the client's stream in the slower direction. */
static uint64_t rate_of(struct sim_world *w)
{
    uint64_t down = w->client.apps[0].received, up = w->server.apps[0].received;
    sim_world_run(w, w->now + 2 * SEC, NULL);
    down = w->client.apps[0].received - down;
    up = w->server.apps[0].received - up;
    return (down < up ? down : up) / 2;
}

/* Both ways at once. */
static void begin_transfer(struct sim_world *w)
{
    w->server.reply_len = UINT64_C(1) << 40;
    assert_true(sim_world_open(w, "", UINT64_C(1) << 40) == 0);
    sim_world_run(w, w->now + 4 * SEC, NULL);
}

/* --- what a session holds --- */

static size_t share(size_t budget)
{
    return budget / 8 * 7 / 3;
}

static void holes(struct sim_world *w, struct skt_session *s)
{
    static const uint32_t far[] = {127, 511, 2047, 8191};
    for (uint32_t i = 0; i < 7000; i++)
        for (size_t j = 0; j < 4; j++)
            push(w, s, conv_of(i), far[j], 0, "x", 1);
}

static void half_headers(struct sim_world *w, struct skt_session *s)
{
    for (uint32_t i = 0; i < 45000; i++)
        push(w, s, conv_of(i), 0, 0, header_alone, 1);
}

/* Targets that do not read. */
static void unread(struct sim_world *w, struct skt_session *s)
{
    static const uint8_t data[1400];
    for (uint32_t i = 0; i < 400; i++) {
        push(w, s, conv_of(i), 0, 0, header_alone, 2);
        for (uint32_t sn = 1; sn < 128; sn++)
            push(w, s, conv_of(i), sn, 0, data, sizeof data);
    }
}

/* Out of order, the first segment missing. */
static void out_of_order(struct sim_world *w, struct skt_session *s)
{
    static const uint8_t data[1400];
    for (uint32_t sn = 1; sn < 8192; sn++)
        for (uint32_t i = 0; i < 16; i++)
            push(w, s, conv_of(i), sn, 0, data, sizeof data);
}

/* A peer that takes nothing of what targets send. */
static void unacknowledged(struct sim_world *w, struct skt_session *s)
{
    static uint8_t data[100000];
    for (uint32_t i = 0; i < 4000; i++) {
        push(w, s, conv_of(i), 0, 0, header_alone, 2);
        struct skt_stream *st = (struct skt_stream *)skt_idmap_get(&s->streams.map, conv_of(i));
        while (st && skt_kcp_write(&st->kcp, data, 10000) == SKT_OK)
            continue;
    }
}

/* Messages that never end, and one that nobody reads. */
static void messages(struct sim_world *w, struct skt_session *s)
{
    static const uint8_t data[1400];
    for (uint32_t sn = 0; sn < 400; sn++)
        push(w, s, SKT_CONV_MESSAGE, sn, (uint8_t)(199 - sn % 200), data, sizeof data);
    for (uint32_t sn = 0; sn < 400; sn++)
        push(w, s, SKT_CONV_CONTROL, sn, 255, data, sizeof data);
}

static void flows_with_holes(struct sim_world *w, struct skt_session *s)
{
    static const uint8_t data[1400];
    w->server.ctx.mode = SKT_MODE_TUN;
    for (uint32_t i = 0; i < SKT_FLOWS_MAX; i++)
        for (uint32_t sn = 1; sn < 50; sn++)
            push(w, s, SKT_CONV_FLOW_FIRST + i, sn, 0, data, sizeof data);
    w->server.ctx.mode = SKT_MODE_PROXY;
}

static void half_built_packets(struct sim_world *w, struct skt_session *s)
{
    static const uint8_t data[1400];
    w->server.ctx.mode = SKT_MODE_TUN;
    for (uint32_t i = 0; i < SKT_FLOWS_MAX; i++)
        for (uint32_t sn = 0; sn < 46; sn++)
            push(w, s, SKT_CONV_FLOW_FIRST + i, sn, (uint8_t)(46 - sn), data, sizeof data);
    w->server.ctx.mode = SKT_MODE_PROXY;
}

static void refused_streams(struct sim_world *w, struct skt_session *s)
{
    for (uint32_t i = 0; i < 400000; i++)
        push(w, s, conv_of(i), 0, 0, header_alone, 2);
}

static const struct deed {
    const char *name;
    void (*doing)(struct sim_world *w, struct skt_session *s);
} deeds[] = {
    {"holes at 127, 511, 2047 and 8191", holes},
    {"half headers", half_headers},
    {"unread data", unread},
    {"data out of order", out_of_order},
    {"unacknowledged data", unacknowledged},
    {"messages", messages},
    {"flows with holes", flows_with_holes},
    {"half-built packets", half_built_packets},
    {"400,000 streams", refused_streams},
};

enum { DEEDS = sizeof deeds / sizeof deeds[0] };

/* All that is held is charged, the charge is within the share, and all is gone with the session. */
static void test_what_a_session_holds(void **state)
{
    (void)state;
    for (size_t i = 0; i < DEEDS; i++) {
        struct sim_world *w = world_of(BUDGET_MEG * MEG);
        size_t before = heap_bytes(), used = w->server.pool.used;
        struct skt_session *s = attacked(w);
        deeds[i].doing(w, s);
        size_t heap = heap_bytes() - before, held = w->server.pool.used - used;
        print_message("%s: %zu kB charged, %zu kB of heap, %u streams\n", deeds[i].name, held / 1000,
                      heap / 1000, skt_session_stream_count(s));
        check_that(heap, <=, held + held / 8 + 300000);
        /* One segment of each stream, and one half-built message, may go beyond the share. */
        check_that(held, <=, share(BUDGET_MEG * MEG) + 4096 * (SKT_KCP_BLOCK_LEN + 128));
        check_that(skt_session_stream_count(s), <=, 4096);
        skt_session_free(s);
        assert_int_equal(w->server.pool.used, used);
        sim_world_free(w);
    }
}

/* --- and what others have --- */

/* A transfer beside each of them keeps 80 % of its rate, whether it began before or begins after. */
static void test_others_go_on(void **state)
{
    (void)state;
    struct sim_world *w = world_of(BUDGET_MEG * MEG);
    begin_transfer(w);
    uint64_t alone = rate_of(w);
    print_message("alone: %.1f MB/s\n", (double)alone * 1e-6);
    check_that(alone, >, 10000000);
    for (size_t i = 0; i < DEEDS; i++) {
        struct skt_session *s = attacked(w);
        deeds[i].doing(w, s);
        uint64_t rate = rate_of(w);
        print_message("beside %s: %.1f MB/s\n", deeds[i].name, (double)rate * 1e-6);
        check_that(rate, >, alone * 8 / 10);
        skt_session_free(s);
    }
    sim_world_free(w);

    for (size_t i = 0; i < DEEDS; i++) {
        struct skt_session *s[OTHERS];
        w = world_of(BUDGET_MEG * MEG);
        for (int j = 0; j < OTHERS; j++) {
            s[j] = attacked(w);
            deeds[i].doing(w, s[j]);
        }
        begin_transfer(w);
        uint64_t rate = rate_of(w);
        print_message("begun after three with %s: %.1f MB/s\n", deeds[i].name, (double)rate * 1e-6);
        check_that(rate, >, alone * 8 / 10);
        for (int j = 0; j < OTHERS; j++)
            skt_session_free(s[j]);
        sim_world_free(w);
    }
}

/* --- streams_max --- */

static void test_streams_max(void **state)
{
    (void)state;
    struct sim_world_config c = sim_link_of(20 * MS, 100, 9);
    struct sim_world *w = sim_connected(&c);
    w->server.ctx.tuning.streams_max = 10;
    for (int i = 0; i < 300; i++)
        w->client.apps[sim_world_open(w, "", 100)].open = true;
    sim_world_run(w, w->now + 5 * SEC, NULL);
    int reset = 0;
    for (int i = 0; i < 300; i++) {
        reset += w->client.apps[i].reset;
        if (w->client.apps[i].reset)
            assert_int_equal(w->client.apps[i].reset_reason, SKT_RESET_LIMIT);
    }
    assert_int_equal(reset, 290);
    assert_int_equal(skt_session_stream_count(sim_world_session(w)), 10);
    /* Where one has ended another one may come. */
    for (int i = 0; i < 300; i++) {
        struct sim_app *app = &w->client.apps[i];
        if (!app->reset) {
            skt_session_reset_stream(w->client.session, app->st, SKT_RESET_ABORT);
            app->st = NULL;
            break;
        }
    }
    sim_world_run(w, w->now + 1 * SEC, NULL);
    int last = sim_world_open(w, "", 100);
    w->client.apps[last].open = true;
    sim_world_run(w, w->now + 2 * SEC, NULL);
    assert_false(w->client.apps[last].reset);
    sim_world_free(w);
}

/* Repeating what was refused costs no more than an acknowledgement. */
static void test_refused_once(void **state)
{
    (void)state;
    struct sim_world *w = world_of(BUDGET_MEG * MEG);
    struct skt_session *s = attacked(w);
    w->server.ctx.tuning.streams_max = 1;
    for (uint32_t i = 0; i < 100; i++)
        push(w, s, conv_of(i), 0, 0, header_alone, 2);
    size_t used = w->server.pool.used;
    uint32_t queued = s->control.snd.end;
    for (uint32_t round = 0; round < 1000; round++)
        for (uint32_t i = 1; i < 100; i++)
            push(w, s, conv_of(i), 0, 0, header_alone, 2);
    assert_int_equal(w->server.pool.used, used);
    assert_int_equal(s->control.snd.end, queued);
    skt_session_free(s);
    sim_world_free(w);
}

/* Thousands of resets at once all reach the peer. */
static void test_no_reset_is_lost(void **state)
{
    (void)state;
    enum { STREAMS = 4000 };
    struct sim_world_config c = sim_link_of(20 * MS, 100, 10);
    struct sim_world *w = sim_connected(&c);
    w->server.reset_with = SKT_RESET_REFUSED;
    for (int i = 0; i < STREAMS; i++)
        assert_int_equal(sim_world_open(w, "", 10), i);
    sim_world_run(w, w->now + 20 * SEC, NULL);
    for (int i = 0; i < STREAMS; i++) {
        assert_true(w->client.apps[i].reset);
        assert_int_equal(w->client.apps[i].reset_reason, SKT_RESET_REFUSED);
    }
    sim_world_free(w);
}

/* --- headers --- */

static void test_a_header_has_ten_seconds(void **state)
{
    (void)state;
    struct sim_world_config c = sim_link_of(20 * MS, 0, 11);
    struct sim_world *w = sim_connected(&c);
    struct sim_app *app = &w->client.apps[w->client.app_count++];
    assert_int_equal(skt_stream_new(w->client.session, w->now, SKT_CONV_FIRST, false, &app->st), SKT_OK);
    w->client.session->streams.next_conv += 2;
    app->st->user = app;
    app->open = true;
    app->sent = 1;
    assert_int_equal(skt_kcp_write(&app->st->kcp, header_alone, 1), SKT_OK);
    sim_world_run(w, w->now + 9900 * MS, NULL);
    assert_int_equal(skt_session_stream_count(sim_world_session(w)), 1);
    assert_false(app->reset);
    sim_world_run(w, w->now + 300 * MS, NULL);
    assert_int_equal(skt_session_stream_count(sim_world_session(w)), 0);
    assert_true(app->reset);
    assert_int_equal(app->reset_reason, SKT_RESET_TIMEOUT);
    sim_world_free(w);
}

/* They go in portions, so that no call takes long. */
static void test_headers_expire_in_portions(void **state)
{
    (void)state;
    struct sim_world *w = world_of(BUDGET_MEG * MEG);
    struct skt_session *s = attacked(w);
    half_headers(w, s);
    w->now += 10 * SEC;
    unsigned calls = 0;
    for (uint32_t before; (before = skt_session_stream_count(s)) > 0; calls++) {
        check_that(skt_streams_expiry(s), <=, w->now);
        skt_streams_expire(s, w->now);
        assert_in_range(before - skt_session_stream_count(s), 1, 256);
    }
    check_that(calls, >=, 16);
    check_that(skt_streams_expiry(s), ==, SKT_NEVER);
    skt_session_free(s);
    sim_world_free(w);
}

/* --- the end --- */

/* Each stream's owner is told, one after the other; what nobody owns is told to nobody. */
static void test_the_end_of_many_streams(void **state)
{
    (void)state;
    enum { OPENED = 5000, HALF = 395000 };
    struct sim_world *w = world_of(0);
    struct skt_session *s = attacked(w);
    w->server.ctx.tuning.streams_max = OPENED + HALF;
    for (uint32_t i = 0; i < OPENED + HALF; i++)
        push(w, s, conv_of(i), 0, 0, header_alone, i < OPENED ? 2 : 1);
    unsigned news, told = 0;
    struct skt_stream *st;
    for (int i = 0; i < OPENED; i++) {
        st = skt_session_next_stream(s, &news);
        assert_true(st && news == (SKT_STREAM_OPENED));
    }
    assert_null(skt_session_next_stream(s, &news));
    skt_session_close(s, w->now, SKT_CLOSE_LOCAL);
    while ((st = skt_session_next_stream(s, &news)) != NULL) {
        assert_true(news & SKT_STREAM_RESET);
        assert_true(st->reset);
        if (told++ % 2)
            skt_session_release_stream(s, st); /* or later */
    }
    assert_int_equal(told, OPENED);
    skt_session_free(s);
    sim_world_free(w);
}

/* Thousands of writers that wait for memory are not all told at once, but all are, in turn. */
static void test_starved_writers_in_portions(void **state)
{
    (void)state;
    enum { STREAMS = 2000 };
    static uint8_t data[2800];
    struct sim_world *w = world_of(BUDGET_MEG * MEG);
    struct skt_session *s = attacked(w);
    for (uint32_t i = 0; i < STREAMS; i++)
        push(w, s, conv_of(i), 0, 0, header_alone, 2);
    unsigned news, told = 0;
    while (skt_session_next_stream(s, &news))
        continue;
    size_t taken = skt_account_room(&s->path.account) - MEG;
    assert_true(skt_account_charge(&s->path.account, taken));
    for (uint32_t i = 0; i < STREAMS; i++) {
        struct skt_kcp *k = &((struct skt_stream *)skt_idmap_get(&s->streams.map, conv_of(i)))->kcp;
        while (skt_kcp_write(k, data, sizeof data) == SKT_OK)
            continue;
    }
    skt_account_release(&s->path.account, taken);
    for (unsigned round = 0; told < STREAMS && round < 100; round++) {
        w->now += 20 * MS;
        skt_turns_expire(&s->path, w->now);
        skt_streams_absorb(s, w->now);
        unsigned before = told;
        while (skt_session_next_stream(s, &news))
            told += (news & SKT_KCP_WRITABLE) != 0;
        assert_in_range(told - before, 0, 256);
    }
    print_message("%u writers told of room\n", told);
    assert_int_equal(told, STREAMS);
    skt_session_free(s);
    sim_world_free(w);
}

/* --- what idle ones hold --- */

static void test_idle_ones_are_small(void **state)
{
    (void)state;
    enum { STREAMS = 10000 };
    struct sim_world *w = world_of(0);
    size_t heap = heap_bytes();
    struct skt_session *s = attacked(w);
    size_t base = s->path.account.used;
    w->server.ctx.tuning.streams_max = STREAMS;
    for (uint32_t i = 0; i < STREAMS; i++) {
        push(w, s, conv_of(i), 0, 0, header_alone, 2);
        unsigned news;
        assert_non_null(skt_session_next_stream(s, &news));
    }
    /* Their acknowledgements are sent. */
    uint8_t out[SKT_SEND_BUFFER_MIN];
    size_t len;
    while (skt_turns_send(&s->path, w->now, out, sizeof out, &len) > 0)
        continue;
    size_t each = (s->path.account.used - base) / STREAMS;
    print_message("a session: %zu bytes, an idle stream: %zu, %zu of heap\n", base, each,
                  (heap_bytes() - heap) / STREAMS);
    assert_in_range(base, 4000, 8192);
    assert_in_range(each, 300, 800);
    check_that(heap_bytes() - heap, <=, (size_t)STREAMS * 1024);
    skt_session_free(s);
    sim_world_free(w);
}

CHECK_GROUP(limits)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_session_holds),
        cmocka_unit_test(test_others_go_on),
        cmocka_unit_test(test_streams_max),
        cmocka_unit_test(test_refused_once),
        cmocka_unit_test(test_no_reset_is_lost),
        cmocka_unit_test(test_a_header_has_ten_seconds),
        cmocka_unit_test(test_headers_expire_in_portions),
        cmocka_unit_test(test_the_end_of_many_streams),
        cmocka_unit_test(test_starved_writers_in_portions),
        cmocka_unit_test(test_idle_ones_are_small),
    };
    return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
