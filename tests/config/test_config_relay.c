/* SPDX-License-Identifier: MIT */
/* relay_tcp: a switch on a client, rules on a server, and rules of a ticket before the server's. */
#include "base/err.h"
#include "config/diff.h"
#include "config/load.h"
#include "config/tickets.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"

#define TICKET  "0123456789abcdef0123456789abcdef"
#define TICKET2 "fedcba9876543210fedcba9876543210"

static char text[2048];

static const char *server(const char *fields)
{
    snprintf(text, sizeof text,
             "config = { mode = 'tun_server', tun_server = { tun_ip = '10.0.0.1', tun_mask = '255.0.0.0', "
             "skcp_servers = { { address = '::', port = 1, password = 'x' } }, %s } }",
             fields);
    return text;
}

static const char *client(const char *fields)
{
    snprintf(text, sizeof text,
             "config = { mode = 'tun_client', tun_client = { tun_ip = '10.0.0.2', tun_mask = '255.0.0.0', "
             "skcp_remote_servers = { { address = 'a', port = 1, password = 'x', ticket = '" TICKET
             "' } }, %s } }",
             fields);
    return text;
}

/* What the server does with an address that this ticket's holder asks for. */
static enum skt_reach_verdict judged(const struct skt_config *c, const char *ticket, const char *ip,
                                     uint16_t port)
{
    struct skt_addr a;
    const struct skt_reach *reach = skt_tickets_reach(c, (const uint8_t *)ticket);
    assert_int_equal(skt_addr_parse(&a, ip, port), SKT_OK);
    assert_non_null(reach);
    return skt_reach_judge(reach, &a);
}

static void a_client_has_a_switch(void **state)
{
    (void)state;
    struct skt_config *c = must_load(client("relay_tcp = true"));
    assert_true(c->table.relay_tcp);
    skt_config_free(c);
    c = must_load(client("nat = false"));
    assert_false(c->table.relay_tcp);
    skt_config_free(c);
    must_fail(client("relay_tcp = {}"), "c.lua: tun_client.relay_tcp: expected true or false, got a table");
}

static void a_server_connects_to_nothing_unless_told(void **state)
{
    (void)state;
    static const char *const off[] = {
        "nat = true", "relay_tcp = false", "tickets = { ['" TICKET "'] = { name = 'a' } }",
        "relay_tcp = true, tickets = { ['" TICKET "'] = { relay_tcp = false } }"};
    for (size_t i = 0; i < sizeof off / sizeof *off; i++) {
        struct skt_config *c = must_load(server(off[i]));
        assert_null(skt_tickets_reach(c, (const uint8_t *)TICKET));
        skt_config_free(c);
    }
}

static void true_is_the_internet(void **state)
{
    (void)state;
    static const char *const on[] = {"relay_tcp = true", "relay_tcp = {}",
                                     "tickets = { ['" TICKET "'] = { relay_tcp = true } }"};
    for (size_t i = 0; i < sizeof on / sizeof *on; i++) {
        struct skt_config *c = must_load(server(on[i]));
        assert_int_equal(judged(c, TICKET, "203.0.113.1", 80), SKT_REACH_ANY);
        assert_int_equal(judged(c, TICKET, "192.168.1.1", 80), SKT_REACH_LOCAL);
        assert_int_equal(judged(c, TICKET, "127.0.0.1", 80), SKT_REACH_LOCAL);
        skt_config_free(c);
    }
}

static void tickets_have_rules_of_their_own(void **state)
{
    (void)state;
    struct skt_config *c = must_load(
        server("relay_tcp = { allow = { '192.168.1.0/24:80-90' }, deny = { '*:25' } },\n"
               "tickets = { ['" TICKET "'] = { name = 'a' }, ['" TICKET2
               "'] = { name = 'b', relay_tcp = { any = false, allow = { '[2001:db8::/32]:443' } } } }"));
    assert_int_equal(judged(c, TICKET, "192.168.1.7", 85), SKT_REACH_NAMED);
    assert_int_equal(judged(c, TICKET, "192.168.1.7", 91), SKT_REACH_LOCAL);
    assert_int_equal(judged(c, TICKET, "203.0.113.1", 25), SKT_REACH_DENIED);
    assert_int_equal(judged(c, TICKET2, "203.0.113.1", 80), SKT_REACH_NOT_NAMED);
    assert_int_equal(judged(c, TICKET2, "2001:db8::1", 443), SKT_REACH_NAMED);
    assert_int_equal(judged(c, TICKET2, "192.168.1.7", 85), SKT_REACH_LOCAL);
    skt_config_free(c);
}

static void mistakes_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *fields, *error;
    } cases[] = {
        {"relay_tcp = 'yes'",
         "relay_tcp: expected true, false, or { any =, allow = {...}, deny = {...} }, got "
         "\"yes\""},
        {"relay_tcp = { allow = { 'example.org' } }",
         "relay_tcp.allow[1]: expected a network, with ports if need be: \"10.0.0.0/8\", \"10.0.0.5:443\", "
         "\"[fd00::/8]:80-90\", \"*:25\", got \"example.org\""},
        {"relay_tcp = { deny = { '*:25', 25 } }",
         "relay_tcp.deny[2]: expected a network, with ports if need be: \"10.0.0.0/8\", \"10.0.0.5:443\", "
         "\"[fd00::/8]:80-90\", \"*:25\", got 25"},
        {"relay_tcp = { any = false }",
         "relay_tcp: expected `allow` beside any = false: nothing could be reached"},
        {"relay_tcp = { alow = {} }", "relay_tcp.alow: unknown field, the nearest one is \"allow\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char error[512];
        snprintf(error, sizeof error, "c.lua: tun_server.%s", cases[i].error);
        must_fail(server(cases[i].fields), error);
    }
    must_fail(
        "config = { mode = 'proxy_server', proxy_server = { tcp_target_addr = 'a', tcp_target_port = 1, "
        "skcp_servers = { { address = '::', port = 1, password = 'x' } }, tickets = { ['" TICKET
        "'] = { name = 'a', relay_tcp = true } } } }",
        "c.lua: proxy_server.tickets[ticket of a].relay_tcp: unknown field, the nearest one is \"tun_ip\"");
}

static void note(void *user, const char *field)
{
    strcat(strcat(user, field), " ");
}

static void a_reload_takes_rules_over(void **state)
{
    (void)state;
    char said[256] = "";
    struct skt_config *running = must_load(server("relay_tcp = true"));
    struct skt_config *fresh = must_load(server("relay_tcp = { deny = { '*:25' } }"));
    skt_config_restart_fields(running, fresh, note, said);
    assert_string_equal(said, "");
    skt_config_take_live(running, fresh);
    assert_int_equal(judged(running, TICKET, "203.0.113.1", 25), SKT_REACH_DENIED);
    skt_config_free(running);
    skt_config_free(fresh);
    running = must_load(client("relay_tcp = true"));
    fresh = must_load(client("relay_tcp = false"));
    skt_config_restart_fields(running, fresh, note, said);
    assert_string_equal(said, "tun_client.relay_tcp ");
    skt_config_free(running);
    skt_config_free(fresh);
}

CHECK_GROUP(config_relay)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_has_a_switch), cmocka_unit_test(a_server_connects_to_nothing_unless_told),
        cmocka_unit_test(true_is_the_internet),  cmocka_unit_test(tickets_have_rules_of_their_own),
        cmocka_unit_test(mistakes_are_told),     cmocka_unit_test(a_reload_takes_rules_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
