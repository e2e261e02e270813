/* SPDX-License-Identifier: MIT */
/* The client's handshakes against a server that the test plays, so that it can say what no good one says. */
#include "base/err.h"
#include "proto/keys/packet.h"
#include "proto/session/internal.h"
#include "sim/world.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "sim/connected.h"
#include "sim/unmask.h"

#define SEC SKT_US_PER_SEC
#define MS  SKT_US_PER_MS

enum { SERVER_ID = 0x5e44e402, CID = 77 };

/* Only the client of the world is at work. */
struct rig {
    struct sim_world *w;
    struct skt_initiation m1; /* the client's last one */
    struct skt_handshake hs;  /* that it began */
    struct skt_keypair *kp;   /* once message 2 was sent */
};

static struct rig rig_new(uint64_t seed)
{
    struct sim_world_config c = sim_link_of(0, 0, seed);
    struct rig r = {.w = sim_world_new(&c)};
    sim_world_stop_server(r.w);
    sim_world_connect(r.w, true);
    return r;
}

static void rig_free(struct rig *r)
{
    skt_keypair_free(r->w->server.ctx.crypto, r->kp);
    sim_world_free(r->w);
}

/* The client's next datagram, unmasked; 0: it sends none now. */
static size_t next_datagram(struct rig *r, uint8_t *buf, size_t cap, struct skt_packet_header *h)
{
    struct skt_context *ctx = &r->w->server.ctx;
    struct skt_send_info info;
    struct skt_session *s = r->w->client.session;
    r->w->client.ctx.wall_ms = r->w->wall_ms + r->w->now / 1000;
    skt_session_expire(s, r->w->now);
    size_t len = skt_session_send(s, r->w->now, buf, cap, &info);
    if (len > 0)
        assert_int_equal(sim_unmask(ctx->crypto, ctx->mask_in, buf, len, h), SKT_OK);
    return len;
}

/* Takes a message 1 that the client sends now. */
static size_t take_initiation(struct rig *r, uint8_t *buf, size_t cap)
{
    struct skt_context *ctx = &r->w->server.ctx;
    struct skt_packet_header h;
    size_t len = next_datagram(r, buf, cap, &h);
    check_that(len, >, 0);
    assert_int_equal(h.kind, SKT_PACKET_INITIATION);
    assert_int_equal(skt_handshake_consume_initiation(&r->hs, ctx->crypto, &ctx->identity, buf, len, &r->m1),
                     SKT_OK);
    return len;
}

static void give(struct rig *r, uint8_t *datagram, size_t len)
{
    struct skt_context *ctx = &r->w->client.ctx;
    struct skt_packet_header h;
    assert_int_equal(sim_unmask(ctx->crypto, ctx->mask_in, datagram, len, &h), SKT_OK);
    if (skt_idmap_get(&ctx->ids, h.receiver))
        (void)skt_session_receive(r->w->client.session, r->w->now, &r->w->server.addr, datagram, len);
}

static void answer(struct rig *r, const struct skt_response *m)
{
    struct skt_context *ctx = &r->w->server.ctx;
    struct skt_handshake_keys keys;
    uint8_t d[SKT_MTU_START];
    int len = skt_handshake_create_response(&r->hs, ctx->crypto, m, 5, d, sizeof d, &keys);
    check_that(len, >, 0);
    assert_int_equal(skt_packet_mask_handshake(ctx->crypto, ctx->mask_out, d, (size_t)len), SKT_OK);
    skt_keypair_free(ctx->crypto, r->kp);
    r->kp = skt_keypair_new(ctx->crypto, &keys, SKT_CIPHER_AES_256_GCM, false, SERVER_ID, r->m1.sender,
                            r->w->now);
    assert_non_null(r->kp);
    give(r, d, (size_t)len);
}

static struct skt_response good_response(const struct rig *r)
{
    return (struct skt_response){.version = SKT_WIRE_VERSION,
                                 .cipher = SKT_CIPHER_AES_256_GCM,
                                 .mode = SKT_MODE_PROXY,
                                 .sender = SERVER_ID,
                                 .clock_ms = r->w->wall_ms + r->w->now / 1000,
                                 .mtu = 1472,
                                 .keepalive_s = 60};
}

