/* SPDX-License-Identifier: MIT */
/* The switch between a TUN and two servers, one of which falls silent.
 *
 *   UDP socket -- TUN -- client's switch == loopback == server a | server b, each with a switch and a TUN
 *
 * Server a has a loop of its own, so that it is silent when the test wants it. */
#ifdef __linux__

#include "io/netns.h"

#include "base/bytes.h"
#include "base/check.h"
#include "base/err.h"
#include "base/log.h"
#include "io/run_for.h"
#include "io/udp.h"
#include "tunnel/endpoint_request.h"
#include "tunnel/switch.h"
#include "tunnel/switch_forward.h"
#include "tunnel/switch_internal.h"

#include <arpa/inet.h>
#include <sys/socket.h>

enum {
    PACKETS = 3000,     /* far more than the path takes at once */
    PACKET_LEN = 1000,  /* of data */
    PACKET_HEADER = 28, /* of IPv4 and UDP */
};

static bool can_run;

/* One end of a session. */
struct side {
    struct skt_loop *loop;
    struct skt_shared *shared;
    struct skt_endpoint *ep;
    struct skt_tun *tun; /* servers: their own */
    struct skt_switch *sw;
    uint32_t cid;
};

struct rig {
    struct skt_loop *loops[2];
    struct side server[2], client[2]; /* client[i] talks to server[i]; both have one TUN and switch */
    size_t mtu;                       /* as told last */
};

static void on_session(void *user, struct skt_endpoint *ep, uint32_t cid)
{
    struct side *side = (struct side *)user;
    struct skt_ipnet net;
    side->cid = cid;
    assert_int_equal(skt_switch_attach(side->sw, ep, cid), SKT_OK);
    if (!skt_endpoint_is_server(ep))
        return;
    assert_int_equal(skt_ipnet_parse(&net, "10.9.0.2"), SKT_OK);
    assert_int_equal(skt_switch_add(side->sw, ep, cid, &net), SKT_OK);
}

static void on_close(void *user, struct skt_endpoint *ep, uint32_t cid)
{
    skt_switch_detach(((struct side *)user)->sw, ep, cid);
}

static void on_mtu(void *user, size_t mtu)
{
    ((struct rig *)user)->mtu = mtu;
}

static struct skt_tun *open_tun(struct skt_loop *loop, const char *name, const char *address)
{
    char err[SKT_TUN_ERROR_MAX] = "";
    struct skt_tun *tun = NULL;
    struct skt_ipnet net;
    struct skt_tun_options options = {.name = name};
    if (skt_tun_open(&tun, loop, &options, err, sizeof err) != SKT_OK)
        fail_msg("%s", err);
    if (address) {
        assert_int_equal(skt_ipnet_parse(&net, address), SKT_OK);
        assert_int_equal(skt_tun_set_address(tun, &net, NULL), SKT_OK);
    }
    assert_int_equal(skt_tun_set_up(tun), SKT_OK);
    return tun;
}

static void open_switch(struct rig *rig, struct side *side, bool server)
{
    struct skt_switch_conf conf = {.loop = side->loop,
                                   .tun = side->tun,
                                   .server = server,
                                   .mtu = skt_session_packet_limit(SKT_MTU_MAX),
                                   .follow_path = true,
                                   .on_mtu = server ? NULL : on_mtu,
                                   .user = rig,
                                   .hash_key = 7};
    assert_int_equal(skt_ipnet_parse(&conf.address4, server ? "10.9.0.1/24" : "10.9.0.2/24"), SKT_OK);
    assert_int_equal(skt_switch_new(&side->sw, &conf), SKT_OK);
}

static void open_endpoint(struct side *side, bool server, uint16_t port)
{
    static const struct skt_endpoint_handler handler = {
        .on_accept = on_session, .on_cid = on_session, .on_close = on_close};
    struct skt_endpoint_conf conf = {.server = server,
                                     .address = "127.0.0.1",
                                     .port_lo = port,
                                     .port_hi = port,
                                     .tuning.speed = SKT_SPEED_TURBO,
                                     .tuning.keepalive_s = 60,
                                     .tuning.sessions_max = 4,
                                     .tuning.mtu_max = SKT_MTU_MAX,
                                     .features = SKT_FEATURE_TUN_OFFLOAD,
                                     .mode = SKT_MODE_TUN};
    memset(conf.psks[0], 7, sizeof conf.psks[0]);
    conf.psk_count = 1;
    assert_int_equal(skt_shared_new(&side->shared, side->loop, 0), SKT_OK);
    conf.shared = side->shared;
    assert_int_equal(skt_endpoint_new(&side->ep, side->loop, &conf, &handler, side), SKT_OK);
}

