/* SPDX-License-Identifier: MIT */
/* How streams begin: destinations as bytes, and between two sessions. */
#include "base/err.h"
#include "proto/session/destination.h"
#include "proto/session/internal.h"
#include "sim/world.h"

#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "sim/connected.h"

#define SEC SKT_US_PER_SEC
#define MS  SKT_US_PER_MS

static const struct skt_addr v4 = {.family = 4, .ip = {203, 0, 113, 7}, .port = 443},
                             v6 = {.family = 6, .ip = {0x20, 1, 0xd, 0xb8, [15] = 9}, .port = 65535};

static void destinations_go_in_and_out(void **state)
{
    (void)state;
    uint8_t buf[SKT_DESTINATION_MAX + 1] = {0};
    struct skt_addr to;
    assert_int_equal(skt_destination_write(buf, &v4), 7);
    assert_memory_equal(buf, ((uint8_t[]){4, 0xbb, 1, 203, 0, 113, 7}), 7);
    assert_int_equal(skt_destination_read(&to, buf, sizeof buf), 7);
    assert_true(skt_addr_equal(&to, &v4));
    assert_int_equal(skt_destination_write(buf, &v6), SKT_DESTINATION_MAX);
    assert_int_equal(skt_destination_read(&to, buf, SKT_DESTINATION_MAX), SKT_DESTINATION_MAX);
    assert_true(skt_addr_equal(&to, &v6));
    for (size_t len = 0; len < SKT_DESTINATION_MAX; len++)
        assert_int_equal(skt_destination_read(&to, buf, len), 0);
    assert_int_equal(skt_destination_write(buf, &(struct skt_addr){.family = 4}), 0);
    assert_int_equal(skt_destination_write(buf, &(struct skt_addr){.port = 80}), 0);
    for (unsigned family = 0; family < 256; family++) {
        buf[0] = (uint8_t)family;
        assert_int_equal(skt_destination_read(&to, buf, sizeof buf) > 0, family == 4 || family == 6);
    }
    memcpy(buf, "\4\0\0\1\1\1\1", 7); /* port 0 */
    assert_int_equal(skt_destination_read(&to, buf, 7), 0);
}

/* Two ends that take addresses, or do not. */
static struct sim_world *connected(uint32_t client, uint32_t server)
{
    struct sim_world_config c = sim_link_of(10 * MS, 0, 3);
    struct sim_world *w = sim_world_new(&c);
    w->client.ctx.features |= client;
    w->server.ctx.features |= server;
    sim_world_connect(w, true);
    assert_true(sim_world_run(w, w->now + 5 * SEC, sim_is_up));
    return w;
}

static bool server_has_stream(const struct sim_world *w)
{
    return w->server.app_count > 0;
}

static void addresses_arrive(void **state)
{
    (void)state;
    static const char *const names[] = {"", "internet"};
    for (int i = 0; i < 4; i++) {
        struct sim_world *w = connected(SKT_FEATURE_ADDRESSES, SKT_FEATURE_ADDRESSES);
        const struct skt_addr *to = i & 1 ? &v6 : &v4;
        struct skt_stream *st;
        struct skt_addr got;
        assert_int_equal(skt_session_open_stream_to(w->client.session, w->now, to, names[i / 2], &st),
                         SKT_OK);
        assert_false(skt_stream_destination(st, &got)); /* it is the opener's who knows */
        assert_true(sim_world_run(w, w->now + 5 * SEC, server_has_stream));
        st = w->server.apps[0].st;
        assert_int_equal(st->kind, SKT_STREAM_TCP_TO);
        assert_string_equal(st->name, names[i / 2]);
        assert_true(skt_stream_destination(st, &got));
        assert_true(skt_addr_equal(&got, to));
        sim_world_free(w);
    }
}

static void names_have_no_address(void **state)
{
    (void)state;
    struct sim_world *w = connected(SKT_FEATURE_ADDRESSES, SKT_FEATURE_ADDRESSES);
    struct skt_addr got;
    assert_int_equal(sim_world_open(w, "name", 10), 0);
    assert_true(sim_world_run(w, w->now + 5 * SEC, server_has_stream));
    assert_string_equal(w->server.apps[0].st->name, "name");
    assert_false(skt_stream_destination(w->server.apps[0].st, &got));
    sim_world_free(w);
}

