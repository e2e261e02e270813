/* SPDX-License-Identifier: MIT */
#include "tunnel/relay_rig.h"

#include "base/check.h"
#include "base/err.h"
#include "base/free_port.h"
#include "base/log.h"
#include "io/run_for.h"
#include "io/tcp.h"
#include "io/udp.h"
#include "tunnel/endpoint_request.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    SLICE_US = 1000,
    GUARD =
        20, /* a test gives up after so many times what a thing should take: a busy machine is no verdict */
};

static void on_close(void *user, struct skt_relay *relay)
{
    struct rig_side *side = (struct rig_side *)user;
    side->closed++;
    skt_relay_reset(relay); /* must change nothing any more */
    struct skt_relay *victim = side->victim;
    side->victim = NULL;
    if (victim && victim != relay)
        skt_relay_reset(victim);
}

static void on_cid(void *user, struct skt_endpoint *ep, uint32_t cid)
{
    (void)ep;
    ((struct rig *)user)->cid = cid;
}

static void on_stream(void *user, struct skt_endpoint *ep, uint32_t cid, struct skt_stream *st)
{
    struct rig *rig = (struct rig *)user;
    (void)cid;
    if (rig->no_target || st->reset) {
        skt_session_reset_stream(st->session, st, SKT_RESET_TARGET);
        return;
    }
    (void)skt_relay_connect(rig->server.relays, ep, st, rig->target_host, rig->target_port,
                            &rig->server.options, &rig->server.last);
}

static void start_side(struct rig *rig, struct rig_side *side, bool server, uint16_t port)
{
    static const struct skt_endpoint_handler handler = {.on_cid = on_cid, .on_stream = on_stream};
    struct skt_endpoint_conf conf = {.shared = rig->shared,
                                     .server = server,
                                     .address = "127.0.0.1",
                                     .port_lo = port,
                                     .port_hi = port,
                                     .tuning.speed = SKT_SPEED_TURBO,
                                     .tuning.keepalive_s = 60,
                                     .tuning.sessions_max = 16,
                                     .tuning.mtu_max = SKT_MTU_MAX,
                                     .mode = SKT_MODE_PROXY};
    memset(conf.psks[0], 7, sizeof conf.psks[0]);
    conf.psk_count = 1;
    assert_int_equal(skt_relay_set_new(&side->relays, rig->loop), SKT_OK);
    assert_int_equal(skt_endpoint_new(&side->ep, rig->loop, &conf, &handler, rig), SKT_OK);
    side->options = (struct skt_relay_options){
        .idle_limit = SKT_NEVER, .connect_timeout = 2 * SKT_US_PER_SEC, .on_close = on_close, .user = side};
}

static bool is_up(void *arg)
{
    return ((struct rig *)arg)->cid != 0;
}

void rig_start(struct rig *rig, size_t max_memory)
{
    static const uint8_t ticket[SKT_TICKET_LEN] = {1};
    struct skt_addr any;
    memset(rig, 0, sizeof *rig);
    skt_log_set_level(SKT_LOG_ERROR);
    assert_int_equal(skt_loop_new(&rig->loop), SKT_OK);
    assert_int_equal(skt_shared_new(&rig->shared, rig->loop, max_memory), SKT_OK);
    assert_int_equal(skt_addr_parse(&any, "127.0.0.1", 0), SKT_OK);
    rig->listener = skt_tcp_listen(&any, 1024);
    assert_true(rig->listener >= 0);
    assert_int_equal(skt_tcp_local(rig->listener, &any), SKT_OK);
    rig->target_host = "127.0.0.1";
    rig->target_port = any.port;
    uint16_t port = free_port();
    start_side(rig, &rig->server, true, port);
    start_side(rig, &rig->client, false, port);
    assert_int_equal(skt_endpoint_request(rig->client.ep, ticket), SKT_OK);
    assert_true(rig_until(rig, is_up, rig, 5 * SKT_US_PER_SEC));
}

static void stop_side(struct rig_side *side)
{
    skt_endpoint_free(side->ep);
    skt_relay_set_free(side->relays);
}

