/* SPDX-License-Identifier: MIT */
#include "sim/world.h"
#include "proto/keys/proof.h"

#include "base/err.h"
#include "crypto/crypto.h"
#include "proto/keys/packet.h"
#include "proto/path/segment.h"
#include "sim/unmask.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { KEEPALIVE_S = 60 };

/* Byte number `at` of what a stream carries in a direction. */
static uint8_t pattern(uint32_t conv, bool to_server, uint64_t at)
{
    return (uint8_t)(at * 31 + (at >> 8) * 7 + conv * 13 + (to_server ? 101 : 0));
}

static void init_context(struct skt_context *ctx, struct skt_pool *pool, bool server,
                         const struct sim_world_config *config)
{
    memset(ctx, 0, sizeof *ctx);
    ctx->crypto = config->crypto ? config->crypto : skt_crypto_null();
    ctx->pool = pool;
    memset(ctx->identity.psk, 7, SKT_KEY_LEN);
    uint8_t c2s[SKT_KEY_LEN], s2c[SKT_KEY_LEN];
    int err = skt_packet_mask_keys(ctx->crypto, ctx->identity.psk, c2s, s2c);
    assert(err == SKT_OK);
    (void)err;
    ctx->mask_in = ctx->crypto->mask_new(server ? c2s : s2c);
    ctx->mask_out = ctx->crypto->mask_new(server ? s2c : c2s);
    skt_idmap_init(&ctx->ids);
    ctx->cc = &skt_cc_turbo;
    ctx->cost_aes_ns = 500;
    ctx->cost_chacha_ns = 1000;
    ctx->tuning.ciphers =
        SKT_CIPHER_BIT(SKT_CIPHER_AES_256_GCM) | SKT_CIPHER_BIT(SKT_CIPHER_CHACHA20_POLY1305);
    ctx->mode = SKT_MODE_PROXY;
    ctx->features = SKT_FEATURE_ACK_RANGES | SKT_FEATURE_PARITY | SKT_FEATURE_PIECES;
    ctx->tuning.mtu_max = SKT_MTU_MAX;
    ctx->tuning.keepalive_s = config->keepalive_s ? config->keepalive_s : KEEPALIVE_S;
    ctx->limits = config->limits.rcv_wnd_max ? config->limits : (struct skt_kcp_limits){4096, 256 * 1024};
    ctx->tuning.overhead_cap_permille = SKT_OVERHEAD_CAP;
}

static void dispose_context(struct skt_context *ctx)
{
    ctx->crypto->mask_free(ctx->mask_in);
    ctx->crypto->mask_free(ctx->mask_out);
    skt_idmap_dispose(&ctx->ids);
}

static const uint8_t *find_ticket(void *user, const uint8_t *id)
{
    const struct sim_server *sv = (const struct sim_server *)user;
    uint8_t own[SKT_TICKET_ID_LEN];
    int err = skt_proof_ticket_id(sv->ctx.crypto, sv->ticket, own);
    return !err && !sv->no_tickets && memcmp(own, id, sizeof own) == 0 ? sv->ticket : NULL;
}

static void start_server(struct sim_world *w)
{
    struct sim_server *sv = &w->server;
    skt_acceptor_init(&sv->acceptor, &sv->ctx, &sv->stamps, &sv->cookies, (uint32_t)sim_rng_next(&w->rng),
                      SIM_SESSIONS_MAX);
    sv->acceptor.find_ticket = find_ticket;
    sv->acceptor.find_user = sv;
    sv->running = true;
}

