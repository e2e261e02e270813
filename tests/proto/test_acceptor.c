/* SPDX-License-Identifier: MIT */
/* The server's door: who gets in, who goes on, and at whose cost. */
#include "base/err.h"
#include "crypto/crypto.h"
#include "proto/acceptor/internal.h"
#include "sim/world.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "sim/connected.h"
#include "sim/unmask.h"

#define SEC SKT_US_PER_SEC
#define MS  SKT_US_PER_MS

/* A session that goes on keeps its address and networks: with another ticket it is a new one. */
static void test_another_ticket_is_another_session(void **state)
{
    (void)state;
    struct sim_world_config c = sim_link_of(10 * MS, 0, 1);
    struct sim_world *w = sim_connected(&c);
    w->server.any_ticket = true;
    uint32_t cid = skt_session_cid(w->client.session);
    memset(w->client.session->ticket, 'o', SKT_TICKET_LEN);
    sim_world_run(w, w->now + 125 * SEC, NULL); /* new keys meanwhile */
    assert_int_equal(w->client.losts, 1);
    assert_int_equal(w->server.accepted, 2);
    assert_int_not_equal(skt_session_cid(w->client.session), cid);
    const struct skt_session *old =
        (const struct skt_session *)skt_idmap_get(&w->server.acceptor.sessions, cid);
    assert_true(!old || old->ticket[0] == 't');
    sim_world_free(w);
}

static void close_continued(struct sim_world *w, const struct skt_attach_request *req)
{
    if (req->continued)
        skt_session_close(req->continued, w->now, SKT_CLOSE_LOCAL);
}

static bool has_closed(const struct sim_world *w)
{
    return w->server.closed > 0;
}

/* A script that closes the very session that asks to go on: it lived on, closed. */
static void test_closed_while_its_ticket_is_looked_at(void **state)
{
    (void)state;
    struct sim_world_config c = sim_link_of(10 * MS, 0, 2);
    struct sim_world *w = sim_connected(&c);
    w->server.on_ticket = close_continued;
    sim_world_run(w, w->now + 119 * SEC, NULL);
    uint32_t cid = skt_session_cid(w->client.session);
    assert_true(sim_world_run(w, w->now + 6 * SEC, has_closed));
    assert_int_equal(w->server.accepted, 2); /* what asked is new */
    assert_int_equal(w->server.closed, 1);   /* once */
    assert_null(skt_idmap_get(&w->server.acceptor.sessions, cid));
    sim_world_free(w);
}

/* --- who knows the psk and has no ticket --- */

/* Sends message 1s, as fast as it likes, from one address or many. */
struct flood {
    struct sim_world *w;
    unsigned per_s;     /* message 1s a second */
    unsigned addresses; /* that they come from, */
    bool reachable;     /* which really are the sender's: it comes again with its cookies */
    uint8_t (*cookies)[SKT_COOKIE_LEN];
    uint64_t sent, answered, bytes_in, bytes_out;
    skt_us at;
};

static struct skt_addr flood_address(unsigned n)
{
    return (struct skt_addr){
        .family = 4, .ip = {203, (uint8_t)(n >> 8), (uint8_t)n, 1}, .port = (uint16_t)(1000 + n % 7)};
}

static void flood_one(struct flood *f)
{
    struct sim_world *w = f->w;
    struct skt_context *ctx = &w->client.ctx;
    unsigned n = (unsigned)(f->sent++ % f->addresses);
    struct skt_addr from = flood_address(n);
    struct skt_handshake hs = {0};
    struct skt_initiation m = {.version = SKT_WIRE_VERSION,
                               .mode = ctx->mode,
                               .ciphers = ctx->tuning.ciphers,
                               .sender = 1 + (uint32_t)f->sent,
                               .stamp_ms = w->wall_ms + w->now / 1000,
                               .mtu = 1472,
                               .keepalive_s = 60};
    uint8_t d[SKT_MTU_START];
    if (f->cookies)
        memcpy(m.cookie, f->cookies[n], sizeof m.cookie);
    int len = skt_handshake_create_initiation(&hs, ctx->crypto, &ctx->identity, &m, NULL, 0, d, sizeof d);
    check_that(len, >, 0);
    assert_int_equal(skt_packet_mask_handshake(ctx->crypto, ctx->mask_out, d, (size_t)len), SKT_OK);
    f->bytes_in += (uint64_t)len;
    if (sim_world_inject(w, &from, d, (size_t)len) == 0)
        return;
    f->answered++;
    f->bytes_out += w->last_reply_len;
    check_that(w->last_reply_len, <=, (size_t)len * SKT_UNPROVEN_FACTOR);
    struct skt_packet_header h;
    uint64_t clock_ms;
    memcpy(d, w->last_reply, w->last_reply_len);
    assert_int_equal(sim_unmask(ctx->crypto, ctx->mask_in, d, w->last_reply_len, &h), SKT_OK);
    if (f->reachable && h.number == SKT_NUMBER_COOKIE)
        assert_int_equal(
            skt_handshake_consume_cookie(&hs, ctx->crypto, d, w->last_reply_len, f->cookies[n], &clock_ms),
            SKT_OK);
}

