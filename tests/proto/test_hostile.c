/* SPDX-License-Identifier: MIT */
/* A peer with good keys says what it likes: in single frames. */
#include "sim/forge.h"
#include "sim/inner.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/err.h"
#include "proto/session/internal.h"

#define SEC SKT_US_PER_SEC
#define MS  SKT_US_PER_MS

/* --- REPORT --- */

enum { REPORT_LEN = 3 * 4 };

static size_t put_report(uint8_t *out, uint32_t lost, uint32_t runs, uint32_t recovered)
{
    out[0] = SKT_FRAME_REPORT;
    out[1] = REPORT_LEN;
    skt_put_u32(out + 2, lost);
    skt_put_u32(out + 6, runs);
    skt_put_u32(out + 10, recovered);
    return 2 + REPORT_LEN;
}

static void give_reports(struct sim_world *w, bool to_server)
{
    static const uint32_t edges[] = {0, 1, 9, 600, 0x7fffffff, 0x80000000, 0xfffffff0};
    enum { EDGES = sizeof edges / sizeof edges[0] };
    for (unsigned i = 0; i < EDGES * EDGES * EDGES; i++) {
        uint8_t frame[2 + REPORT_LEN];
        size_t len = put_report(frame, edges[i % EDGES], edges[i / EDGES % EDGES], edges[i / EDGES / EDGES]);
        assert_int_equal(sim_forge(w, to_server, frame, len), 0);
    }
}

/* No count of the peer's is believed that cannot be: more lost than was sent, more mended than lost. */
static void test_reports(void **state)
{
    (void)state;
    struct sim_world_config c = {.up.delay = 20 * MS, .down.delay = 20 * MS, .seed = 1};
    struct sim_inner *in = sim_inner_new(&c);
    struct sim_world *w = in->world;
    sim_inner_add_tcp(in, w->now);
    sim_inner_add_thin(in, w->now);
    for (int i = 0; i < 20; i++) {
        sim_inner_run(in, w->now + 100 * MS);
        give_reports(w, true);
        give_reports(w, false);
    }
    for (int i = 0; i < 2; i++) {
        const struct skt_session *s = i ? w->client.session : sim_world_session(w);
        check_that(s->parity.heard_lost, <=, s->stats.packets_tx);
        check_that(s->path.stats.lost, <=, s->stats.packets_tx);
    }
    uint64_t before = in->tcp[0].received;
    sim_inner_run(in, w->now + 1 * SEC);
    assert_true(in->tcp[0].received > before + 100 && in->took_count > 20);
    sim_inner_free(in);
}

/* --- addresses --- */

static size_t put_ping(uint8_t *out)
{
    out[0] = SKT_FRAME_PING;
    out[1] = 4;
    skt_put_u32(out + 2, 77);
    return 6;
}

static struct sim_world *quiet_world(uint64_t seed)
{
    struct sim_world_config c = {.up.delay = 20 * MS, .down.delay = 20 * MS, .seed = seed};
    struct sim_world *w = sim_world_new(&c);
    sim_world_connect(w, true);
    assert_true(sim_world_run(w, w->now + 5 * SEC, sim_is_up));
    sim_world_run(w, w->now + 5 * SEC, NULL);
    return w;
}

/* From another address each time: one challenge in 100 ms for all of them, and never more than three times
 * what came. The old path stays, and carries on. */
static void test_addresses_in_turn(void **state)
{
    (void)state;
    struct sim_world *w = quiet_world(2);
    uint8_t frame[6];
    size_t len = put_ping(frame), sent = 0;
    for (int i = 0; i < 2000; i++) {
        struct skt_addr from = {.family = 4, .ip = {192, 0, 2, (uint8_t)i}, .port = (uint16_t)(1000 + i)};
        assert_int_equal(sim_forge_from(w, &from, frame, len), 0);
        sent += len + SKT_PACKET_OVERHEAD;
        sim_world_run(w, w->now + MS, NULL);
        check_that(w->stray_bytes, <=, 3 * sent);
    }
    assert_in_range(w->stray_bytes, 1, 21 * (SKT_PACKET_OVERHEAD + 10));
    assert_true(skt_addr_equal(skt_session_peer(sim_world_session(w)), &w->client.addr));
    w->server.reply_len = 100000;
    sim_world_open(w, "", 1000);
    assert_true(sim_world_run(w, w->now + 2 * SEC, sim_all_done));
    sim_world_free(w);
}

/* The bytes of the challenge say who was asked, not from where: an answer from elsewhere, or another one,
 * moves nothing. */