struct sim_world *sim_world_new(const struct sim_world_config *c)
{
    struct sim_world *w = calloc(1, sizeof *w);
    assert(w);
    skt_crypto_null_seed(c->seed);
    w->rng = sim_rng_of(c->seed);
    w->now = 1000 * SKT_US_PER_SEC;
    w->wall_ms = UINT64_C(1700000000000);
    skt_pool_init(&w->pool, SKT_KCP_BLOCK_LEN, 0);
    skt_pool_init(&w->server.pool, SKT_KCP_BLOCK_LEN, c->max_memory);
    sim_link_init(&w->up, &c->up, c->seed * 2 + 1);
    sim_link_init(&w->down, &c->down, c->seed * 2 + 2);
    init_context(&w->client.ctx, &w->pool, false, c);
    init_context(&w->server.ctx, &w->server.pool, true, c);
    w->client.addr = (struct skt_addr){.family = 4, .ip = {10, 0, 0, 1}, .port = 1111};
    w->server.addr = (struct skt_addr){.family = 4, .ip = {10, 0, 0, 2}, .port = 4000};
    memset(w->server.ticket, 't', SKT_TICKET_LEN);
    w->server.reset_with = -1;
    skt_stampcache_init(&w->server.stamps, 0);
    if (c->cc)
        w->client.ctx.cc = w->server.ctx.cc = c->cc;
    if (c->rival) {
        w->rival = malloc(sizeof *w->rival);
        assert(w->rival);
        sim_rival_init(w->rival, c->rival, w->now, c->down.delay);
    }
    w->trace = c->trace.on || c->untraced ? NULL : sim_trace_new(w->now, w->wall_ms);
    w->client.ctx.trace = w->server.ctx.trace = w->trace ? sim_trace_of(w->trace) : c->trace;
    if (c->wire)
        w->wire = *c->wire;
    start_server(w);
    int err = skt_session_new_client(&w->client.session, &w->client.ctx, w->now);
    assert(err == SKT_OK);
    (void)err;
    skt_session_set_candidates(w->client.session, &w->server.addr, 1, 4000, 4000);
    return w;
}

static void release_apps(struct sim_app *apps, int n)
{
    for (int i = 0; i < n; i++)
        apps[i].st = NULL;
}

void sim_world_stop_server(struct sim_world *w)
{
    struct sim_server *sv = &w->server;
    if (!sv->running)
        return;
    release_apps(sv->apps, sv->app_count);
    sv->app_count = 0;
    for (uint32_t pos = 0;;) {
        struct skt_session *s = (struct skt_session *)skt_idmap_next(&sv->acceptor.sessions, &pos);
        if (!s)
            break;
        skt_acceptor_forget(&sv->acceptor, s);
        skt_session_free(s);
        pos = 0;
    }
    skt_acceptor_dispose(&sv->acceptor);
    sv->running = false;
}

void sim_world_restart_server(struct sim_world *w, bool keep_stamps)
{
    sim_world_stop_server(w);
    if (!keep_stamps) {
        skt_stampcache_dispose(&w->server.stamps);
        skt_stampcache_init(&w->server.stamps, 0);
        skt_stampcache_set_start(&w->server.stamps, w->now / 1000);
    }
    start_server(w);
}

void sim_world_free(struct sim_world *w)
{
    sim_world_stop_server(w);
    skt_stampcache_dispose(&w->server.stamps);
    skt_cookies_dispose(&w->server.cookies);
    skt_session_free(w->client.session);
    sim_trace_free(w->trace);
    dispose_context(&w->client.ctx);
    dispose_context(&w->server.ctx);
    sim_link_dispose(&w->up);
    sim_link_dispose(&w->down);
    skt_pool_dispose(&w->pool);
    skt_pool_dispose(&w->server.pool);
    if (w->rival)
        sim_rival_dispose(w->rival);
    free(w->rival);
    free(w);
}

void sim_world_connect(struct sim_world *w, bool good_ticket)
{
    uint8_t ticket[SKT_TICKET_LEN];
    memset(ticket, good_ticket ? 't' : 'x', sizeof ticket);
    int err = skt_session_connect(w->client.session, w->now, ticket);
    assert(err == SKT_OK);
    (void)err;
}

int sim_world_open(struct sim_world *w, const char *name, uint64_t len)
{
    struct sim_client *c = &w->client;
    struct sim_app *app = &c->apps[c->app_count];
    if (c->app_count == SIM_STREAMS_MAX ||
        skt_session_open_stream(c->session, w->now, SKT_STREAM_TCP, name, &app->st) != SKT_OK)
        return -1;
    app->to_send = len;
    app->st->user = app;
    return c->app_count++;
}

/* --- the applications --- */

