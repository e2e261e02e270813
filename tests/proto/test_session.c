/* SPDX-License-Identifier: MIT */
/* Sessions over simulated links: handshakes, streams, silence, restarts, moves. */
#include "proto/kcp/internal.h"
#include "proto/session/internal.h"
#include "sim/world.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "sim/connected.h"

#define SEC SKT_US_PER_SEC
#define MS  SKT_US_PER_MS

static void test_connects_in_two_round_trips(void **state)
{
    (void)state;
    struct sim_world_config c = sim_link_of(50 * MS, 0, 1);
    struct sim_world *w = sim_world_new(&c);
    skt_us start = w->now;
    sim_world_connect(w, true);
    assert_true(sim_world_run(w, w->now + 5 * SEC, sim_is_up));
    assert_int_equal(w->now - start, 200 * MS);
    assert_int_equal(w->client.ups, 1);
    assert_int_equal(w->server.accepted, 1);
    assert_int_equal(skt_session_cid(w->client.session), skt_session_cid(sim_world_session(w)));
    assert_in_range(skt_session_cid(w->client.session), 1, SKT_CID_MAX);
    sim_world_free(w);
}

static void test_carries_streams_both_ways(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct sim_world_config c = sim_link_of(20 * MS, 200, seed);
        c.up.jitter = c.down.jitter = 5 * MS;
        c.up.duplicate = c.down.duplicate = 100;
        struct sim_world *w = sim_connected(&c);
        w->server.reply_len = 200000;
        for (int i = 0; i < 5; i++)
            assert_int_equal(sim_world_open(w, "target", 50000), i);
        assert_true(sim_world_run(w, w->now + 60 * SEC, sim_all_done));
        assert_int_equal(w->server.accepted, 1);
        assert_string_equal(skt_reset_words(SKT_RESET_REFUSED), "target refused the connection");
        sim_world_free(w);
    }
}

/* ACK frames are used where both ends take them, and nothing else depends on that. */
static void test_ack_frames_by_agreement(void **state)
{
    (void)state;
    uint64_t up_bytes[4];
    for (int n = 0; n < 4; n++) {
        struct sim_world_config c = sim_link_of(20 * MS, 200, 5);
        c.down.rate = 2500000;
        c.down.buffer = 250000;
        struct sim_world *w = sim_world_new(&c);
        w->client.ctx.features = n & 1 ? SKT_FEATURE_ACK_RANGES : 0;
        w->server.ctx.features = n & 2 ? SKT_FEATURE_ACK_RANGES : 0;
        w->server.reply_len = 1000000;
        sim_world_connect(w, true);
        assert_true(sim_world_run(w, w->now + 30 * SEC, sim_is_up));
        assert_int_equal(skt_session_path(w->client.session)->ack_frames, n == 3);
        assert_int_equal(skt_session_path(sim_world_session(w))->ack_frames, n == 3);
        assert_int_equal(sim_world_open(w, "target", 1000), 0);
        assert_true(sim_world_run(w, w->now + 60 * SEC, sim_all_done));
        up_bytes[n] = w->up_bytes;
        assert_int_equal(w->client.ctx.drops.malformed + w->server.ctx.drops.malformed, 0);
        sim_world_free(w);
    }
    check_that(up_bytes[3] * 7, <, up_bytes[0] * 2); /* handshakes and probes included */
}

/* What conversations learn while the session sends (skt_path_catch_up) is told at once, not with the next
 * packet. */
static void test_news_of_sending_is_due(void **state)
{
    (void)state;
    struct sim_world_config c = {.seed = 3};
    c.up.delay = c.down.delay = 20 * MS;
    struct sim_world *w = sim_world_new(&c);
    sim_world_connect(w, true);
    assert_true(sim_world_run(w, w->now + 30 * SEC, sim_is_up));
    struct skt_session *s = w->client.session;
    sim_world_run(w, w->now + 2 * SEC, NULL);
    check_that(skt_session_expiry(s, w->now), >, w->now);
    skt_kcp_notify(&s->messages.kcp, SKT_KCP_WRITABLE);
    check_that(skt_session_expiry(s, w->now), <=, w->now);
    skt_session_expire(s, w->now);
    assert_true(skt_session_take_events(s) & SKT_EVENT_MESSAGE_ROOM);
    sim_world_free(w);
}