static void run_both(struct rig *rig, skt_us time)
{
    for (skt_us done = 0; done < time; done += 2 * SKT_US_PER_MS) {
        run_for(rig->loops[0], SKT_US_PER_MS);
        run_for(rig->loops[1], SKT_US_PER_MS);
    }
}

static void start(struct rig *rig)
{
    static const uint8_t ticket[SKT_TICKET_LEN] = {1};
    memset(rig, 0, sizeof *rig);
    skt_log_set_level(SKT_LOG_ERROR);
    for (int i = 0; i < 2; i++)
        assert_int_equal(skt_loop_new(&rig->loops[i]), SKT_OK);
    struct skt_tun *tun = open_tun(rig->loops[1], "sktclient", "10.9.0.2/24");
    for (int i = 0; i < 2; i++) {
        struct side *server = &rig->server[i], *client = &rig->client[i];
        server->loop = rig->loops[i];
        server->tun = open_tun(server->loop, i ? "sktserverb" : "sktservera", NULL);
        open_switch(rig, server, true);
        open_endpoint(server, true, (uint16_t)(4100 + i));
        client->loop = rig->loops[1];
        client->tun = tun;
        if (i == 0)
            open_switch(rig, client, false);
        else
            client->sw = rig->client[0].sw;
        open_endpoint(client, false, (uint16_t)(4100 + i));
        assert_int_equal(skt_endpoint_request(client->ep, ticket), SKT_OK);
    }
    for (int i = 0; i < 500 && !(rig->client[0].cid && rig->client[1].cid); i++)
        run_both(rig, 10 * SKT_US_PER_MS);
    assert_true(rig->client[0].cid && rig->client[1].cid);
    run_both(rig, 200 * SKT_US_PER_MS); /* the search for the size has ended */
}

static void stop(struct rig *rig)
{
    for (int i = 0; i < 2; i++) {
        skt_endpoint_free(rig->client[i].ep);
        skt_endpoint_free(rig->server[i].ep);
        skt_shared_free(rig->client[i].shared);
        skt_shared_free(rig->server[i].shared);
        skt_switch_free(rig->server[i].sw);
        skt_tun_close(rig->server[i].tun);
    }
    skt_switch_free(rig->client[0].sw);
    skt_tun_close(rig->client[0].tun);
    for (int i = 0; i < 2; i++)
        skt_loop_free(rig->loops[i]);
}

static int use(struct rig *rig, int i)
{
    return skt_switch_use(rig->client[0].sw, rig->client[i].ep, rig->client[i].cid);
}

static void send_packets(struct rig *rig, unsigned count)
{
    static const char bytes[PACKET_LEN];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(7)};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    inet_pton(AF_INET, "10.9.0.77", &to.sin_addr);
    for (unsigned i = 0; i < count; i++) {
        assert_true(sendto(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&to, sizeof to) > 0);
        if (i % 50 == 49)
            run_for(rig->loops[1], SKT_US_PER_MS);
    }
    close(fd);
}

/* Packets that server b has written, joined or not, and those that the queue has dropped, as it may. */
static uint64_t accounted(const struct rig *rig)
{
    struct skt_switch_stats there, here;
    skt_switch_stats(rig->server[1].sw, &there);
    skt_switch_stats(rig->client[0].sw, &here);
    return (there.bytes_out - PACKET_HEADER * there.packets_out) / PACKET_LEN + here.dropped;
}

static void test_what_waits_moves_with_the_use(void **state)
{
    (void)state;
    if (!can_run)
        skip();
    struct rig rig;
    start(&rig);
    assert_int_equal(use(&rig, 0), SKT_OK);
    assert_int_equal(rig.mtu, skt_session_packet_limit(SKT_MTU_MAX));
    send_packets(&rig, PACKETS); /* server a does not run */
    size_t waiting = skt_switch_waiting(rig.client[0].sw);
    assert_in_range(waiting, 100 * PACKET_LEN, PACKETS * (PACKET_LEN + 40));
    uint64_t moved =
        accounted(&rig) + waiting / (PACKET_LEN + 40); /* on a busy machine some are dropped before */
    assert_int_equal(use(&rig, 1), SKT_OK);
    for (int i = 0; i < 2000 && (accounted(&rig) < moved || skt_switch_waiting(rig.client[0].sw) > 0); i++)
        run_for(rig.loops[1], 10 * SKT_US_PER_MS);
    check_that(accounted(&rig), >=, moved);
    assert_int_equal(skt_switch_waiting(rig.client[0].sw), 0);
    struct skt_switch_stats st;
    skt_switch_stats(rig.client[0].sw, &st);
    assert_int_equal(st.overflow, 0);
    skt_switch_stats(rig.server[1].sw, &st);
    check_that(st.packets_out, >, 0);
    assert_int_equal(use(&rig, 1), SKT_OK); /* again: nothing changes */
    stop(&rig);
}