/* Zeros, as many as there is room for. */
static void write_blank(struct sim_app *app, struct skt_kcp *k)
{
    struct iovec iov[4];
    for (int n; app->sent < app->to_send && (n = skt_kcp_write_begin(k, iov, 4)) > 0;) {
        size_t put = 0;
        for (int i = 0; i < n && app->sent + put < app->to_send; i++) {
            size_t room = iov[i].iov_len;
            size_t len =
                app->to_send - app->sent - put < room ? (size_t)(app->to_send - app->sent - put) : room;
            memset(iov[i].iov_base, 0, len);
            put += len;
        }
        skt_kcp_write_commit(k, put);
        app->sent += put;
    }
}

static void app_write(struct sim_app *app, bool client)
{
    struct skt_kcp *k = skt_stream_kcp(app->st);
    if (app->blank)
        write_blank(app, k);
    uint8_t buf[4096];
    while (app->sent < app->to_send) {
        size_t n = app->to_send - app->sent < sizeof buf ? (size_t)(app->to_send - app->sent) : sizeof buf;
        for (size_t i = 0; i < n; i++)
            buf[i] = pattern(app->st->conv, client, app->sent + i);
        if (skt_kcp_write(k, buf, n) != SKT_OK)
            return;
        app->sent += n;
    }
    if (!app->finished && !app->open && skt_kcp_finish(k) == SKT_OK)
        app->finished = true;
}

static void app_read(struct sim_app *app, bool client)
{
    struct skt_kcp *k = skt_stream_kcp(app->st);
    struct iovec iov[4];
    int n;
    while (!app->hold && (n = skt_kcp_read_begin(k, iov, 4)) > 0) {
        size_t total = 0;
        for (int i = 0; i < n; i++) {
            const uint8_t *p = (const uint8_t *)iov[i].iov_base;
            for (size_t j = 0; !app->blank && j < iov[i].iov_len; j++)
                if (p[j] != pattern(app->st->conv, !client, app->received++))
                    app->wrong = true;
            total += iov[i].iov_len;
        }
        if (app->blank)
            app->received += total;
        skt_kcp_read_consume(k, total);
    }
    if (skt_kcp_at_end(k))
        app->at_end = true;
}

static void app_news(struct sim_world *w, struct skt_session *s, struct skt_stream *st, unsigned news,
                     bool client)
{
    struct sim_app *app = (struct sim_app *)st->user;
    struct sim_server *sv = &w->server;
    if (!app && !st->reset) {
        if (sv->reset_with >= 0) {
            skt_session_reset_stream(s, st, sv->reset_with);
            return;
        }
        assert(sv->app_count < SIM_STREAMS_MAX);
        app = &sv->apps[sv->app_count++];
        memset(app, 0, sizeof *app);
        app->st = st;
        app->to_send = sv->reply_len;
        app->request_len = sv->request_len;
        app->answer_len = sv->answer_len;
        st->user = app;
        if (sv->on_app)
            sv->on_app(app);
    }
    if (news & SKT_STREAM_RESET) {
        if (app) {
            app->reset = true;
            app->reset_reason = st->reset_reason;
            app->st = NULL;
        }
        skt_session_release_stream(s, st);
        return;
    }
    app_read(app, client);
    if (app->answer_len) {
        app->to_send = app->received / app->request_len * app->answer_len;
        app->open = !app->at_end;
    }
    app_write(app, client);
    if (app->at_end && app->finished && skt_kcp_drained(skt_stream_kcp(st))) {
        app->st = NULL;
        skt_session_release_stream(s, st);
    }
}

static void tell_streams(struct sim_world *w, struct skt_session *s, bool client)
{
    struct skt_stream *st;
    unsigned news;
    while ((st = skt_session_next_stream(s, &news)) != NULL)
        app_news(w, s, st, news, client);
}

void sim_world_send(struct sim_world *w, int app, uint64_t len)
{
    w->client.apps[app].to_send += len;
    app_write(&w->client.apps[app], true);
}

/* --- driving --- */