static void test_opening_costs_no_round_trip(void **state)
{
    (void)state;
    struct sim_world_config c = sim_link_of(50 * MS, 0, 3);
    struct sim_world *w = sim_connected(&c);
    sim_world_run(w, w->now + SEC, NULL);
    skt_us start = w->now;
    w->server.reply_len = 100;
    sim_world_open(w, "", 100);
    assert_true(sim_world_run(w, w->now + 5 * SEC, sim_all_done));
    assert_in_range((w->now - start) / MS, 150, 160);
    sim_world_free(w);
}

static void test_reset_reasons_travel(void **state)
{
    (void)state;
    struct sim_world_config c = sim_link_of(20 * MS, 500, 4);
    struct sim_world *w = sim_connected(&c);
    w->server.reset_with = SKT_RESET_REFUSED;
    for (int i = 0; i < 50; i++)
        sim_world_open(w, "nowhere", 5000);
    sim_world_run(w, w->now + 10 * SEC, NULL);
    for (int i = 0; i < 50; i++) {
        assert_true(w->client.apps[i].reset);
        assert_int_equal(w->client.apps[i].reset_reason, SKT_RESET_REFUSED);
    }
    assert_int_equal(skt_session_stream_count(w->client.session), 0);
    assert_int_equal(skt_session_stream_count(sim_world_session(w)), 0);
    sim_world_free(w);
}

static void test_wrong_ticket_is_refused_in_words(void **state)
{
    (void)state;
    struct sim_world_config c = sim_link_of(20 * MS, 0, 5);
    struct sim_world *w = sim_world_new(&c);
    sim_world_connect(w, false);
    sim_world_run(w, w->now + 60 * SEC, NULL);
    check_that(w->client.refusals, >=, 5); /* keeps trying, */
    check_that(w->client.refusals, <=, 7); /* but not often */
    assert_int_equal(w->client.refusal, SKT_ATTACH_TICKET);
    assert_int_equal(w->server.accepted, 0);
    assert_int_equal(w->client.ups, 0);
    check_that(w->server.acceptor.half_count, <=, 4);
    sim_world_free(w);
}

static void test_wrong_password_hears_nothing(void **state)
{
    (void)state;
    struct sim_world_config c = sim_link_of(20 * MS, 0, 6);
    struct sim_world *w = sim_world_new(&c);
    w->client.ctx.identity.psk[0] ^= 1; /* the masks still fit: it gets as far as the AEAD */
    sim_world_connect(w, true);
    sim_world_run(w, w->now + 60 * SEC, NULL);
    assert_int_equal(w->down_bytes, 0);
    assert_in_range(w->client.silents, 2, 3);
    assert_in_range(w->server.ctx.drops.auth, 25, 40); /* every 2 s */
    sim_world_free(w);
}

static void test_mode_mismatch_is_told(void **state)
{
    (void)state;
    struct sim_world_config c = sim_link_of(20 * MS, 0, 7);
    struct sim_world *w = sim_world_new(&c);
    w->server.ctx.mode = SKT_MODE_TUN;
    sim_world_connect(w, true);
    sim_world_run(w, w->now + 5 * SEC, NULL);
    assert_int_equal(w->client.refusals, 1);
    assert_int_equal(w->client.refusal, -SKT_HS_MODE);
    assert_true(w->client.refusal_text[0] != '\0');
    sim_world_free(w);
}

static void test_replayed_message_1_changes_nothing(void **state)
{
    (void)state;
    struct sim_world_config c = sim_link_of(20 * MS, 0, 8);
    struct sim_world *w = sim_connected(&c);
    sim_world_run(w, w->now + SEC, NULL);
    struct skt_addr elsewhere = {.family = 4, .ip = {10, 9, 9, 9}, .port = 9};
    check_that(w->last_initiation_len, >, 0);
    uint64_t down = w->down_bytes;
    assert_int_equal(sim_world_inject(w, &elsewhere, w->last_initiation, w->last_initiation_len), 0);
    assert_int_equal(w->server.acceptor.half_count, 0);
    sim_world_restart_server(w, true);
    assert_int_equal(sim_world_inject(w, &elsewhere, w->last_initiation, w->last_initiation_len), 0);
    sim_world_restart_server(w, false); /* the cache is lost: stamps before the start are refused */
    assert_int_equal(sim_world_inject(w, &elsewhere, w->last_initiation, w->last_initiation_len), 0);
    assert_int_equal(w->server.accepted, 1);
    assert_int_equal(w->down_bytes, down);
    sim_world_free(w);
}