/* The world goes on until `until`, or done; the flood with it. */
static bool run_under_flood(struct flood *f, skt_us until, bool (*done)(const struct sim_world *w))
{
    struct sim_world *w = f->w;
    while (w->now < until) {
        f->at = skt_us_max(f->at, w->now);
        if (sim_world_run(w, skt_us_min(until, f->at), done))
            return true;
        for (int i = 0; i < 5; i++)
            flood_one(f);
        f->at += 5 * SEC / f->per_s;
    }
    return false;
}

static struct flood flood_new(struct sim_world *w, unsigned addresses, bool reachable)
{
    struct flood f = {.w = w, .per_s = 5000, .addresses = addresses, .reachable = reachable};
    if (reachable) {
        f.cookies = calloc(addresses, sizeof *f.cookies);
        assert_non_null(f.cookies);
    }
    return f;
}

/* 5,000 message 1s a second: sessions get new keys when they should, a new client gets in, and one that was
 * in comes back. */
static void test_a_flood_without_a_ticket(void **state)
{
    (void)state;
    static const struct {
        unsigned addresses;
        bool reachable;
        skt_us rtt, in_within, back_within;
    } cases[] = {
        {10000, false, 100 * MS, 10 * SEC, 5 * SEC},  {50, true, 8000 * MS, 25 * SEC, 40 * SEC},
        {1, true, 100 * MS, 10 * SEC, 5 * SEC},       {100, true, 100 * MS, 10 * SEC, 5 * SEC},
        {10000, false, 1000 * MS, 10 * SEC, 8 * SEC},
    };
    /* A million of message 1s each: the two that say most, and with SKT_FULL (make check-sim) all. */
    size_t count = getenv("SKT_FULL") ? sizeof cases / sizeof *cases : 2;
    for (size_t i = 0; i < count; i++) {
        struct sim_world_config c = sim_link_of(cases[i].rtt / 2, 0, i + 1);
        struct sim_world *w = sim_world_new(&c);
        struct flood f = flood_new(w, cases[i].addresses, cases[i].reachable);
        (void)run_under_flood(&f, w->now + 3 * SEC, NULL); /* it was there first */
        assert_true(skt_halves_under_load(&w->server.acceptor));
        sim_world_connect(w, true);
        assert_true(run_under_flood(&f, w->now + cases[i].in_within, sim_is_up));
        /* new keys, on time */
        const struct skt_keypair *kp = w->client.session->keys.current;
        skt_us due = kp->created + SKT_REKEY_AFTER;
        (void)run_under_flood(&f, due - 10 * MS, NULL);
        assert_ptr_equal(w->client.session->keys.current, kp);
        (void)run_under_flood(&f, due + 5 * cases[i].rtt + 3 * SEC, NULL);
        check_that(w->client.session->keys.current->created, >=, due);
        assert_int_equal(w->client.ups, 1);
        /* 12 s without a link: suspect, and back */
        w->up.config.outage_at = w->down.config.outage_at = w->now;
        w->up.config.outage_len = w->down.config.outage_len = 40 * SEC;
        skt_us back = w->now + 40 * SEC;
        (void)run_under_flood(&f, back, NULL);
        assert_int_equal(skt_session_state(w->client.session), SKT_SESSION_SUSPECT);
        assert_true(run_under_flood(&f, back + cases[i].back_within, sim_is_up));
        assert_int_equal(w->client.losts, 0);
        assert_int_equal(w->server.accepted, 1);
        check_that(w->server.acceptor.half_count, <=, SKT_HALF_SESSIONS_MAX);
        free(f.cookies);
        sim_world_free(w);
    }
}

/* What was answered by a cookie is answered by nothing else, then or later: whoever has recorded it learns
 * nothing by sending it again. */