static void test_wrong_responses(void **state)
{
    (void)state;
    struct sim_world *w = quiet_world(3);
    struct skt_session *s = sim_world_session(w);
    const struct skt_addr a = {.family = 4, .ip = {192, 0, 2, 1}, .port = 1},
                          b = {.family = 4, .ip = {192, 0, 2, 2}, .port = 2};
    uint8_t frame[16];
    assert_int_equal(sim_forge_from(w, &a, frame, put_ping(frame)), 0);
    assert_true(skt_addr_equal(&s->roaming.to, &a));
    frame[0] = SKT_FRAME_RESPONSE;
    frame[1] = 8;
    memset(frame + 2, 0, 8);
    assert_int_equal(sim_forge_from(w, &a, frame, 10), 0);
    memcpy(frame + 2, s->roaming.challenge, 8);
    assert_int_equal(sim_forge_from(w, &b, frame, 10), 0);
    assert_int_equal(sim_forge(w, true, frame, 10), 0);
    assert_true(skt_addr_equal(skt_session_peer(s), &w->client.addr));
    assert_int_equal(sim_forge_from(w, &a, frame, 10), 0);
    assert_true(skt_addr_equal(skt_session_peer(s), &a));
    sim_world_free(w);
}

/* --- PONG, PROBE, CHALLENGE --- */

static void forge_u32(struct sim_world *w, bool to_server, int type, uint32_t value)
{
    uint8_t frame[6] = {(uint8_t)type, 4};
    skt_put_u32(frame + 2, value);
    assert_int_equal(sim_forge(w, to_server, frame, sizeof frame), 0);
}

/* Only answers to what was asked are round trips, each once. */
static void test_pongs(void **state)
{
    (void)state;
    struct sim_world *w = quiet_world(4);
    sim_world_open(w, "", 1000);
    sim_world_run(w, w->now + SEC, NULL);
    for (int i = 0; i < 2; i++) {
        struct skt_session *s = i ? w->client.session : sim_world_session(w);
        skt_us srtt = s->path.rtt.srtt, least = s->path.rtt.min;
        unsigned count = s->liveness.rtt_count;
        static const uint32_t back[] = {0, 1, 1000, 59000000, 61000000, 0xffffffff};
        for (size_t j = 0; j < sizeof back / sizeof back[0]; j++)
            forge_u32(w, i == 0, SKT_FRAME_PONG, (uint32_t)w->now - back[j]);
        for (unsigned j = 0; j < SKT_PINGS_MAX; j++) /* those answered already */
            if (!(s->liveness.pings_open >> j & 1))
                forge_u32(w, i == 0, SKT_FRAME_PONG, s->liveness.pings[j] ? s->liveness.pings[j] : 1);
        assert_int_equal(s->path.rtt.srtt, srtt);
        assert_int_equal(s->path.rtt.min, least);
        assert_int_equal(s->liveness.rtt_count, count);
    }
    sim_world_free(w);
}

/* A round trip of nothing divides nothing. */
static void test_a_round_trip_of_0(void **state)
{
    (void)state;
    struct sim_world *w = quiet_world(5);
    struct skt_path *p = &sim_world_session(w)->path;
    w->server.reply_len = 10000000;
    sim_world_open(w, "", 10);
    sim_world_run(w, w->now + 2 * SEC, NULL);
    for (int i = 0; i < 200; i++) {
        skt_path_on_rtt(p, w->now, 0);
        sim_world_run(w, w->now + MS, NULL);
    }
    check_that(p->rtt.min, >=, 1);
    assert_true(sim_world_run(w, w->now + 60 * SEC, sim_all_done));
    sim_world_free(w);
}

/* PROBED of what was not probed, PROBE of what it is not: no other datagram size. */
static void test_probed_unasked(void **state)
{
    (void)state;
    struct sim_world *w = quiet_world(6);
    for (int i = 0; i < 2; i++) {
        struct skt_session *s = i ? w->client.session : sim_world_session(w);
        uint16_t before = s->mtu.current;
        assert_int_equal(s->mtu.probe, 0);
        for (unsigned size = 1; size < 65536; size += 7) {
            uint8_t frame[4] = {i ? SKT_FRAME_PROBED : SKT_FRAME_PROBE, 2};
            skt_put_u16(frame + 2, (uint16_t)size);
            assert_int_equal(sim_forge(w, i == 0, frame, sizeof frame), 0);
            frame[0] = SKT_FRAME_PROBED;
            assert_int_equal(sim_forge(w, i == 0, frame, sizeof frame), 0);
        }
        assert_int_equal(s->mtu.current, before);
        assert_false(s->due.set & SKT_DUE_PROBED); /* none had the size that it named */
    }
    sim_world_free(w);
}