static void test_slow_clock_learns_the_servers(void **state)
{
    (void)state;
    struct sim_world_config c = sim_link_of(20 * MS, 0, 9);
    struct sim_world *w = sim_connected(&c);
    assert_true(w->client.ctx.clock_known);
    assert_true(w->client.ctx.clock_offset_ms >= -200 && w->client.ctx.clock_offset_ms <= 200);
    sim_world_free(w);
}

static void test_rekeys_without_loss_or_stall(void **state)
{
    (void)state;
    for (unsigned loss = 0; loss <= 200; loss += 200) {
        struct sim_world_config c = sim_link_of(30 * MS, loss, 10 + loss);
        c.up.rate = c.down.rate = 100000; /* slow enough to last through some rekeys */
        c.up.buffer = c.down.buffer = 20000;
        struct sim_world *w = sim_connected(&c);
        w->server.reply_len = 100;
        sim_world_open(w, "", 40 * 1000 * 1000);
        assert_true(sim_world_run(w, w->now + 1200 * SEC, sim_all_done));
        assert_int_equal(w->client.continued, 0); /* never suspect, never moved */
        assert_int_equal(w->client.ups, 1);
        if (loss == 0) {
            assert_int_equal(w->server.ctx.drops.auth, 0);
            assert_int_equal(w->client.ctx.drops.auth, 0);
            assert_int_equal(w->client.ctx.drops.unknown, 0);
            assert_int_equal(w->server.ctx.drops.unknown, 0);
        }
        sim_world_free(w);
    }
}

static bool has_sent_message_2(const struct sim_world *w)
{
    return w->server.acceptor.half_count > 0;
}

/* The server has taken new keys over, but its ACCEPT does not arrive: the client gives them up and proves
 * itself with the secret from before. */
static void test_lost_accept_does_not_lose_the_session(void **state)
{
    (void)state;
    struct sim_world_config c = sim_link_of(30 * MS, 0, 40);
    struct sim_world *w = sim_connected(&c);
    w->server.reply_len = 1000 * 1000;
    sim_world_open(w, "", 100);
    sim_world_run(w, w->now + SEC, NULL);
    assert_true(sim_world_run(w, w->now + 200 * SEC, has_sent_message_2));
    w->down.config.outage_at = w->now;
    w->down.config.outage_len = 12 * SEC;
    sim_world_open(w, "", 100);
    assert_true(sim_world_run(w, w->now + 60 * SEC, sim_all_done));
    assert_int_equal(w->client.losts, 0);
    assert_int_equal(w->client.ups, 1);
    assert_int_equal(w->server.accepted, 1);
    sim_world_free(w);
}

static void test_survives_an_outage_of_30_s(void **state)
{
    (void)state;
    struct sim_world_config c = sim_link_of(20 * MS, 100, 11);
    c.up.rate = c.down.rate = 1000 * 1000;
    c.up.buffer = c.down.buffer = 100000;
    struct sim_world *w = sim_connected(&c);
    w->server.reply_len = 2 * 1000 * 1000;
    sim_world_open(w, "", 8 * 1000 * 1000);
    sim_world_run(w, w->now + 2 * SEC, NULL);
    w->up.config.outage_at = w->down.config.outage_at = w->now;
    w->up.config.outage_len = w->down.config.outage_len = 30 * SEC;
    skt_us back = w->now + 30 * SEC;
    sim_world_run(w, back, NULL);
    assert_int_equal(skt_session_state(w->client.session), SKT_SESSION_SUSPECT);
    uint64_t before = w->server.apps[0].received;
    sim_world_run(w, back + 5 * SEC, NULL);
    check_that(w->server.apps[0].received, >, before + 500 * 1000);
    assert_true(sim_world_run(w, back + 30 * SEC, sim_all_done));
    assert_int_equal(w->client.ups, 1);
    assert_int_equal(w->server.accepted, 1);
    sim_world_free(w);
}

