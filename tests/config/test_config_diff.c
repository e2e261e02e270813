/* SPDX-License-Identifier: MIT */
/* Of every field of the configuration, in every mode and every table: a reload either takes it over or says
 * that it takes a restart. A field without a sample here fails the test. */
#include "base/err.h"
#include "config/diff.h"
#include "config/problem.h"
#include "config/tables.h"
#include "config/types.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"

#define TICKET  "0123456789abcdef0123456789abcdef"
#define TICKET2 "fedcba9876543210fedcba9876543210"
#define KEY     "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define KEY2    "AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

#define SERVER(port) "{ address = '*', port = " #port ", password = 'p' }"
#define REMOTE(port) "{ address = 'a', port = " #port ", password = 'p', ticket = '" TICKET "' }"

/* Which table a field stands in. */
enum where { TOP_LEVEL, MODE_LEVEL, SERVER_ENTRY, REMOTE_ENTRY, TICKET_ENTRY, LISTENER_ENTRY };

enum { IN_TICKET = 1 << 16, IN_LISTENER = 1 << 17 }; /* scopes, beside those of enum config_scope */

/* What a field may be, twice; NULL: there is no second one that a running process could be given. A field may
 * have several samples. */
struct sample {
    const char *name, *a, *b;
    unsigned scope; /* in these tables only (enum config_scope); 0: in all that have the field */
};

static const struct sample samples[] = {
    {"mode", NULL, NULL, 0},
    {"script_file", "'a.lua'", "'b.lua'", 0},
    {"proxy_client", NULL, NULL, 0},
    {"proxy_server", NULL, NULL, 0},
    {"tun_client", NULL, NULL, 0},
    {"tun_server", NULL, NULL, 0},
    {"log_level", "'info'", "'debug'", 0},
    {"log_file", "'a.log'", "'b.log'", 0},
    {"trace_file", "'a.sqlog'", "'b.sqlog'", 0},
    {"trace_file_max", "1", "2", 0},
    {"status_socket", "'/run/a'", "'/run/b'", 0},
    {"metrics_addr", "':9100'", "'[::1]:9100'", 0},
    {"user", "'root'", "'nobody'", 0},
    {"max_memory", "'2M'", "'3M'", 0},
    {"workers", NULL, NULL, 0},
    {"tcp_listen_addr", "'127.0.0.1', tcp_listen_port = 1", "'127.0.0.2', tcp_listen_port = 1", 0},
    {"tcp_listen_port", "1", "2", 0},
    {"tcp_target_addr", "'a', tcp_target_port = 1", "'b', tcp_target_port = 1", 0},
    {"tcp_target_port", "1, tcp_target_addr = 'a'", "2, tcp_target_addr = 'a'", 0},
    {"tcp_read_buf_size", "1", "2", 0},
    {"tcp_keepalive", "1", "2", 0},
    {"tcp_recv_timeout", "1", "2", 0},
    {"tcp_send_timeout", "1", "2", 0},
    {"tcp_timeout_interval", "1", "2", 0},
    {"skcp_servers", "{ " SERVER(1) " }", "{ " SERVER(1) ", " SERVER(2) " }", IN_SERVERS},
    {"skcp_servers", "{}", "{ " REMOTE(3) " }", IN_TUN_CLIENT}, /* the original's name there */
    {"skcp_remote_servers", "{ " REMOTE(1) " }", "{ " REMOTE(1) ", " REMOTE(2) " }", 0},
    {"tickets", "{}", "{ ['" TICKET "'] = { name = 'x' } }", 0},
    {"tickets_file", "'a.tickets'", "'b.tickets'", 0},
    {"listeners", "{}", "{ { tcp_listen_port = 1 } }", 0},
    {"targets", "{ x = 'a:1', y = 'b:2' }", "{ y = 'b:2', x = 'a:2' }", IN_ALL},
    {"tun_ip", "'10.0.0.1', tun_mask = '255.0.0.0'", "'10.0.0.2', tun_mask = '255.0.0.0'", IN_ALL},
    {"tun_ip", "'10.0.0.1'", "'10.0.0.2'", IN_TICKET},
    {"tun_mask", "'255.0.0.0', tun_ip = '10.0.0.1'", "'255.255.0.0', tun_ip = '10.0.0.1'", 0},
    {"tun_ip6", "'fd00::1/64'", "'fd00::2/64'", 0},
    {"tun_name", "'a'", "'b'", 0},
    {"tun_mtu", "1300", "1400", 0},
    {"routes", "{ '10.0.0.0/8' }", "{ '11.0.0.0/8' }", 0},
    {"dns", "{ '10.0.0.1' }", "{ '10.0.0.2' }", 0},
    {"tun_offload", "true", "false", 0},
    {"nat", "true", "false", 0},
#ifdef __linux__
    {"kill_switch", "true, routes = { '10.0.0.0/8' }", "false, routes = { '10.0.0.0/8' }", 0},
    {"relay_tcp", "true", "false", IN_TUN_CLIENT},
#else
    {"kill_switch", "false", "nil", 0}, /* true is refused */
    {"relay_tcp", "false", "nil", IN_TUN_CLIENT},
#endif
    {"relay_tcp", "nil", "false", IN_TUN_SERVER},
    {"relay_tcp", "false", "true", IN_TUN_SERVER},
    {"relay_tcp", "true", "{ any = false, allow = { '10.0.0.0/8' } }", IN_TUN_SERVER},
    {"relay_tcp", "true", "{ allow = { '10.0.0.0/8' } }", IN_TUN_SERVER},
    {"relay_tcp", "{ deny = { '10.0.0.0/8' } }", "{ deny = { '10.0.0.0/9' } }", IN_TUN_SERVER},
    {"relay_tcp", "{ deny = { '*:25' } }", "{ deny = { '*:25-26' } }", IN_TUN_SERVER},
    {"up", "'/bin/true'", "'/bin/false'", 0},
    {"down", "'/bin/true'", "'/bin/false'", 0},
    {"address", "'10.0.0.1'", "'10.0.0.2'", 0},
    {"port", "1", "'1-2'", 0},
    {"password", "'a'", "'b'", 0},
    {"key", "'" KEY "'", "'" KEY2 "'", 0},
    {"password_file", "'a.pass'", "'b.pass'", 0},
    {"key_file", "'a.key'", "'b.key'", 0},
    {"keys", "{ '" KEY "' }", "{ '" KEY2 "' }", 0},
    {"server_key", "'" KEY "'", "'" KEY2 "'", 0},
    {"private_key", "'" KEY "'", "'" KEY2 "'", 0},
    {"ticket", "'" TICKET "'", "'" TICKET2 "'", 0},
    {"skcp_speed_mode", "0", "1", 0},
    {"skcp_keepalive", "10", "20", 0},
    {"skcp_max_conn_cnt", "10", "20", 0},
    {"streams_max", "10", "20", 0},
    {"mtu", "1200", "1300", 0},
    {"cipher", "'auto'", "'aes-256-gcm'", 0},
    {"redundancy", "'off'", "'auto'", 0},
    {"redundancy", "{ data = 10, parity = 3 }", "{ data = 10, parity = 2 }", 0},
    {"redundancy", "{ data = 10, parity = 3 }", "{ data = 9, parity = 3 }", 0},
    {"max_rate_mbit", "1", "2", 0},
    {"overhead_cap", "0.1", "0.2", 0},
    {"name", "'alice'", "'bob'", 0},
    {"subnets", "{ '192.168.1.0/24' }", "{ '192.168.2.0/24' }", 0},
    {"targets", "nil", "{}", IN_TICKET}, /* all of them; only the default one */
    {"targets", "{ 'x' }", "{ 'y' }", IN_TICKET},
    {"sessions_max", "1", "2", 0},
    {"target", "'x'", "'y'", 0},
};