static void set_wall(struct sim_world *w)
{
    w->server.ctx.wall_ms = w->wall_ms + w->now / 1000;
    w->server.ctx.boot_ms = w->now / 1000;
}

static void note_client_datagram(struct sim_world *w, const uint8_t *buf, size_t len)
{
    w->up_bytes += len;
    w->lens[w->len_count++ % 64] = len;
    uint8_t copy[2048];
    struct skt_packet_header h;
    memcpy(copy, buf, len);
    if (sim_unmask(w->server.ctx.crypto, w->server.ctx.mask_in, copy, len, &h) == SKT_OK &&
        h.kind == SKT_PACKET_INITIATION) {
        memcpy(w->last_initiation, buf, len);
        w->last_initiation_len = len;
    }
}

/* What may be fragmented passes a link of any MTU that does not drop fragments. */
static void link_send(struct sim_world *w, struct sim_link *l, const uint8_t *buf, size_t len, bool fragment)
{
    if (w->wire.send) {
        w->wire.send(w->wire.user, l == &w->up, buf, len);
        return;
    }
    size_t mtu = l->config.mtu;
    if (fragment && !l->config.no_fragments)
        l->config.mtu = 0;
    sim_link_send(l, w->now, buf, len);
    l->config.mtu = mtu;
}

static void flush(struct sim_world *w, struct skt_session *s, bool client)
{
    static uint8_t buf[65536];
    struct skt_send_info info;
    size_t len;
    for (int i = 0; i < 100; i++) {
        if (w->pump && skt_session_state(s) != SKT_SESSION_CLOSED)
            w->pump(w->pump_user, s, client);
        len = skt_session_send(s, w->now, buf, sizeof buf, &info);
        if (len == 0)
            return;
        assert(info.segment_len > 0);
        for (size_t at = 0; at < len; at += info.segment_len) {
            size_t n = len - at < info.segment_len ? len - at : info.segment_len;
            if (client) {
                note_client_datagram(w, buf + at, n);
                link_send(w, &w->up, buf + at, n, info.fragment);
            } else {
                w->down_bytes += n;
                if (skt_addr_equal(&info.to, &w->client.addr)) /* elsewhere nobody listens */
                    link_send(w, &w->down, buf + at, n, info.fragment);
                else
                    w->stray_bytes += n;
            }
        }
    }
}

static void write_all(struct sim_app *apps, int n, bool client)
{
    for (int i = 0; i < n; i++)
        if (apps[i].st && !apps[i].reset && !apps[i].finished && apps[i].sent == 0)
            app_write(&apps[i], client);
}

static void drive_client(struct sim_world *w)
{
    struct sim_client *c = &w->client;
    w->turns++;
    c->ctx.wall_ms = w->wall_ms + w->now / 1000;
    write_all(c->apps, c->app_count, true);
    tell_streams(w, c->session, true);
    unsigned events = skt_session_take_events(c->session);
    if (events & SKT_EVENT_UP) {
        c->ups++;
        c->last_cid = skt_session_cid(c->session);
    }
    if (events & SKT_EVENT_LOST)
        c->losts++;
    if (events & SKT_EVENT_CONTINUED)
        c->continued++;
    if (events & SKT_EVENT_SILENT)
        c->silents++;
    if (events & SKT_EVENT_REFUSED) {
        const char *text;
        c->refusals++;
        c->refusal = skt_session_refusal(c->session, &text);
        strcpy(c->refusal_text, text);
    }
    if (events & SKT_EVENT_CLOSED)
        c->closed = true;
    flush(w, c->session, true);
}

static void drive_server(struct sim_world *w)
{
    struct sim_server *sv = &w->server;
    w->turns++;
    for (uint32_t pos = 0;;) {
        struct skt_session *s = (struct skt_session *)skt_idmap_next(&sv->acceptor.sessions, &pos);
        if (!s)
            return;
        tell_streams(w, s, false);
        unsigned events = skt_session_take_events(s);
        if (events & SKT_EVENT_CONTINUED)
            sv->continued++;
        flush(w, s, false);
        if (events & SKT_EVENT_CLOSED) {
            sv->closed++;
            skt_acceptor_forget(&sv->acceptor, s);
            skt_session_free(s);
            pos = 0;
        }
    }
}