/* The session in use ends, as after a restart of its server, and the next one comes at once or too late. */
static void test_what_waits_outlives_its_session(void **state)
{
    (void)state;
    if (!can_run)
        skip();
    for (int late = 0; late <= 1; late++) {
        struct rig rig;
        struct skt_switch_stats st;
        start(&rig);
        struct skt_switch *sw = rig.client[0].sw;
        assert_int_equal(use(&rig, 0), SKT_OK);
        send_packets(&rig, PACKETS); /* server a does not run */
        size_t waiting = skt_switch_waiting(sw);
        check_that(waiting, >=, (size_t)100 * PACKET_LEN);
        skt_switch_detach(sw, rig.client[0].ep, rig.client[0].cid);
        assert_int_equal(skt_switch_waiting(sw), waiting);
        if (late) {
            run_for(rig.loops[1], 2 * SKT_US_PER_SEC);
            assert_int_equal(use(&rig, 1), SKT_OK);
            assert_int_equal(skt_switch_waiting(sw), 0);
        } else {
            uint64_t moved = accounted(&rig) + waiting / (PACKET_LEN + 40);
            assert_int_equal(use(&rig, 1), SKT_OK);
            for (int i = 0; i < 2000 && (accounted(&rig) < moved || skt_switch_waiting(sw) > 0); i++)
                run_for(rig.loops[1], 10 * SKT_US_PER_MS);
            check_that(accounted(&rig), >=, moved);
            skt_switch_stats(rig.server[1].sw, &st);
            check_that(st.packets_out, >, 0);
        }
        stop(&rig);
    }
}

static void test_the_mtu_is_what_a_datagram_holds(void **state)
{
    (void)state;
    if (!can_run)
        skip();
    struct rig rig;
    start(&rig);
    for (int i = 0; i < 2; i++)
        assert_int_equal(skt_switch_mtu(rig.client[0].sw, rig.client[i].ep, rig.client[i].cid),
                         skt_session_packet_limit(
                             skt_session_mtu(skt_endpoint_session(rig.client[i].ep, rig.client[i].cid))));
    assert_int_equal(skt_switch_mtu(rig.client[0].sw, rig.client[0].ep, 1), 0);
    assert_int_equal(rig.mtu, 0); /* nobody uses one yet */
    assert_int_equal(use(&rig, 1), SKT_OK);
    assert_int_equal(rig.mtu, skt_session_packet_limit(SKT_MTU_MAX));
    stop(&rig);
}

/* --- what comes out of sessions --- */

enum { UDP_LEN = 28 };

/* A message with a UDP packet from one address to another; payload bytes follow its headers. */
static size_t put_udp(uint8_t *m, const uint8_t src[4], const uint8_t dst[4], uint8_t ttl, size_t payload)
{
    size_t len = UDP_LEN + payload;
    memset(m, 0, 1 + len);
    m[0] = SKT_FLOW_PLAIN;
    uint8_t *p = m + 1;
    p[0] = 0x45;
    p[2] = (uint8_t)(len >> 8);
    p[3] = (uint8_t)len;
    p[8] = ttl;
    p[9] = SKT_IPPKT_UDP;
    memcpy(p + 12, src, 4);
    memcpy(p + 16, dst, 4);
    p[24] = (uint8_t)((len - 20) >> 8);
    p[25] = (uint8_t)(len - 20);
    return 1 + len;
}

static struct skt_switch_port *first_port(struct skt_switch *sw)
{
    return SKT_CONTAINER(sw->ports.next, struct skt_switch_port, link);
}

/* A server may send from anywhere but from here: not as the client, as a neighbour of the system's, as a
 * group. */