/* Sends frames under the keys of the last handshake. */
static void send_frames(struct rig *r, const void *frames, size_t len)
{
    struct skt_context *ctx = &r->w->server.ctx;
    uint8_t d[SKT_MTU_START];
    memcpy(d + SKT_HEADER_LEN, frames, len);
    int n = skt_packet_seal(ctx->crypto, ctx->mask_out, r->kp, d, len);
    check_that(n, >, 0);
    give(r, d, (size_t)n);
}

static void send_accept(struct rig *r, int result, uint32_t cid)
{
    uint8_t frames[] = {SKT_FRAME_ACCEPT, 5, (uint8_t)result, 0, 0, 0, 0};
    skt_put_u32(frames + 3, cid);
    send_frames(r, frames, sizeof frames);
}

/* The client's ATTACH, as the server opens it; its frames. */
static size_t take_attach(struct rig *r, uint8_t *buf, size_t cap, const uint8_t **frames)
{
    struct skt_packet_header h;
    uint8_t *plain;
    size_t plain_len, len = next_datagram(r, buf, cap, &h);
    check_that(len, >, 0);
    assert_int_equal(h.kind, SKT_PACKET_TRANSPORT);
    assert_int_equal(skt_packet_open(r->w->server.ctx.crypto, r->kp, buf, len, r->w->now, &plain, &plain_len),
                     SKT_OK);
    assert_int_equal(plain[0], SKT_FRAME_ATTACH);
    *frames = plain;
    return plain_len;
}

static void handshake(struct rig *r)
{
    uint8_t buf[2048];
    const uint8_t *frames;
    (void)take_initiation(r, buf, sizeof buf);
    struct skt_response m = good_response(r);
    answer(r, &m);
    (void)take_attach(r, buf, sizeof buf, &frames);
}

/* A refusal takes the keys away that it came under. What stands behind it in the packet was read with them,
 * freed, and counted. */
static void test_nothing_counts_behind_a_refusal(void **state)
{
    (void)state;
    uint8_t ping[] = {SKT_FRAME_ACCEPT, 5, SKT_ATTACH_TICKET, 0, 0, 0, 0, SKT_FRAME_PING, 4, 1, 2, 3, 4};
    uint8_t kcp[7 + 25] = {SKT_FRAME_ACCEPT, 5, SKT_ATTACH_TICKET, 0, 0, 0, 0, SKT_FRAME_KCP, 1, 0, 0, 0, 81};
    uint8_t parity[40] = {SKT_FRAME_ACCEPT, 5, SKT_ATTACH_TICKET, 0, 0, 0, 0, SKT_FRAME_PARITY, 0, 4};
    struct {
        const uint8_t *frames;
        size_t len;
    } cases[] = {{ping, sizeof ping}, {kcp, sizeof kcp}, {parity, sizeof parity}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r = rig_new(i + 1);
        handshake(&r);
        send_frames(&r, cases[i].frames, cases[i].len);
        struct skt_session *s = r.w->client.session;
        assert_true(skt_session_take_events(s) & SKT_EVENT_REFUSED);
        assert_null(s->connect.pending);
        assert_int_equal(s->due.set, 0);
        assert_int_equal(s->stats.payload_rx, 0);
        assert_null(s->parity.in);
        rig_free(&r);
    }
}

/* cids are 1 to 2^31 - 1, and only the session that was asked for can be continued. */
static void test_impossible_accepts_are_ignored(void **state)
{
    (void)state;
    struct rig r = rig_new(7);
    handshake(&r);
    send_accept(&r, SKT_ATTACH_NEW, 0);
    send_accept(&r, SKT_ATTACH_NEW, UINT32_C(0x80000000));
    send_accept(&r, SKT_ATTACH_CONTINUED, 0);
    send_accept(&r, SKT_ATTACH_CONTINUED, CID);
    assert_int_equal(skt_session_take_events(r.w->client.session), 0);
    send_accept(&r, SKT_ATTACH_NEW, CID);
    assert_true(skt_session_take_events(r.w->client.session) & SKT_EVENT_UP);
    assert_int_equal(skt_session_cid(r.w->client.session), CID);
    rig_free(&r);
}