static void test_server_restart_resets_old_streams(void **state)
{
    (void)state;
    for (int keep = 0; keep <= 1; keep++) {
        struct sim_world_config c = sim_link_of(20 * MS, 100, 12);
        struct sim_world *w = sim_connected(&c);
        int old = sim_world_open(w, "", 100);
        w->server.apps[0].hold = true;
        w->server.reply_len = UINT64_C(1) << 40; /* never ends by itself */
        sim_world_run(w, w->now + 3 * SEC, NULL);
        uint32_t old_cid = skt_session_cid(w->client.session);
        sim_world_restart_server(w, keep);
        skt_us restarted = w->now;
        w->server.reply_len = 1000;
        int fresh = sim_world_open(w, "", 1000); /* opened before the loss is known: goes to the new server */
        sim_world_run(w, restarted + 5 * SEC, NULL);
        assert_int_equal(w->client.losts, 1);
        assert_int_equal(w->client.ups, 2);
        assert_int_equal(skt_session_old_cid(w->client.session), old_cid);
        assert_int_not_equal(skt_session_cid(w->client.session), old_cid);
        assert_true(w->client.apps[old].reset);
        assert_false(w->client.apps[fresh].reset);
        assert_int_equal(w->client.apps[fresh].received, 1000);
        sim_world_free(w);
    }
}

static void test_session_follows_a_moved_client(void **state)
{
    (void)state;
    struct sim_world_config c = sim_link_of(20 * MS, 100, 13);
    c.up.rate = c.down.rate = 1000 * 1000;
    c.up.buffer = c.down.buffer = 100000;
    struct sim_world *w = sim_connected(&c);
    w->server.reply_len = 5 * 1000 * 1000;
    sim_world_open(w, "", 100);
    sim_world_run(w, w->now + SEC, NULL);
    w->client.addr.port = 2222;
    w->client.addr.ip[3] = 77;
    assert_true(sim_world_run(w, w->now + 30 * SEC, sim_all_done));
    check_that(w->server.continued, >=, 1);
    assert_int_equal(w->client.ups, 1);
    sim_world_free(w);
}

/* A packet of the client's that arrives first by way of somebody else's address: challenged, never followed.
 */
static void test_session_does_not_follow_a_thief(void **state)
{
    (void)state;
    struct sim_world_config c = sim_link_of(20 * MS, 0, 14);
    struct sim_world *w = sim_connected(&c);
    w->server.reply_len = 100 * 1000;
    sim_world_run(w, w->now + SEC, NULL);
    struct skt_addr thief = {.family = 4, .ip = {10, 6, 6, 6}, .port = 666};
    struct skt_session *s = sim_world_session(w);
    uint8_t buf[SKT_SEND_BUFFER_MIN];
    struct skt_send_info info;
    skt_session_expire(w->client.session, w->now);
    sim_world_open(w, "", 10);
    size_t len = skt_session_send(w->client.session, w->now, buf, sizeof buf, &info);
    check_that(len, >, 0);
    sim_world_inject(w, &thief, buf, len);
    assert_in_range(w->stray_bytes, 1, 3 * len); /* the challenge */
    assert_true(skt_addr_equal(skt_session_peer(s), &w->client.addr));
    assert_true(sim_world_run(w, w->now + 10 * SEC, sim_all_done));
    assert_true(skt_addr_equal(skt_session_peer(s), &w->client.addr));
    sim_world_free(w);
}

static void test_silent_session_is_closed(void **state)
{
    (void)state;
    struct sim_world_config c = sim_link_of(20 * MS, 0, 31);
    c.keepalive_s = 10;
    struct sim_world *w = sim_connected(&c);
    sim_world_run(w, w->now + 60 * SEC, NULL);
    assert_false(w->client.closed); /* idle is no reason */
    sim_world_stop_server(w);
    sim_world_run(w, w->now + 15 * SEC, NULL);
    assert_true(w->client.closed);
    assert_int_equal(skt_session_close_reason(w->client.session), SKT_CLOSE_TIMEOUT);
    sim_world_free(w);

    w = sim_connected(&c);
    sim_world_run(w, w->now + SEC, NULL);
    w->up.config.outage_at = w->now;
    w->up.config.outage_len = 100 * SEC;
    sim_world_run(w, w->now + 15 * SEC, NULL);
    assert_int_equal(w->server.closed, 1);
    sim_world_free(w);
}

