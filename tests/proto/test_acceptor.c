/* SPDX-License-Identifier: MIT */
/* The server's door: who gets in, who goes on, and at whose cost. */
#include "base/err.h"
#include "proto/session_internal.h"
#include "sim/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim/connected.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_another_ticket_is_another_session),
        cmocka_unit_test(test_closed_while_its_ticket_is_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
