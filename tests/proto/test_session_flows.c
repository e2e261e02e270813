/* SPDX-License-Identifier: MIT */
/* Flows of packets between two sessions over simulated links. */
#include "base/bytes.h"
#include "base/err.h"
#include "proto/path/mtu.h"
#include "proto/session/internal.h"
#include "sim/world.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define SEC SKT_US_PER_SEC
#define MS  SKT_US_PER_MS

enum { FLOWS = 50, LEN_MAX = 66000 };

/* Has everything that was written to the flow arrived? */
static bool flow_drained(const struct skt_session *s, unsigned flow)
{
    const struct skt_kcp *k = skt_flows_find(s, SKT_CONV_FLOW_FIRST + flow);
    return !k || skt_kcp_drained(k);
}

static struct sim_world *tun_world(unsigned loss, uint64_t seed)
{
    struct sim_world_config c = {.seed = seed};
    c.up.delay = c.down.delay = 20 * MS;
    c.up.jitter = c.down.jitter = 3 * MS;
    c.up.loss = c.down.loss = loss;
    struct sim_world *w = sim_world_new(&c);
    w->client.ctx.mode = w->server.ctx.mode = SKT_MODE_TUN;
    w->client.ctx.features = SKT_FEATURE_TUN_OFFLOAD | 4;
    w->server.ctx.features = SKT_FEATURE_TUN_OFFLOAD | 8;
    return w;
}

static void connect(struct sim_world *w)
{
    sim_world_connect(w, true);
    assert_true(sim_world_run(w, w->now + 30 * SEC, sim_is_up));
}

/* One direction: what was written and read of each flow. A packet says its flow and its number. */
struct way {
    uint32_t written[FLOWS], read[FLOWS];
    uint64_t total_written, total_read;
};

static size_t length_of(unsigned flow, uint32_t number)
{
    uint32_t mixed = (flow * 7919u + number) * 2654435761u;
    return number % 50 == 49 ? 60000 + mixed % 6000 : 8 + mixed % 1400;
}

static uint8_t buf[LEN_MAX];

static void write_some(struct skt_session *s, struct way *way, struct sim_rng *rng, uint64_t until)
{
    while (skt_session_flow_room(s) > 0 && way->total_written < until) {
        unsigned flow = (unsigned)sim_rng_below(rng, FLOWS);
        size_t len = length_of(flow, way->written[flow]);
        memset(buf, (int)(flow + way->written[flow]), len);
        skt_put_u32(buf, flow);
        skt_put_u32(buf + 4, way->written[flow]);
        int err = skt_session_write_packet(s, flow * 20, buf, len, flow % 4);
        if (err == SKT_ERR_AGAIN)
            return;
        assert_int_equal(err, SKT_OK);
        way->written[flow]++;
        way->total_written++;
    }
}

static void read_all(struct skt_session *s, struct way *way)
{
    unsigned news;
    for (int number; (number = skt_session_next_flow(s, &news)) >= 0;) {
        long len;
        while ((news & SKT_FLOW_READABLE) &&
               (len = skt_session_read_packet(s, (unsigned)number, buf, sizeof buf)) >= 0) {
            uint32_t flow = skt_get_u32(buf), count = skt_get_u32(buf + 4);
            assert_int_equal(flow * 20, number);
            assert_int_equal(count, way->read[flow]);
            assert_int_equal(len, length_of(flow, count));
            assert_int_equal(buf[len - 1], len > 8 ? (uint8_t)(flow + count) : buf[len - 1]);
            way->read[flow]++;
            way->total_read++;
        }
    }
}

static void carry(struct sim_world *w, struct sim_rng *rng, struct way *up, struct way *down, uint64_t count)
{
    skt_us until = w->now + 120 * SEC;
    while (w->now < until && (up->total_read < count || down->total_read < count)) {
        struct skt_session *server = sim_world_session(w);
        read_all(w->client.session, down);
        read_all(server, up);
        write_some(w->client.session, up, rng, count);
        write_some(server, down, rng, count);
        sim_world_run(w, w->now + 1 * MS, NULL);
    }
    assert_int_equal(up->total_read, count);
    assert_int_equal(down->total_read, count);
}