static void server_reply(struct sim_world *w, const struct skt_addr *to, const uint8_t *buf, long len)
{
    if (len <= 0)
        return;
    w->server.replies++;
    memcpy(w->last_reply, buf, (size_t)len);
    w->last_reply_len = (size_t)len;
    w->down_bytes += (uint64_t)len;
    if (skt_addr_equal(to, &w->client.addr))
        link_send(w, &w->down, buf, (size_t)len, false);
}

static void on_attach(struct sim_world *w, struct skt_half *half, const struct skt_addr *from, uint8_t *data,
                      size_t len)
{
    struct sim_server *sv = &w->server;
    struct skt_attach_request req;
    uint8_t reply[SKT_MTU_START];
    int err = skt_acceptor_attach(&sv->acceptor, w->now, half, from, data, len, &req);
    if (err == SKT_ERR_AGAIN)
        server_reply(w, from, reply, skt_acceptor_challenge(&sv->acceptor, half, reply, sizeof reply));
    if (err)
        return;
    sv->tickets_seen++;
    if (sv->on_ticket)
        sv->on_ticket(w, &req);
    if (!req.known || (!sv->any_ticket && memcmp(req.ticket, sv->ticket, SKT_TICKET_LEN) != 0)) {
        long n = skt_acceptor_refuse(&sv->acceptor, &req, SKT_ATTACH_TICKET, "", reply, sizeof reply);
        server_reply(w, from, reply, n);
        return;
    }
    struct skt_session *s, *silent[4];
    bool is_new;
    if (!req.continued && (s = skt_acceptor_make_room(&sv->acceptor, w->now, req.ticket)) != NULL)
        skt_session_close(s, w->now, SKT_CLOSE_ROOM);
    else if (!req.continued)
        (void)skt_acceptor_ask(&sv->acceptor, w->now, req.ticket, silent, 4);
    if (skt_acceptor_admit(&sv->acceptor, w->now, &req, &s, &is_new) == SKT_OK && is_new)
        sv->accepted++;
}

static void server_receive(struct sim_world *w, const struct skt_addr *from, uint8_t *data, size_t len)
{
    struct sim_server *sv = &w->server;
    struct skt_packet_header h;
    if (!sv->running || sim_unmask(sv->ctx.crypto, sv->ctx.mask_in, data, len, &h) != SKT_OK)
        return;
    set_wall(w);
    if (h.kind == SKT_PACKET_INITIATION) {
        uint8_t reply[SKT_MTU_START];
        long n = skt_acceptor_initiation(&sv->acceptor, w->now, from, data, len, reply, sizeof reply);
        server_reply(w, from, reply, n);
        return;
    }
    struct skt_slot *slot = (struct skt_slot *)skt_idmap_get(&sv->ctx.ids, h.receiver);
    if (slot && slot->kind == SKT_SLOT_HALF)
        on_attach(w, (struct skt_half *)(void *)slot, from, data, len);
    else if (slot)
        (void)skt_session_receive((struct skt_session *)(void *)slot, w->now, from, data, len);
}

static void client_receive(struct sim_world *w, uint8_t *data, size_t len)
{
    struct sim_client *c = &w->client;
    struct skt_packet_header h;
    if (sim_unmask(c->ctx.crypto, c->ctx.mask_in, data, len, &h) != SKT_OK)
        return;
    if (skt_idmap_get(&c->ctx.ids, h.receiver))
        (void)skt_session_receive(c->session, w->now, &w->server.addr, data, len);
}

uint64_t sim_world_inject(struct sim_world *w, const struct skt_addr *from, const uint8_t *data, size_t len)
{
    uint8_t copy[2048];
    uint64_t before = w->server.replies;
    memcpy(copy, data, len);
    server_receive(w, from, copy, len);
    drive_server(w);
    return w->server.replies - before;
}