static void test_cookies_are_no_oracle(void **state)
{
    (void)state;
    struct sim_world_config c = sim_link_of(10 * MS, 0, 3);
    struct sim_world *w = sim_world_new(&c);
    struct flood f = flood_new(w, 10000, false);
    (void)run_under_flood(&f, w->now + SEC, NULL);
    sim_world_connect(w, true);
    (void)run_under_flood(&f, w->now + 5 * MS, NULL); /* its first message 1 is on the way */
    uint8_t recorded[SKT_MTU_START];
    size_t len = w->last_initiation_len;
    memcpy(recorded, w->last_initiation, len);
    uint64_t given = w->server.acceptor.cookies_given;
    assert_true(run_under_flood(&f, w->now + 10 * SEC, sim_is_up));
    check_that(w->server.acceptor.cookies_given, >, given);
    struct skt_addr spy = {.family = 4, .ip = {192, 0, 2, 9}, .port = 5};
    assert_int_equal(sim_world_inject(w, &spy, recorded, len), 0);
    assert_int_equal(sim_world_inject(w, &w->client.addr, recorded, len), 0);
    for (int minute = 0; minute < 130; minute++) {
        sim_world_run(w, w->now + 60 * SEC, NULL); /* the flood is over */
        assert_int_equal(sim_world_inject(w, &spy, recorded, len), 0);
    }
    assert_null(w->server.cookies.seen[0]);
    assert_null(w->server.cookies.seen[1]);
    sim_world_free(w);
}

/* A cookie is good for one address and some minutes, of which the client makes one round trip. */
static void test_cookies(void **state)
{
    (void)state;
    const struct skt_crypto *crypto = skt_crypto_null();
    struct skt_cookies c = {0};
    struct skt_addr a = flood_address(1), b = a;
    uint8_t cookie[SKT_COOKIE_LEN], none[SKT_COOKIE_LEN] = {0};
    skt_us now = 1000 * SEC;
    assert_false(skt_cookies_check(&c, crypto, now, &a, none));
    assert_int_equal(skt_cookies_make(&c, crypto, now, &a, cookie), SKT_OK);
    assert_true(skt_cookies_check(&c, crypto, now, &a, cookie));
    assert_false(skt_cookies_check(&c, crypto, now, &a, none));
    a.via = 3; /* another port of the same server */
    assert_true(skt_cookies_check(&c, crypto, now, &a, cookie));
    b.port++;
    assert_false(skt_cookies_check(&c, crypto, now, &b, cookie));
    assert_true(skt_cookies_check(&c, crypto, now + 119 * SEC, &a, cookie));
    assert_true(skt_cookies_check(&c, crypto, now + 125 * SEC, &a, cookie));
    assert_false(skt_cookies_check(&c, crypto, now + 250 * SEC, &a, cookie));
    assert_int_equal(skt_cookies_make(&c, crypto, now + 250 * SEC, &a, cookie), SKT_OK);
    assert_false(skt_cookies_check(&c, crypto, now + 2500 * SEC, &a, cookie));
    skt_cookies_dispose(&c);
}

static void test_rates(void **state)
{
    (void)state;
    struct skt_ratelimit r = {0};
    skt_us now = 1000 * SEC;
    unsigned taken = 0;
    for (int i = 0; i < 10; i++)
        taken += skt_ratelimit_take(&r, now, 7);
    assert_int_equal(taken, SKT_RATELIMIT_BURST);
    taken = 0;
    for (skt_us t = now; t < now + 10 * SEC; t += MS)
        taken += skt_ratelimit_take(&r, t, 7);
    assert_in_range(taken, 199, 201);
    /* whoever else asks meanwhile */
    for (uint64_t source = 100; source < 100000; source++)
        assert_true(skt_ratelimit_take(&r, now + 10 * SEC, source));
    skt_ratelimit_dispose(&r);
}

/* --- addresses that have not shown to be anybody's --- */

/* ATTACH from elsewhere than message 1: asked there first, with less than came from there. Before, the server
 * believed it, and sent whatever the session had. */
static void test_attach_from_elsewhere_is_asked(void **state)
{
    (void)state;
    struct sim_world_config c = sim_link_of(20 * MS, 0, 4);
    struct sim_world *w = sim_world_new(&c);
    sim_world_connect(w, true);
    /* the answer to message 1 has come; then it moves */
    sim_world_run(w, w->now + 41 * MS, NULL);
    assert_non_null(w->client.session->connect.pending);
    w->client.addr.port++;
    uint64_t down = w->down_bytes;
    sim_world_run(w, w->now + 30 * MS, NULL);
    assert_int_equal(w->server.accepted, 0);
    assert_true(w->down_bytes - down <= 98 && w->down_bytes > down); /* a challenge, and only that */
    assert_true(sim_world_run(w, w->now + 100 * MS, sim_is_up));
    assert_true(skt_addr_equal(skt_session_peer(sim_world_session(w)), &w->client.addr));
    sim_world_free(w);
}