static char folder[] = "/tmp/skt-diff-XXXXXX";

/* What a mode's table needs at least. */
static const char *const bases[] = {
    [SKT_CONFIG_PROXY_CLIENT] = "tcp_listen_port = 9, skcp_remote_servers = { " REMOTE(9) " }",
    [SKT_CONFIG_PROXY_SERVER] =
        "tcp_target_addr = 't', tcp_target_port = 9, skcp_servers = { " SERVER(9) " }",
    [SKT_CONFIG_TUN_CLIENT] =
        "tun_ip = '10.9.0.2', tun_mask = '255.255.255.0', skcp_remote_servers = { " REMOTE(9) " }",
    [SKT_CONFIG_TUN_SERVER] =
        "tun_ip = '10.9.0.1', tun_mask = '255.255.255.0', skcp_servers = { " SERVER(9) " }",
    [SKT_CONFIG_CUSTOM] = "targets = { x = 'a:1', y = 'a:2' }",
};

static const char *name_of(enum skt_config_mode mode)
{
    return mode == SKT_CONFIG_CUSTOM ? "mine" : skt_config_mode_str(mode);
}

static struct skt_config *load_text(const char *text)
{
    char path[64], err[SKT_CONFIG_ERROR_MAX];
    struct skt_config *conf;
    snprintf(path, sizeof path, "%s/c.lua", folder);
    if (skt_config_load_text(&conf, path, text, strlen(text), err, sizeof err) != SKT_OK)
        fail_msg("%s (%s)", err, text);
    return conf;
}