void rig_stop(struct rig *rig)
{
    stop_side(&rig->client);
    stop_side(&rig->server);
    close(rig->listener);
    skt_shared_free(rig->shared);
    skt_loop_free(rig->loop);
}

void rig_run(struct rig *rig, skt_us time)
{
    run_for(rig->loop, time);
}

bool rig_until(struct rig *rig, bool (*done)(void *arg), void *arg, skt_us time)
{
    if (time >= SKT_US_PER_SEC) /* else nothing is expected to happen */
        time *= GUARD;
    skt_us end = skt_loop_now(rig->loop) + time;
    while (!done(arg)) {
        if (skt_loop_now(rig->loop) >= end)
            return false;
        run_for(rig->loop, SLICE_US);
    }
    return true;
}

int rig_open(struct rig *rig, const char *target)
{
    struct skt_addr any, at;
    assert_int_equal(skt_addr_parse(&any, "127.0.0.1", 0), SKT_OK);
    int listener = skt_tcp_listen(&any, 1);
    assert_true(listener >= 0);
    assert_int_equal(skt_tcp_local(listener, &at), SKT_OK);
    int app = skt_tcp_connect(&at);
    assert_true(app >= 0);
    int fd;
    while ((fd = skt_tcp_accept(listener, NULL)) == SKT_ERR_AGAIN)
        usleep(100);
    assert_true(fd >= 0);
    close(listener);
    struct skt_tcp_conn *conn = skt_tcp_conn_accepted(rig->loop, fd);
    assert_non_null(conn);
    assert_int_equal(skt_relay_open(rig->client.relays, conn, rig->client.ep, rig->cid, target,
                                    &rig->client.options, &rig->client.last),
                     SKT_OK);
    return app;
}

struct accepting {
    int listener, fd;
};

static bool accepted(void *arg)
{
    struct accepting *a = (struct accepting *)arg;
    a->fd = skt_tcp_accept(a->listener, NULL);
    return a->fd >= 0;
}

int rig_accept(struct rig *rig)
{
    struct accepting a = {rig->listener, -1};
    assert_true(rig_until(rig, accepted, &a, 5 * SKT_US_PER_SEC));
    return a.fd;
}

struct moving {
    int from, to;
    const uint8_t *buf;
    size_t len, written, read;
};

static bool moved(void *arg)
{
    struct moving *m = (struct moving *)arg;
    uint8_t got[65536];
    ssize_t n;
    while (m->written < m->len &&
           (n = send(m->from, m->buf + m->written, m->len - m->written, MSG_NOSIGNAL)) > 0)
        m->written += (size_t)n;
    while (m->read < m->len && (n = read(m->to, got, sizeof got)) > 0) {
        assert_true((size_t)n <= m->len - m->read);
        assert_memory_equal(got, m->buf + m->read, (size_t)n);
        m->read += (size_t)n;
    }
    return m->read == m->len;
}

size_t rig_move(struct rig *rig, int from, int to, const uint8_t *buf, size_t len, skt_us time)
{
    struct moving m = {.from = from, .to = to, .buf = buf, .len = len};
    (void)rig_until(rig, moved, &m, time);
    return len - m.read;
}

struct reading {
    int fd;
    void *buf;
    size_t len;
    long got;
};

static bool has_read(void *arg)
{
    struct reading *r = (struct reading *)arg;
    r->got = read(r->fd, r->buf, r->len);
    if (r->got < 0)
        r->got = -errno;
    return r->got != -EAGAIN;
}

long rig_read(struct rig *rig, int fd, void *buf, size_t len, skt_us time)
{
    struct reading r = {fd, buf, len, 0};
    (void)rig_until(rig, has_read, &r, time);
    return r.got;
}

static bool none_open(void *arg)
{
    const struct rig *rig = (const struct rig *)arg;
    return skt_relay_set_stats(rig->client.relays)->open == 0 &&
           skt_relay_set_stats(rig->server.relays)->open == 0;
}

bool rig_all_closed(struct rig *rig, skt_us time)
{
    return rig_until(rig, none_open, rig, time);
}