/* A keepalive of 0 would end the session in the same moment. */
static void test_keepalive_of_0_counts_as_a_second(void **state)
{
    (void)state;
    struct rig r = rig_new(8);
    uint8_t buf[2048];
    const uint8_t *frames;
    (void)take_initiation(&r, buf, sizeof buf);
    struct skt_response m = good_response(&r);
    m.keepalive_s = 0;
    m.mtu = 9;
    answer(&r, &m);
    (void)take_attach(&r, buf, sizeof buf, &frames);
    send_accept(&r, SKT_ATTACH_NEW, CID);
    skt_session_expire(r.w->client.session, r.w->now);
    assert_int_equal(skt_session_state(r.w->client.session), SKT_SESSION_UP);
    assert_int_equal(r.w->client.session->liveness.keepalive, SEC);
    check_that(r.w->client.session->mtu.cap, >=, SKT_MTU_MIN);
    rig_free(&r);
}

/* A start that takes its time is no silence for the rest of the session's life. */
static void test_a_slow_start_is_not_told_for_ever(void **state)
{
    (void)state;
    struct rig r = rig_new(9);
    uint8_t buf[2048];
    struct skt_packet_header h;
    for (skt_us end = r.w->now + 20 * SEC; r.w->now < end; r.w->now += 50 * MS)
        (void)next_datagram(&r, buf, sizeof buf, &h);
    r.w->now += 2 * SEC;
    (void)skt_session_take_events(r.w->client.session);
    handshake(&r);
    send_accept(&r, SKT_ATTACH_NEW, CID);
    for (skt_us end = r.w->now + 50 * SEC; r.w->now < end; r.w->now += 50 * MS) {
        while (next_datagram(&r, buf, sizeof buf, &h) > 0)
            ;
        const uint8_t pong[] = {SKT_FRAME_PONG, 4, 0, 0, 0, 0};
        send_frames(&r, pong, sizeof pong);
        assert_false(skt_session_take_events(r.w->client.session) & SKT_EVENT_SILENT);
    }
    rig_free(&r);
}

/* Any round trip up to 8 s: a session comes up in about two of them, with loss in a few more; and the retries
 * meanwhile are few. */
static void test_long_round_trips(void **state)
{
    (void)state;
    static const skt_us rtts[] = {10 * MS, 250 * MS, 500 * MS, 1 * SEC, 2 * SEC,
                                  3 * SEC, 5 * SEC,  6 * SEC,  8 * SEC};
    for (size_t i = 0; i < sizeof rtts / sizeof *rtts; i++) {
        for (uint64_t seed = 1; seed <= 20; seed++) {
            bool lossy = seed > 5;
            struct sim_world_config c = sim_link_of(rtts[i] / 2, lossy ? 1500 : 0, seed);
            struct sim_world *w = sim_world_new(&c);
            skt_us start = w->now;
            sim_world_connect(w, true);
            assert_true(
                sim_world_run(w, start + (lossy ? 9 : 2) * rtts[i] + (lossy ? 25 : 1) * SEC, sim_is_up));
            /* After 5.75 s it is said that none has come yet; only the second time (11 s) has consequences.
             */
            check_that(w->client.silents, <=, (lossy ? 3 : rtts[i] > 5 * SEC ? 1 : 0));
            check_that(w->len_count, <=, 14 + (lossy ? 20 : 0));
            sim_world_free(w);
        }
    }
}

CHECK_GROUP(connect)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_counts_behind_a_refusal),
        cmocka_unit_test(test_impossible_accepts_are_ignored),
        cmocka_unit_test(test_keepalive_of_0_counts_as_a_second),
        cmocka_unit_test(test_a_slow_start_is_not_told_for_ever),
        cmocka_unit_test(test_long_round_trips),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