static void test_packets_keep_their_order_and_borders(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct sim_world *w = tun_world(seed % 3 == 0 ? 0 : 500, seed);
        struct sim_rng rng = sim_rng_of(seed);
        struct way up = {0}, down = {0};
        connect(w);
        carry(w, &rng, &up, &down, 2000);
        sim_world_run(w, w->now + 2 * SEC, NULL);
        for (unsigned i = 0; i < FLOWS; i++)
            assert_true(flow_drained(w->client.session, i * 20));
        assert_int_equal(skt_session_features(w->client.session), SKT_FEATURE_TUN_OFFLOAD);
        assert_int_equal(skt_session_features(sim_world_session(w)), SKT_FEATURE_TUN_OFFLOAD);
        sim_world_free(w);
    }
}

static void test_little_waits_in_the_path(void **state)
{
    (void)state;
    struct sim_world *w = tun_world(0, 3);
    connect(w);
    struct skt_session *s = w->client.session;
    size_t room = skt_session_flow_room(s), queued = 0;
    memset(buf, 0, sizeof buf);
    for (unsigned flow = 0; skt_session_flow_room(s) > 0; flow++) {
        assert_int_equal(skt_session_write_packet(s, flow, buf, 1400, 0), SKT_OK);
        queued += 1400;
    }
    assert_in_range(queued, room, room + 1400);
    /* At its initial rate the path takes ten datagrams at once; two more wait. */
    assert_in_range(room, 10 * SKT_MTU_START, 14 * SKT_MTU_MAX);
    assert_int_equal(skt_session_write_packet(s, SKT_FLOWS_MAX, buf, 100, 0), SKT_ERR_ARG);
    assert_int_equal(skt_session_write_packet(s, 1, buf, 0, 0), SKT_ERR_ARG);
    sim_world_free(w);
}

/* However fast the path seems to be, what is not sent at once stays where it can be dropped; and as long as
 * there is room a packet of any length is taken. */
static void test_a_fast_path_takes_little_too(void **state)
{
    (void)state;
    struct sim_world *w = tun_world(0, 3);
    connect(w);
    struct skt_session *s = w->client.session;
    skt_pacer_set_rate(&s->path.pacer, w->now, UINT64_C(40000000000));
    memset(buf, 0, sizeof buf);
    assert_int_equal(skt_session_flow_room(s), 2 * 65536);
    for (size_t len = 1; len < 65539; len = len < 60000 ? len * 7 : len + 1846) {
        size_t queued = 0;
        while (skt_session_flow_room(s) > 0) {
            assert_int_equal(skt_session_write_packet(s, 7, buf, len > 256 ? len : 256, 0), SKT_OK);
            queued += len > 256 ? len : 256;
        }
        assert_in_range(queued, 2 * 65536, 2 * 65536 + len + 256);
        assert_int_equal(skt_session_write_packet(s, 7, buf, 65538, 0), SKT_ERR_AGAIN);
        skt_us until = w->now + 20 * SEC;
        while (!flow_drained(s, 7) && w->now < until) {
            unsigned news;
            for (int flow; (flow = skt_session_next_flow(sim_world_session(w), &news)) >= 0;)
                while (skt_session_read_packet(sim_world_session(w), (unsigned)flow, buf, sizeof buf) >= 0) {
                }
            sim_world_run(w, w->now + 1 * MS, NULL);
        }
        assert_true(flow_drained(s, 7));
        skt_pacer_set_rate(&s->path.pacer, w->now, UINT64_C(40000000000));
    }
    sim_world_free(w);
}

/* Datagrams that a packet of the client takes. */
static uint64_t datagrams_of(struct sim_world *w, size_t len)
{
    const struct skt_session_stats *st = skt_session_stats(w->client.session);
    uint64_t before = st->packets_tx;
    assert_int_equal(
        skt_session_write_packet(w->client.session, 3, buf, SKT_FLOW_HEADER_MIN + len, SKT_PACKET_ONCE),
        SKT_OK);
    sim_world_run(w, w->now + 5 * MS, NULL); /* less than a round trip: nothing but the packet */
    uint64_t sent = st->packets_tx - before;
    sim_world_run(w, w->now + 300 * MS, NULL);
    return sent;
}