/* A holder of a ticket puts a victim's address on its ATTACH: nothing but challenges goes there, ten a
 * second, each shorter than what provoked it. */
static void test_nothing_goes_to_a_forged_address(void **state)
{
    (void)state;
    struct sim_world_config c = sim_link_of(5 * MS, 0, 5);
    struct sim_world *w = sim_world_new(&c);
    sim_world_connect(w, true);
    sim_world_run(w, w->now + 11 * MS, NULL);
    struct skt_session *s = w->client.session;
    struct skt_keypair *kp = s->connect.pending;
    assert_non_null(kp);
    struct skt_addr victim = {.family = 4, .ip = {198, 51, 100, 7}, .port = 53};
    uint64_t in = 0, out = w->down_bytes;
    for (int i = 0; i < 300; i++) {
        uint8_t d[SKT_MTU_START] = {0};
        d[SKT_HEADER_LEN] = SKT_FRAME_ATTACH;
        d[SKT_HEADER_LEN + 1] = SKT_TICKET_LEN + 4 + SKT_PROOF_LEN;
        int len = skt_packet_seal(w->client.ctx.crypto, w->client.ctx.mask_out, kp, d, 70);
        check_that(len, >, 0);
        in += (uint64_t)len;
        (void)sim_world_inject(w, &victim, d, (size_t)len);
        w->now += MS;
    }
    check_that(w->down_bytes - out, <=, 5 * 98);
    check_that(w->down_bytes - out, <, in);
    assert_int_equal(w->server.accepted, 0);
    sim_world_free(w);
}

/* --- tickets proved instead of sent --- */

static void test_a_ticket_is_proved(void **state)
{
    (void)state;
    for (int known = 0; known < 2; known++) {
        struct sim_world_config c = sim_link_of(5 * MS, 0, 6);
        struct sim_world *w = sim_world_new(&c);
        w->client.ctx.features |= SKT_FEATURE_TICKET_PROOF;
        w->server.ctx.features |= SKT_FEATURE_TICKET_PROOF;
        w->server.no_tickets = !known;
        sim_world_connect(w, true);
        sim_world_run(w, w->now + 5 * SEC, NULL);
        assert_int_equal(sim_is_up(w), known);
        assert_int_equal(w->client.refusals, !known);
        assert_int_equal(w->client.ctx.ticket_proven, known);
        if (known) /* what is above sees the ticket itself */
            assert_memory_equal(skt_session_ticket(sim_world_session(w)), w->server.ticket, SKT_TICKET_LEN);
        sim_world_free(w);
    }
}

/* A wrong ticket with the id of a good one, and a proof of another handshake. */
static void test_a_wrong_ticket_proves_nothing(void **state)
{
    (void)state;
    struct sim_world_config c = sim_link_of(5 * MS, 0, 7);
    struct sim_world *w = sim_world_new(&c);
    w->client.ctx.features |= SKT_FEATURE_TICKET_PROOF;
    w->server.ctx.features |= SKT_FEATURE_TICKET_PROOF;
    w->server.any_ticket = true; /* only the proof decides */
    sim_world_connect(w, false);
    sim_world_run(w, w->now + 5 * SEC, NULL);
    assert_int_equal(w->client.refusal, SKT_ATTACH_TICKET);
    assert_int_equal(w->server.accepted, 0);
    sim_world_free(w);
}

/* A client whose server took proofs does not send its ticket to one that asks for it. */
static void test_no_way_back_to_sending_it(void **state)
{
    (void)state;
    struct sim_world_config c = sim_link_of(5 * MS, 0, 8);
    struct sim_world *w = sim_world_new(&c);
    w->client.ctx.features |= SKT_FEATURE_TICKET_PROOF;
    w->server.ctx.features |= SKT_FEATURE_TICKET_PROOF;
    sim_world_connect(w, true);
    assert_true(sim_world_run(w, w->now + SEC, sim_is_up));
    unsigned seen = w->server.tickets_seen;
    w->server.ctx.features &= ~(uint32_t)SKT_FEATURE_TICKET_PROOF;
    sim_world_run(w, w->now + 150 * SEC, NULL);
    assert_int_equal(w->server.tickets_seen, seen);
    sim_world_free(w);
}

/* --- as many sessions as there may be --- */

/* A session on the books of an acceptor, with nothing behind it. */
static struct skt_session *put_session(struct sim_world *w, uint32_t cid, char ticket, skt_us heard)
{
    struct skt_session *s;
    assert_int_equal(skt_session_new(&s, &w->server.ctx, false, w->now), SKT_OK);
    s->cid = cid;
    s->state = SKT_SESSION_UP;
    s->liveness.heard = heard;
    memset(s->ticket, ticket, sizeof s->ticket);
    assert_int_equal(skt_idmap_put(&w->server.acceptor.sessions, cid, s), SKT_OK);
    return s;
}