static void test_loss_is_measured_by_the_receiver(void **state)
{
    (void)state;
    struct sim_world_config c = sim_link_of(20 * MS, 0, 41);
    c.down.loss = 1000;
    struct sim_world *w = sim_connected(&c);
    w->server.reply_len = 5 * 1000 * 1000;
    sim_world_open(w, "", 100);
    assert_true(sim_world_run(w, w->now + 60 * SEC, sim_all_done));
    assert_in_range((unsigned)(skt_session_loss_rx(w->client.session) * 1000), 80, 120);
    assert_in_range((unsigned)(skt_session_loss_rx(sim_world_session(w)) * 1000), 0, 1);
    sim_world_free(w);
}

static void test_rate_and_duplicates_are_limited(void **state)
{
    (void)state;
    struct sim_world_config c = sim_link_of(20 * MS, 500, 42);
    for (int off = 0; off <= 1; off++) {
        struct sim_world *w = sim_world_new(&c);
        w->client.ctx.tuning.redundancy = w->server.ctx.tuning.redundancy =
            off ? SKT_REDUNDANCY_OFF : SKT_REDUNDANCY_AUTO;
        w->server.ctx.tuning.max_rate = 250 * 1000;
        sim_world_connect(w, true); /* the client's session was made before: only the server's is limited */
        assert_true(sim_world_run(w, w->now + 30 * SEC, sim_is_up));
        w->server.reply_len = 2 * 1000 * 1000;
        sim_world_open(w, "", 100);
        skt_us start = w->now;
        assert_true(sim_world_run(w, w->now + 60 * SEC, sim_all_done));
        assert_in_range((w->now - start) / MS, 7500, 12000); /* 2 MB at 250 kB/s */
        w->server.reply_len = 10;
        for (int i = 0; i < 100; i++) {
            sim_world_open(w, "", 10);
            sim_world_run(w, w->now + 100 * MS, NULL);
        }
        uint64_t duplicated = skt_session_path(sim_world_session(w))->stats.duplicated;
        assert_true(off ? duplicated == 0 : duplicated > 50);
        sim_world_free(w);
    }
}

static void test_close_is_told(void **state)
{
    (void)state;
    struct sim_world_config c = sim_link_of(20 * MS, 0, 32);
    struct sim_world *w = sim_connected(&c);
    sim_world_open(w, "", 100);
    sim_world_run(w, w->now + SEC, NULL);
    skt_session_close(w->client.session, w->now, SKT_CLOSE_LOCAL);
    sim_world_run(w, w->now + SEC, NULL);
    assert_int_equal(w->server.closed, 1);
    assert_int_equal(w->server.acceptor.sessions.count, 0);
    assert_true(w->client.closed);
    sim_world_free(w);
}

static void test_idle_session_is_quiet_and_not_uniform(void **state)
{
    (void)state;
    struct sim_world_config c = sim_link_of(20 * MS, 0, 33);
    struct sim_world *w = sim_connected(&c);
    sim_world_run(w, w->now + 10 * SEC, NULL);
    uint64_t turns = w->turns, bytes = w->up_bytes;
    sim_world_run(w, w->now + 100 * SEC, NULL);
    check_that(w->turns - turns, <, 200); /* both ends together */
    check_that(w->up_bytes - bytes, <, 5000);
    size_t different = 0;
    for (unsigned i = w->len_count - 5; i < w->len_count - 1; i++)
        different += w->lens[i % 64] != w->lens[(i + 1) % 64];
    check_that(different, >=, 2);
    sim_world_free(w);
}