/* A configuration of the mode in which the field has this value; with a script of the user's own where the
 * mode is. */
static struct skt_config *load(enum skt_config_mode mode, enum where where, const char *name,
                               const char *value)
{
    static const char prelude[] = "local function with(t, new) if new.key or new.key_file or "
                                  "new.password_file then t.password = nil end "
                                  "for k, v in pairs(new) do t[k] = v end return t end ";
    static const char *const forms[] = {
        [TOP_LEVEL] = "",
        [MODE_LEVEL] = "%s = %s",
        [SERVER_ENTRY] = "skcp_servers = { with(" SERVER(7) ", { %s = %s }) }",
        [REMOTE_ENTRY] = "skcp_remote_servers = { with(" REMOTE(7) ", { %s = %s }) }",
        [TICKET_ENTRY] = "tickets = { ['" TICKET "'] = with({}, { %s = %s }) }",
        [LISTENER_ENTRY] = "listeners = { with({ tcp_listen_port = 7 }, { %s = %s }) }",
    };
    char field[512] = "", top[256] = "", text[2048];
    if (where != TOP_LEVEL)
        snprintf(field, sizeof field, forms[where], name, value);
    else
        snprintf(top, sizeof top, "%s = %s,", name, value);
    snprintf(text, sizeof text, "%sconfig = { mode = '%s', %s %s = with({ %s }, { %s }), %s }", prelude,
             name_of(mode), mode == SKT_CONFIG_CUSTOM ? "script_file = 'a.lua'," : "", name_of(mode),
             bases[mode], field, top);
    return load_text(text);
}

struct said {
    char all[256]; /* each followed by a blank */
    unsigned count;
};

static void note(void *user, const char *field)
{
    struct said *said = user;
    size_t len = strlen(said->all);
    snprintf(said->all + len, sizeof said->all - len, "%s ", field);
    said->count++;
}

/* The object that holds the field's value, or the list that it is in. */
static const void *object_of(enum where where, const struct skt_config *conf)
{
    if (where == TOP_LEVEL)
        return conf;
    return where == SERVER_ENTRY || where == REMOTE_ENTRY ? (const void *)conf->table.entries
                                                          : (const void *)&conf->table;
}

/* Tickets and listeners are compared as a whole, by the row of their list. */
static const struct config_field *row_of(enum where where, const struct config_field *f)
{
    const char *list = where == TICKET_ENTRY ? "tickets" : where == LISTENER_ENTRY ? "listeners" : NULL;
    if (!list)
        return f;
    const struct config_field *row = skt_config_mode_fields;
    while (strcmp(row->name, list) != 0)
        row++;
    return row;
}

static void expect_one_or_the_other(enum skt_config_mode mode, enum where where, const struct config_field *f,
                                    const struct sample *s)
{
    static const char *const places[] = {
        [TOP_LEVEL] = "",
        [MODE_LEVEL] = "%s.",
        [SERVER_ENTRY] = "%s.skcp_servers[1].",
        [REMOTE_ENTRY] = "%s.skcp_remote_servers[1].",
        [TICKET_ENTRY] = "%s.",
        [LISTENER_ENTRY] = "%s.",
    };
    struct skt_config *running = load(mode, where, f->name, s->a), *fresh = load(mode, where, f->name, s->b);
    struct skt_config *again = load(mode, where, f->name, s->b);
    struct said said = {"", 0};
    const struct config_field *row = row_of(where, f);
    bool is_entries = where == MODE_LEVEL && strncmp(f->name, "skcp_", 5) == 0; /* compared one by one */
    char place[64], expected[128];
    snprintf(place, sizeof place, places[where], name_of(mode));
    snprintf(expected, sizeof expected, "%s%s ", place, is_entries ? "skcp_" : row->name);
    if (is_entries)
        *strrchr(expected, ' ') = 0; /* whichever of the two names */
    if (!is_entries && skt_config_same_field(row, object_of(where, running), object_of(where, fresh)))
        fail_msg("%s%s: %s and %s are the same", place, f->name, s->a, s->b);
    skt_config_restart_fields(running, fresh, note, &said);
    skt_config_take_live(running, fresh);
    bool in_force =
        !is_entries && skt_config_same_field(row, object_of(where, running), object_of(where, again));
    bool is_named = strstr(said.all, expected) != NULL;
    if (in_force == is_named)
        fail_msg("%s%s is %s force, and the reload says that these take a restart: %s", place, f->name,
                 in_force ? "in" : "not in", said.all);
    skt_config_free(running);
    skt_config_free(fresh);
    skt_config_free(again);
}