static void only_where_both_take_them(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct sim_world *w = connected(i & 1 ? SKT_FEATURE_ADDRESSES : 0, i & 2 ? SKT_FEATURE_ADDRESSES : 0);
        struct skt_stream *st;
        assert_int_equal(skt_session_open_stream_to(w->client.session, w->now, &v4, "", &st),
                         SKT_ERR_NOTFOUND);
        assert_int_equal(skt_session_stream_count(w->client.session), 0);
        sim_world_free(w);
    }
}

static void what_is_no_destination_is_not_sent(void **state)
{
    (void)state;
    struct sim_world *w = connected(SKT_FEATURE_ADDRESSES, SKT_FEATURE_ADDRESSES);
    struct skt_stream *st;
    char name[256];
    memset(name, 'n', sizeof name);
    name[255 - 7] = '\0'; /* just fits beside an address of IPv4 */
    assert_int_equal(skt_session_open_stream_to(w->client.session, w->now, &v4, name, &st), SKT_OK);
    assert_int_equal(skt_session_open_stream_to(w->client.session, w->now, &v6, name, &st), SKT_ERR_ARG);
    assert_int_equal(
        skt_session_open_stream_to(w->client.session, w->now, &(struct skt_addr){.family = 4}, "", &st),
        SKT_ERR_ARG);
    assert_true(sim_world_run(w, w->now + 5 * SEC, server_has_stream));
    assert_int_equal(w->server.apps[0].st->name_len, 248);
    assert_string_equal(w->server.apps[0].st->name, name);
    sim_world_free(w);
}

/* What the server does with headers that no client of ours would write. */
static void hostile_headers_are_reset(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[12];
        uint8_t len;
        uint32_t server;
        int reason;
    } cases[] = {
        {{2, 7, 4, 80, 0, 1, 1, 1, 1}, 9, 0, SKT_RESET_TARGET},                    /* not in force */
        {{2, 0}, 2, SKT_FEATURE_ADDRESSES, SKT_RESET_ABORT},                       /* nothing in it */
        {{2, 6, 4, 80, 0, 1, 1, 1}, 8, SKT_FEATURE_ADDRESSES, SKT_RESET_ABORT},    /* too short */
        {{2, 7, 4, 0, 0, 1, 1, 1, 1}, 9, SKT_FEATURE_ADDRESSES, SKT_RESET_ABORT},  /* port 0 */
        {{2, 7, 5, 80, 0, 1, 1, 1, 1}, 9, SKT_FEATURE_ADDRESSES, SKT_RESET_ABORT}, /* no such family */
        {{2, 8, 6, 80, 0, 1, 1, 1, 1, 1}, 10, SKT_FEATURE_ADDRESSES, SKT_RESET_ABORT},
        {{3, 1, 'x'}, 3, SKT_FEATURE_ADDRESSES, SKT_RESET_ABORT}, /* a later version's kind */
        {{0, 1, 'x'}, 3, SKT_FEATURE_ADDRESSES, SKT_RESET_ABORT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sim_world *w = connected(SKT_FEATURE_ADDRESSES, cases[i].server);
        struct skt_session *s = w->client.session;
        struct sim_app *app = &w->client.apps[0];
        struct skt_stream *st;
        assert_int_equal(skt_stream_new(s, w->now, s->streams.next_conv, false, &st), SKT_OK);
        assert_int_equal(skt_kcp_write(&st->kcp, cases[i].bytes, cases[i].len), SKT_OK);
        app->st = st;
        st->user = app;
        app->open = true;
        w->client.app_count = 1;
        sim_world_run(w, w->now + SEC, NULL);
        assert_true(app->reset);
        assert_int_equal(app->reset_reason, cases[i].reason);
        assert_int_equal(w->server.app_count, 0);
        assert_int_equal(skt_session_stream_count(sim_world_session(w)), 0);
        sim_world_free(w);
    }
}

CHECK_GROUP(stream_header)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(destinations_go_in_and_out),
        cmocka_unit_test(addresses_arrive),
        cmocka_unit_test(names_have_no_address),
        cmocka_unit_test(only_where_both_take_them),
        cmocka_unit_test(what_is_no_destination_is_not_sent),
        cmocka_unit_test(hostile_headers_are_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