static void test_messages_keep_borders(void **state)
{
    (void)state;
    struct sim_world_config c = sim_link_of(20 * MS, 500, 34);
    struct sim_world *w = sim_connected(&c);
    static uint8_t msg[SKT_MESSAGE_MAX];
    for (size_t i = 0; i < sizeof msg; i++)
        msg[i] = (uint8_t)(i * 7);
    static const size_t lens[] = {1, 1500, SKT_MESSAGE_MAX, 3};
    assert_int_equal(skt_session_send_message(w->client.session, msg, 0), -2);
    for (size_t i = 0; i < 4; i++) {
        const uint8_t *got;
        long n = 0;
        assert_int_equal(skt_session_send_message(w->client.session, msg, lens[i]), 0);
        for (int t = 0; t < 200 && (n = skt_session_read_message(sim_world_session(w), &got)) < 0; t++)
            sim_world_run(w, w->now + 100 * MS, NULL);
        assert_int_equal(n, lens[i]);
        assert_memory_equal(got, msg, lens[i]);
    }
    sim_world_free(w);
}

static void test_ten_thousand_streams(void **state)
{
    (void)state;
    struct sim_world_config c = sim_link_of(10 * MS, 200, 35);
    struct sim_world *w = sim_connected(&c);
    w->server.reply_len = 10;
    w->server.ctx.tuning.streams_max = 10000;
    for (int i = 0; i < 10000; i++)
        assert_true(sim_world_open(w, "", 10) >= 0);
    assert_true(sim_world_run(w, w->now + 120 * SEC, sim_all_done));
    assert_int_equal(w->pool.blocks + w->server.pool.blocks, 0);
    sim_world_free(w);
}

static void test_garbage_and_strangers_change_nothing(void **state)
{
    (void)state;
    struct sim_world_config c = sim_link_of(10 * MS, 0, 36);
    struct sim_world *w = sim_connected(&c);
    struct sim_rng rng = sim_rng_of(1);
    struct skt_addr from = {.family = 4, .ip = {10, 6, 6, 6}, .port = 1};
    uint64_t down = w->down_bytes;
    for (int i = 0; i < 20000; i++) {
        uint8_t buf[200];
        size_t len = (size_t)sim_rng_below(&rng, sizeof buf);
        for (size_t j = 0; j < len; j++)
            buf[j] = (uint8_t)sim_rng_next(&rng);
        sim_world_inject(w, &from, buf, len);
    }
    assert_int_equal(w->down_bytes, down);
    assert_int_equal(w->server.acceptor.half_count, 0);
    assert_int_equal(w->server.acceptor.sessions.count, 1);
    sim_world_free(w);
}

CHECK_GROUP(session)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connects_in_two_round_trips),
        cmocka_unit_test(test_carries_streams_both_ways),
        cmocka_unit_test(test_ack_frames_by_agreement),
        cmocka_unit_test(test_news_of_sending_is_due),
        cmocka_unit_test(test_opening_costs_no_round_trip),
        cmocka_unit_test(test_reset_reasons_travel),
        cmocka_unit_test(test_wrong_ticket_is_refused_in_words),
        cmocka_unit_test(test_wrong_password_hears_nothing),
        cmocka_unit_test(test_mode_mismatch_is_told),
        cmocka_unit_test(test_replayed_message_1_changes_nothing),
        cmocka_unit_test(test_slow_clock_learns_the_servers),
        cmocka_unit_test(test_rekeys_without_loss_or_stall),
        cmocka_unit_test(test_lost_accept_does_not_lose_the_session),
        cmocka_unit_test(test_survives_an_outage_of_30_s),
        cmocka_unit_test(test_server_restart_resets_old_streams),
        cmocka_unit_test(test_session_follows_a_moved_client),
        cmocka_unit_test(test_session_does_not_follow_a_thief),
        cmocka_unit_test(test_silent_session_is_closed),
        cmocka_unit_test(test_loss_is_measured_by_the_receiver),
        cmocka_unit_test(test_rate_and_duplicates_are_limited),
        cmocka_unit_test(test_close_is_told),
        cmocka_unit_test(test_idle_session_is_quiet_and_not_uniform),
        cmocka_unit_test(test_messages_keep_borders),
        cmocka_unit_test(test_ten_thousand_streams),
        cmocka_unit_test(test_garbage_and_strangers_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