/* Those that no reload can change: another mode is refused as a whole, and there is no second value. */
static bool has_one_value(const struct config_field *f)
{
    return f->read == skt_config_read_skip || (f->flags & NOT_YET) || (f->max > 0 && f->min == f->max) ||
           strcmp(f->name, "mode") == 0;
}

static void test_each_field(enum skt_config_mode mode, enum where where, const struct config_field *fields,
                            unsigned scope)
{
    for (const struct config_field *f = fields; f->name; f++) {
        unsigned found = 0;
        if (f->scope && !(f->scope & scope))
            continue;
        for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
            const struct sample *s = &samples[i];
            if (strcmp(s->name, f->name) != 0 || (s->scope && !(s->scope & scope)))
                continue;
            found++;
            if (s->a)
                expect_one_or_the_other(mode, where, f, s);
            else if (!has_one_value(f))
                fail_msg("%s has no sample, and it can change", f->name);
        }
        if (found == 0)
            fail_msg("%s has no sample", f->name);
    }
}

static void test_every_field(void **state)
{
    (void)state;
    test_each_field(SKT_CONFIG_CUSTOM, TOP_LEVEL, skt_config_top_fields, 0);
    for (int m = 0; m <= SKT_CONFIG_CUSTOM; m++)
        test_each_field((enum skt_config_mode)m, MODE_LEVEL, skt_config_mode_fields, 1U << m);
    test_each_field(SKT_CONFIG_CUSTOM, SERVER_ENTRY, skt_config_entry_fields, IN_SERVER_ENTRY);
    test_each_field(SKT_CONFIG_CUSTOM, REMOTE_ENTRY, skt_config_entry_fields, IN_REMOTE_ENTRY);
    test_each_field(SKT_CONFIG_CUSTOM, TICKET_ENTRY, skt_config_ticket_fields, IN_TICKET);
    test_each_field(SKT_CONFIG_CUSTOM, LISTENER_ENTRY, skt_config_listener_fields, IN_LISTENER);
}

static void test_own_fields_and_same(void **state)
{
    (void)state;
    struct said said = {"", 0};
    struct skt_config *a = load(SKT_CONFIG_CUSTOM, MODE_LEVEL, "own", "{ deep = { 1, 'x' }, n = 1.5 }");
    struct skt_config *b = load(SKT_CONFIG_CUSTOM, MODE_LEVEL, "own", "{ n = 1.5, deep = { 1, 'x' } }");
    struct skt_config *c = load(SKT_CONFIG_CUSTOM, MODE_LEVEL, "own", "{ n = 1.5, deep = { 1, 'y' } }");
    skt_config_restart_fields(a, b, note, &said);
    assert_int_equal(said.count, 0);
    skt_config_restart_fields(a, c, note, &said);
    assert_int_equal(said.count, 1);
    assert_string_equal(said.all, "mine.* ");
    skt_config_free(a);
    skt_config_free(b);
    skt_config_free(c);
}

/* Against what runs, not against what was read last: it is said as long as it is so. */
static void test_said_again(void **state)
{
    (void)state;
    struct skt_config *running = load(SKT_CONFIG_CUSTOM, SERVER_ENTRY, "mtu", "1200");
    for (int i = 0; i < 2; i++) {
        struct said said = {"", 0};
        struct skt_config *fresh = load(SKT_CONFIG_CUSTOM, SERVER_ENTRY, "mtu", "1300");
        skt_config_restart_fields(running, fresh, note, &said);
        skt_config_take_live(running, fresh);
        assert_string_equal(said.all, "mine.skcp_servers[1].mtu ");
        skt_config_free(fresh);
    }
    skt_config_free(running);
}

/* What the samples name. */
static const struct {
    const char *name, *holds;
} files[] = {
    {"a.lua", ""},
    {"b.lua", ""},
    {"a.key", KEY "\n"},
    {"b.key", KEY2 "\n"},
    {"a.pass", "one\n"},
    {"b.pass", "two\n"},
    {"a.tickets", "return {}"},
    {"b.tickets", "return { ['" TICKET2 "'] = {} }"},
};

static int make_folder(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[64];
        snprintf(path, sizeof path, "%s/%s", folder, files[i].name);
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        assert_true(fputs(files[i].holds, f) >= 0);
        assert_int_equal(fclose(f), 0);
    }
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[64];
        snprintf(path, sizeof path, "%s/%s", folder, files[i].name);
        (void)unlink(path);
    }
    return rmdir(folder);
}

CHECK_GROUP(config_diff)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field),
        cmocka_unit_test(test_own_fields_and_same),
        cmocka_unit_test(test_said_again),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