static void test_a_client_looks_at_sources(void **state)
{
    (void)state;
    if (!can_run)
        skip();
    static const uint8_t here[4] = {10, 9, 0, 2};
    static const struct {
        uint8_t src[4];
        bool good;
    } cases[] = {{{10, 9, 0, 1}, true},   {{8, 8, 8, 8}, true},    {{10, 9, 0, 2}, false},
                 {{127, 0, 0, 1}, false}, {{224, 0, 0, 5}, false}, {{0, 0, 0, 0}, false}};
    struct rig rig;
    struct skt_switch_stats st;
    uint8_t m[256];
    start(&rig);
    struct skt_switch *sw = rig.client[0].sw;
    uint64_t spoofed = 0, out = 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        skt_switch_from_session(first_port(sw), 0, m, put_udp(m, cases[i].src, here, 64, 10));
        skt_switch_flush(sw);
        spoofed += !cases[i].good;
        out += cases[i].good;
        skt_switch_stats(sw, &st);
        assert_int_equal(st.spoofed, spoofed);
        assert_int_equal(st.packets_out, out);
    }
    stop(&rig);
}

/* One message is never very many packets. */
static void test_pieces_of_nothing(void **state)
{
    (void)state;
    if (!can_run)
        skip();
    static const uint8_t there[4] = {10, 9, 0, 1}, here[4] = {10, 9, 0, 2};
    static uint8_t plain[66000], m[66000];
    static const struct {
        uint16_t size;
        size_t payload;
        bool good;
    } cases[] = {{1, 60000, false},   {1, 256, true},     {1, 257, false},    {0, 1000, true},
                 {200, 60000, false}, {250, 60000, true}, {1200, 60000, true}};
    struct rig rig;
    struct skt_switch_stats st;
    start(&rig);
    struct skt_switch *sw = rig.client[0].sw;
    uint64_t bad = 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t len = put_udp(plain, there, here, 64, cases[i].payload);
        m[0] = SKT_FLOW_OFFLOAD;
        skt_put_u16(m + 1, cases[i].size);
        memcpy(m + 3, plain + 1, len - 1);
        skt_switch_from_session(first_port(sw), 0, m, len + 2);
        skt_switch_flush(sw);
        bad += !cases[i].good;
        skt_switch_stats(sw, &st);
        assert_int_equal(st.malformed, bad);
    }
    stop(&rig);
}

/* Errors that one session causes leave the others theirs. */
static void test_errors_are_shared(void **state)
{
    (void)state;
    if (!can_run)
        skip();
    static const uint8_t one[4] = {10, 9, 0, 2}, two[4] = {10, 9, 0, 3};
    struct rig rig;
    uint8_t m[256];
    start(&rig);
    struct skt_switch *sw = rig.server[0].sw;
    struct skt_switch_port *a = first_port(sw),
                           b = {.sw = sw, .ep = a->ep, .session = a->session, .cid = 99, .mtu = a->mtu};
    struct skt_ipnet host = skt_ipnet_host(4, two);
    skt_aqm_init(&b.queue, SKT_FLOWS_MAX, SKT_SWITCH_QUEUE_MAX);
    assert_int_equal(skt_switch_routes_add(&sw->routes, &host, &b), SKT_OK);
    for (int i = 0; i < 1000; i++) /* no hop left */
        skt_switch_from_session(a, SKT_US_PER_SEC, m, put_udp(m, one, two, 1, 10));
    assert_in_range(a->queue.packets, 10, 100);
    size_t before = b.queue.packets;
    skt_switch_from_session(&b, SKT_US_PER_SEC, m, put_udp(m, two, one, 1, 10));
    assert_int_equal(b.queue.packets, before + 1);
    skt_switch_from_session(a, 3 * SKT_US_PER_SEC, m, put_udp(m, one, two, 1, 10));
    assert_in_range(a->errors.sent, 1, 1);
    skt_switch_routes_remove(&sw->routes, &b);
    skt_aqm_dispose(&b.queue);
    skt_switch_port_count(&b);
    stop(&rig);
}

CHECK_GROUP(switch)
{
    can_run = netns_enter();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_waits_moves_with_the_use),
        cmocka_unit_test(test_what_waits_outlives_its_session),
        cmocka_unit_test(test_the_mtu_is_what_a_datagram_holds),
        cmocka_unit_test(test_a_client_looks_at_sources),
        cmocka_unit_test(test_pieces_of_nothing),
        cmocka_unit_test(test_errors_are_shared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

CHECK_GROUP(switch)
{
    return 0; /* no interface can be made without leaving traces */
}

#endif