static skt_us server_expiry(const struct sim_world *w)
{
    skt_us at = SKT_NEVER;
    if (!w->server.running)
        return at;
    at = skt_acceptor_expiry(&w->server.acceptor);
    uint32_t pos = 0;
    struct skt_session *s;
    while ((s = (struct skt_session *)skt_idmap_next(&w->server.acceptor.sessions, &pos)) != NULL)
        at = skt_us_min(at, skt_session_expiry(s, w->now));
    return at;
}

static void receive_all(struct sim_world *w)
{
    uint8_t buf[2048];
    size_t len;
    while ((len = sim_link_receive(&w->up, w->now, buf, sizeof buf)) > 0) {
        /* Ours are random to look at, but none is as long. */
        if (w->rival && len == SIM_RIVAL_LEN && buf[0] == SIM_RIVAL_MARK)
            sim_rival_arrived(w->rival, w->now, buf);
        else
            server_receive(w, &w->client.addr, buf, len);
    }
    while ((len = sim_link_receive(&w->down, w->now, buf, sizeof buf)) > 0)
        client_receive(w, buf, len);
}

static void expire_client(struct sim_world *w)
{
    w->client.ctx.wall_ms = w->wall_ms + w->now / 1000;
    skt_session_expire(w->client.session, w->now);
}

static void expire_server(struct sim_world *w)
{
    set_wall(w);
    if (!w->server.running)
        return;
    skt_acceptor_expire(&w->server.acceptor, w->now);
    uint32_t pos = 0;
    struct skt_session *s;
    while ((s = (struct skt_session *)skt_idmap_next(&w->server.acceptor.sessions, &pos)) != NULL)
        skt_session_expire(s, w->now);
}

void sim_world_deliver(struct sim_world *w, bool up, uint8_t *data, size_t len)
{
    if (up)
        server_receive(w, &w->client.addr, data, len);
    else
        client_receive(w, data, len);
}

void sim_world_turn(struct sim_world *w, bool client)
{
    if (client) {
        expire_client(w);
        drive_client(w);
    } else {
        expire_server(w);
        if (w->server.running)
            drive_server(w);
    }
}

skt_us sim_world_expiry(const struct sim_world *w, bool client)
{
    return client ? skt_session_expiry(w->client.session, w->now) : server_expiry(w);
}

bool sim_world_run(struct sim_world *w, skt_us until, bool (*done)(const struct sim_world *w))
{
    unsigned stuck = 0;
    for (;;) {
        receive_all(w);
        expire_client(w);
        expire_server(w);
        drive_client(w);
        if (w->server.running)
            drive_server(w);
        if (w->rival)
            sim_rival_turn(w->rival, w->now, &w->up);
        if (done && done(w))
            return true;
        skt_us next = skt_us_min(sim_link_expiry(&w->up), sim_link_expiry(&w->down));
        next = skt_us_min(next, skt_session_expiry(w->client.session, w->now));
        next = skt_us_min(next, server_expiry(w));
        if (w->rival)
            next = skt_us_min(next, sim_rival_expiry(w->rival));
        if (next >= until) {
            w->now = until;
            return false;
        }
        /* An expiry that stays in the past while nothing happens would be a busy loop. */
        stuck = next <= w->now ? stuck + 1 : 0;
        assert(stuck < 10000);
        w->now = skt_us_max(next, w->now + 1);
    }
}

struct skt_session *sim_world_session(const struct sim_world *w)
{
    uint32_t pos = 0;
    if (w->server.acceptor.sessions.count != 1)
        return NULL;
    return (struct skt_session *)skt_idmap_next(&w->server.acceptor.sessions, &pos);
}

bool sim_is_up(const struct sim_world *w)
{
    return skt_session_state(w->client.session) == SKT_SESSION_UP;
}

static bool app_done(const struct sim_app *app, uint64_t expect)
{
    return !app->st && !app->reset && !app->wrong && app->at_end && app->received == expect &&
           app->sent == app->to_send;
}

bool sim_all_done(const struct sim_world *w)
{
    const struct sim_client *c = &w->client;
    if (w->server.app_count != c->app_count)
        return false;
    for (int i = 0; i < c->app_count; i++)
        if (!app_done(&c->apps[i], w->server.reply_len) || w->server.apps[i].st || w->server.apps[i].wrong)
            return false;
    return true;
}