static void test_packet_of_the_mtu_goes_in_one_datagram(void **state)
{
    (void)state;
    static const size_t paths[] = {1472, 1452, 1372, 1252};
    assert_int_equal(skt_session_packet_limit(1472), 1420);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct sim_world *w = tun_world(0, 11 + i);
        w->up.config.mtu = w->down.config.mtu = paths[i];
        assert_int_equal(skt_session_packet_mtu(w->client.session), 0);
        connect(w);
        sim_world_run(w, w->now + 10 * SEC, NULL);
        size_t mtu = skt_session_packet_mtu(w->client.session);
        (void)datagrams_of(w, 100); /* after the rest a ping and a check of the size go with it */
        assert_in_range(mtu, paths[i] - SKT_MTU_STEP - 52, paths[i] - 52);
        assert_int_equal(datagrams_of(w, mtu), 1);
        assert_int_equal(datagrams_of(w, mtu + SKT_PARITY_RESERVE + 1), 2);
        sim_world_free(w);
    }
}

static void test_flows_begin_anew_with_a_new_server(void **state)
{
    (void)state;
    struct sim_world *w = tun_world(200, 5);
    struct sim_rng rng = sim_rng_of(5);
    struct way up = {0}, down = {0};
    connect(w);
    carry(w, &rng, &up, &down, 300);
    write_some(w->client.session, &up, &rng, 400); /* under way when the server vanishes */
    sim_world_restart_server(w, true);
    unsigned ups = w->client.ups;
    skt_us until = w->now + 60 * SEC;
    while (w->client.ups == ups && w->now < until) {
        (void)skt_session_write_packet(w->client.session, 1, buf, 100, 0);
        sim_world_run(w, w->now + 10 * MS, NULL);
    }
    assert_int_equal(w->client.losts, 1);
    memset(&up, 0, sizeof up);
    memset(&down, 0, sizeof down);
    unsigned news;
    while (skt_session_next_flow(w->client.session, &news) >= 0)
        ;
    carry(w, &rng, &up, &down, 300);
    sim_world_free(w);
}

static void test_other_modes_have_no_flows(void **state)
{
    (void)state;
    struct sim_world *w = tun_world(0, 7);
    w->client.ctx.mode = w->server.ctx.mode = SKT_MODE_PROXY;
    connect(w);
    assert_int_equal(skt_session_write_packet(w->client.session, 0, buf, 100, 0), SKT_ERR_CLOSED);
    /* Nor may a peer make any. */
    w->client.ctx.mode = SKT_MODE_TUN;
    assert_int_equal(skt_session_write_packet(w->client.session, 0, buf, 100, 0), SKT_OK);
    sim_world_run(w, w->now + 1 * SEC, NULL);
    unsigned news;
    assert_int_equal(skt_session_next_flow(sim_world_session(w), &news), -1);
    assert_false(flow_drained(w->client.session, 0));
    sim_world_free(w);
}

static void test_extensions_are_found_by_type_and_length(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {9, 1, 0, SKT_EXTENSION_TUN_IP4, 3,  1, 2, 3, SKT_EXTENSION_TUN_IP4, 4, 10,
                                    0, 0, 2, SKT_EXTENSION_TUN_IP6, 16, 1};
    struct skt_attach_request req = {.extensions = bytes, .extensions_len = sizeof bytes};
    assert_ptr_equal(skt_attach_extension(&req, SKT_EXTENSION_TUN_IP4, 4), bytes + 10);
    assert_null(skt_attach_extension(&req, SKT_EXTENSION_TUN_IP6, 16)); /* cut off */
    req.extensions_len = 0;
    assert_null(skt_attach_extension(&req, SKT_EXTENSION_TUN_IP4, 4));
}

CHECK_GROUP(session_flows)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packets_keep_their_order_and_borders),
        cmocka_unit_test(test_little_waits_in_the_path),
        cmocka_unit_test(test_a_fast_path_takes_little_too),
        cmocka_unit_test(test_packet_of_the_mtu_goes_in_one_datagram),
        cmocka_unit_test(test_flows_begin_anew_with_a_new_server),
        cmocka_unit_test(test_other_modes_have_no_flows),
        cmocka_unit_test(test_extensions_are_found_by_type_and_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