/* However many ask in one batch, one packet answers, and goes to the address that proved itself. */
static void test_floods_of_questions(void **state)
{
    (void)state;
    struct sim_world *w = quiet_world(7);
    uint8_t frames[1300];
    size_t len = 0;
    while (len + 16 < sizeof frames) {
        len += put_ping(frames + len);
        frames[len] = SKT_FRAME_ATTACH; /* repeated: ACCEPT is, too */
        frames[len + 1] = 0;
        frames[len + 2] = SKT_FRAME_RESPONSE;
        frames[len + 3] = 0;
        len += 4;
    }
    uint64_t before = w->down_bytes;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(sim_forge(w, true, frames, len), 0);
    sim_world_run(w, w->now + 50 * MS, NULL);
    assert_in_range(w->down_bytes - before, 30, 800);
    assert_int_equal(w->stray_bytes, 0);
    sim_world_free(w);
}

/* A server that challenges all the time gets answers, but no search for the datagram size each time. */
static void test_floods_of_challenges(void **state)
{
    (void)state;
    struct sim_world *w = quiet_world(8);
    uint64_t before = w->up_bytes;
    for (uint32_t i = 0; i < 1000; i++) {
        uint8_t frame[10] = {SKT_FRAME_CHALLENGE, 8};
        skt_put_u32(frame + 2, i);
        assert_int_equal(sim_forge(w, false, frame, sizeof frame), 0);
        sim_world_run(w, w->now + MS, NULL);
    }
    /* An answer for each turn, of up to 200 bytes, and a few probes of 1472. */
    check_that(w->up_bytes - before, <, 1000 * 200 + 10 * 1472);
    sim_world_run(w, w->now + 5 * SEC, NULL);
    assert_int_equal(skt_session_mtu(w->client.session), SKT_MTU_MAX);
    sim_world_free(w);
}

/* --- segments --- */

static void forge_segment(struct sim_world *w, bool to_server, const struct skt_kcp_header *h, int expect)
{
    static const uint8_t half_a_header[1300] = {SKT_STREAM_TCP, 200};
    uint8_t frames[1400] = {SKT_FRAME_KCP};
    size_t len = 1 + sim_forge_segment(frames + 1, h, half_a_header);
    assert_int_equal(sim_forge(w, to_server, frames, len), expect);
}

/* Of a stream that begins nothing can have arrived at the other end yet. */
static void test_una_of_a_stream_that_begins(void **state)
{
    (void)state;
    struct sim_world *w = quiet_world(9);
    struct skt_session *s = sim_world_session(w);
    struct skt_kcp_header h = {.conv = 2, .cmd = SKT_KCP_CMD_PUSH, .una = 1, .wnd = 100, .len = 5};
    forge_segment(w, true, &h, 0);
    assert_int_equal(skt_session_stream_count(s), 0);
    h.una = 0;
    forge_segment(w, true, &h, 0);
    assert_int_equal(skt_session_stream_count(s), 1);
    h.una = 1;
    forge_segment(w, true, &h, SKT_ERR_MALFORMED);
    sim_world_free(w);
}

/* A message of nothing, and one longer than any that we send: never seen, and what follows is. */
static void test_messages_of_no_length(void **state)
{
    (void)state;
    struct sim_world *w = quiet_world(10);
    struct skt_session *s = sim_world_session(w);
    struct skt_kcp_header h = {.conv = SKT_CONV_MESSAGE, .cmd = SKT_KCP_CMD_PUSH, .wnd = 100};
    const uint8_t *msg;
    forge_segment(w, true, &h, 0);
    assert_int_equal(skt_session_read_message(s, &msg), SKT_ERR_AGAIN);
    for (int frg = 255; frg >= 0; frg--) {
        h.sn++;
        h.frg = (uint8_t)frg;
        h.len = 1300;
        forge_segment(w, true, &h, 0);
    }
    h.sn++;
    h.len = 3;
    forge_segment(w, true, &h, 0);
    assert_int_equal(skt_session_read_message(s, &msg), 3);
    assert_int_equal(skt_session_read_message(s, &msg), SKT_ERR_AGAIN);
    sim_world_free(w);
}

/* --- a packet whose work is that of many --- */

enum { HELD = 1000, WINDOW = 128 };

static size_t put_reset(uint8_t *out, uint32_t sn, uint32_t conv, bool with_end)
{
    uint8_t msg[10] = {SKT_CONTROL_RESET};
    struct skt_kcp_header h = {.conv = SKT_CONV_CONTROL, .cmd = SKT_KCP_CMD_PUSH, .wnd = 100, .sn = sn};
    h.len = with_end ? 10 : 6;
    skt_put_u32(msg + 1, conv);
    skt_put_u32(msg + 6, 5);
    return sim_forge_segment(out, &h, msg);
}