static void test_who_makes_room(void **state)
{
    (void)state;
    struct sim_world_config c = sim_link_of(5 * MS, 0, 9);
    struct sim_world *w = sim_world_new(&c);
    struct skt_acceptor *a = &w->server.acceptor;
    struct skt_session *asked[4], *s[6];
    uint8_t own[SKT_TICKET_LEN], other[SKT_TICKET_LEN];
    skt_us now = w->now;
    memset(own, 'a', sizeof own);
    memset(other, 'z', sizeof other);
    a->sessions_max = 6;
    for (uint32_t i = 0; i < 5; i++)
        s[i] = put_session(w, i + 1, i < 4 ? 'b' : 'a', now - (i + 1) * 100 * MS);
    assert_null(skt_acceptor_make_room(a, now, own)); /* there is some */
    s[5] = put_session(w, 6, 'c', now);
    /* one ticket has four: it has to share, with its longest unheard, but not with itself */
    memset(other, 'b', sizeof other);
    assert_null(skt_acceptor_make_room(a, now, other));
    now += SEC;
    assert_ptr_equal(skt_acceptor_make_room(a, now, own), s[3]);
    assert_int_equal(a->leaving, 1);
    skt_acceptor_forget(a, s[3]);
    skt_session_free(s[3]);
    assert_int_equal(a->leaving, 0);
    s[3] = put_session(w, 4, 'd', now);
    /* b 3, a 1, c 1, d 1: a killed client of ticket c comes back. Its old session is asked, twice, */
    memset(other, 'c', sizeof other);
    a->shares_next = SKT_NEVER; /* shares apart */
    assert_null(skt_acceptor_make_room(a, now, other));
    assert_int_equal(skt_acceptor_ask(a, now, other, asked, 4), 1);
    assert_ptr_equal(asked[0], s[5]);
    assert_true(s[5]->due.set & SKT_DUE_PING);
    assert_int_equal(skt_acceptor_ask(a, now, other, asked, 4), 0); /* not more often than every second, */
    now += 3 * SEC;
    assert_null(skt_acceptor_make_room(a, now, other));
    assert_int_equal(skt_acceptor_ask(a, now, other, asked, 4), 1);
    now += 3 * SEC;
    assert_ptr_equal(skt_acceptor_make_room(a, now, other), s[5]); /* and goes; */
    s[5]->leaving = false;
    a->leaving = 0;
    (void)skt_session_heard(s[5], now); /* had it answered, it would have stayed */
    assert_null(skt_acceptor_make_room(a, now, other));
    /* what has missed two keepalives goes for anybody */
    s[0]->liveness.heard = now - 50 * SEC;
    assert_ptr_equal(skt_acceptor_make_room(a, now, other), s[0]);
    sim_world_free(w);
}

/* The same, whole: a client is killed and started again, on a server that may have one session. */
static void test_a_killed_client_comes_back(void **state)
{
    (void)state;
    struct sim_world_config c = sim_link_of(20 * MS, 0, 10);
    struct sim_world *w = sim_connected(&c);
    w->server.acceptor.sessions_max = 1;
    sim_world_run(w, w->now + 3 * SEC, NULL);
    skt_session_free(w->client.session);
    assert_int_equal(skt_session_new_client(&w->client.session, &w->client.ctx, w->now), SKT_OK);
    skt_session_set_candidates(w->client.session, &w->server.addr, 1, 4000, 4000);
    sim_world_connect(w, true);
    assert_true(sim_world_run(w, w->now + 10 * SEC, sim_is_up));
    assert_int_equal(w->server.closed, 1);
    assert_int_equal(w->server.accepted, 2);
    sim_world_free(w);
}

CHECK_GROUP(acceptor)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_another_ticket_is_another_session),
        cmocka_unit_test(test_closed_while_its_ticket_is_looked_at),
        cmocka_unit_test(test_a_flood_without_a_ticket),
        cmocka_unit_test(test_cookies_are_no_oracle),
        cmocka_unit_test(test_cookies),
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_attach_from_elsewhere_is_asked),
        cmocka_unit_test(test_nothing_goes_to_a_forged_address),
        cmocka_unit_test(test_a_ticket_is_proved),
        cmocka_unit_test(test_a_wrong_ticket_proves_nothing),
        cmocka_unit_test(test_no_way_back_to_sending_it),
        cmocka_unit_test(test_who_makes_room),
        cmocka_unit_test(test_a_killed_client_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