/* One control message makes many readable that open a stream each: some now, the others by and by. */
static void test_a_hole_before_resets(void **state)
{
    (void)state;
    struct sim_world *w = quiet_world(11);
    struct skt_session *s = sim_world_session(w);
    uint8_t frames[100] = {SKT_FRAME_KCP};
    for (uint32_t sn = WINDOW - 1; sn < WINDOW; sn--)
        assert_int_equal(sim_forge(w, true, frames, 1 + put_reset(frames + 1, sn, 2 + 2 * sn, true)), 0);
    assert_in_range(s->streams.peer_count, 1, WINDOW / 2);
    assert_true(skt_session_expiry(s, w->now) <= w->now);
    sim_world_run(w, w->now + MS, NULL);
    assert_int_equal(s->streams.peer_count, WINDOW);
    assert_true(skt_session_expiry(s, w->now) > w->now);
    sim_world_free(w);
}

/* Streams that hold much are reset all at once: what they held is freed by and by. */
static void test_resets_of_full_streams(void **state)
{
    (void)state;
    enum { STREAMS = 30 };
    struct sim_world *w = quiet_world(12);
    struct skt_session *s = sim_world_session(w);
    uint8_t frames[1400] = {SKT_FRAME_KCP};
    size_t before = s->path.account.used;
    for (uint32_t i = 0; i < STREAMS * HELD; i++) {
        struct skt_kcp_header h = {
            .conv = 2 + 2 * (i / HELD), .cmd = SKT_KCP_CMD_PUSH, .wnd = 100, .sn = 1 + i % HELD, .len = 1};
        assert_int_equal(sim_forge(w, true, frames, 1 + sim_forge_segment(frames + 1, &h, NULL)), 0);
    }
    size_t full = s->path.account.used, len = 1;
    for (uint32_t i = 0; i < STREAMS; i++)
        len += put_reset(frames + len, i, 2 + 2 * i, false);
    assert_int_equal(sim_forge(w, true, frames, len), 0);
    assert_int_equal(s->streams.peer_count, 0);
    assert_in_range(s->path.account.used, full - full / 8, full);
    skt_session_expire(s, w->now);
    assert_in_range(s->path.account.used, full - full / 8, full);
    sim_world_run(w, w->now + 100 * MS, NULL);
    assert_in_range(s->path.account.used, 0, before + full / 100);
    sim_world_free(w);
}

/* The last parity of a group of 32 that lost 16, with 50 segments in each: a body or two at a time. */
static void test_parity_brings_much(void **state)
{
    (void)state;
    enum { GROUP = 32, LOST = 16, LEN = 50 * SKT_KCP_HEADER_LEN };
    static uint8_t rows[LOST][LEN];
    struct sim_world *w = quiet_world(13);
    struct skt_session *s = sim_world_session(w);
    struct skt_keypair *kp = skt_keys_sending(&w->client.session->keys, w->now);
    uint8_t frames[1400];
    uint32_t conv = 2;
    for (unsigned round = 0; round < 2; round++) { /* the first parity of all finds no ring */
        memset(rows, 0, sizeof rows);
        for (unsigned j = 0; j < GROUP; j++) {
            size_t len = 1;
            frames[0] = SKT_FRAME_KCP;
            for (; len <= LEN; conv += 2)
                len += sim_forge_segment(
                    frames + len, &(struct skt_kcp_header){.conv = conv, .cmd = SKT_KCP_CMD_PUSH}, NULL);
            for (unsigned i = 0; i < LOST; i++)
                skt_parity_add(&skt_gf256_portable, rows[i], i, j, frames + 1, LEN);
            if (j % 2)
                kp->sent++;
            else
                assert_int_equal(sim_forge(w, true, frames, len), 0);
        }
        for (unsigned i = 0; i < LOST; i++) {
            frames[0] = SKT_FRAME_PARITY;
            skt_put_u16(frames + 1, skt_parity_head(GROUP + i, GROUP, i));
            memcpy(frames + 3, rows[i], LEN);
            assert_int_equal(sim_forge(w, true, frames, 3 + LEN), 0);
        }
    }
    assert_int_equal(s->parity.recovered, 1);
    for (unsigned i = 2; i <= LOST; i++) {
        assert_true(skt_session_expiry(s, w->now) <= w->now);
        skt_session_expire(s, w->now);
        assert_int_equal(s->parity.recovered, i);
    }
    assert_false(skt_parity_ring_pending(s->parity.in));
    sim_world_free(w);
}

CHECK_GROUP(hostile)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reports),
        cmocka_unit_test(test_addresses_in_turn),
        cmocka_unit_test(test_wrong_responses),
        cmocka_unit_test(test_pongs),
        cmocka_unit_test(test_a_round_trip_of_0),
        cmocka_unit_test(test_probed_unasked),
        cmocka_unit_test(test_floods_of_questions),
        cmocka_unit_test(test_floods_of_challenges),
        cmocka_unit_test(test_una_of_a_stream_that_begins),
        cmocka_unit_test(test_messages_of_no_length),
        cmocka_unit_test(test_a_hole_before_resets),
        cmocka_unit_test(test_resets_of_full_streams),
        cmocka_unit_test(test_parity_brings_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
