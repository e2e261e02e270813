/* SPDX-License-Identifier: MIT */
/* Of every field of the configuration: a reload either takes it over or says that it takes a restart. A field
 * without a sample here fails the test. */
#include "base/err.h"
#include "config/diff.h"
#include "config/read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"

#define TICKET  "0123456789abcdef0123456789abcdef"
#define TICKET2 "fedcba9876543210fedcba9876543210"
#define KEY     "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define KEY2    "AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

enum where { TOP_LEVEL, MODE_LEVEL, SERVER_ENTRY, REMOTE_ENTRY };

/* What a field may be, twice; NULL: there is no second one that a running process could be given. */
struct sample {
    const char *name, *a, *b;
};

static const struct sample samples[] = {
    {"mode", NULL, NULL}, /* refused by the reload as a whole */
    {"script_file", "'a.lua'", "'b.lua'"},
    {"proxy_client", NULL, NULL},
    {"proxy_server", NULL, NULL},
    {"tun_client", NULL, NULL},
    {"tun_server", NULL, NULL},
    {"log_level", "'info'", "'debug'"},
    {"log_file", "'a.log'", "'b.log'"},
    {"trace_file", "'a.sqlog'", "'b.sqlog'"},
    {"trace_file_max", "1", "2"},
    {"status_socket", "'/run/a'", "'/run/b'"},
    {"metrics_addr", NULL, NULL}, /* not in this version */
    {"user", "'root'", "'nobody'"},
    {"max_memory", "'2M'", "'3M'"},
    {"workers", NULL, NULL}, /* 1 is all there is */
    {"tcp_listen_addr", "'127.0.0.1', tcp_listen_port = 1", "'127.0.0.2', tcp_listen_port = 1"},
    {"tcp_listen_port", "1", "2"},
    {"tcp_target_addr", "'a', tcp_target_port = 1", "'b', tcp_target_port = 1"},
    {"tcp_target_port", "1, tcp_target_addr = 'a'", "2, tcp_target_addr = 'a'"},
    {"tcp_read_buf_size", "1", "2"},
    {"tcp_keepalive", "1", "2"},
    {"tcp_recv_timeout", "1", "2"},
    {"tcp_send_timeout", "1", "2"},
    {"tcp_timeout_interval", "1", "2"},
    {"skcp_servers", "{}", "{ { address = '*', port = 1, password = 'p' } }"},
    {"skcp_remote_servers", "{}", "{ { address = 'a', port = 1, password = 'p', ticket = '" TICKET "' } }"},
    {"tickets", "{}", "{ ['" TICKET "'] = { name = 'x' } }"},
    {"listeners", "{}", "{ { tcp_listen_port = 1 } }"},
    {"targets", "{ x = 'a:1', y = 'b:2' }", "{ y = 'b:2', x = 'a:2' }"},
    {"tun_ip", "'10.0.0.1', tun_mask = '255.0.0.0'", "'10.0.0.2', tun_mask = '255.0.0.0'"},
    {"tun_mask", "'255.0.0.0', tun_ip = '10.0.0.1'", "'255.255.0.0', tun_ip = '10.0.0.1'"},
    {"tun_ip6", "'fd00::1/64'", "'fd00::2/64'"},
    {"tun_name", "'a'", "'b'"},
    {"tun_mtu", "1300", "1400"},
    {"routes", "{ '10.0.0.0/8' }", "{ '11.0.0.0/8' }"},
    {"dns", "{ '10.0.0.1' }", "{ '10.0.0.2' }"},
    {"tun_offload", "true", "false"},
    {"nat", "true", "false"},
    {"up", "'/bin/true'", "'/bin/false'"},
    {"down", "'/bin/true'", "'/bin/false'"},
    {"address", "'10.0.0.1'", "'10.0.0.2'"},
    {"port", "1", "'1-2'"},
    {"password", "'a'", "'b'"},
    {"key", "'" KEY "', password = nil", "'" KEY2 "', password = nil"},
    {"server_key", "'" KEY "'", "'" KEY2 "'"},
    {"private_key", "'" KEY "'", "'" KEY2 "'"},
    {"ticket", "'" TICKET "'", "'" TICKET2 "'"},
    {"skcp_speed_mode", "0", "1"},
    {"skcp_keepalive", "10", "20"},
    {"skcp_max_conn_cnt", "10", "20"},
    {"streams_max", "10", "20"},
    {"mtu", "1200", "1300"},
    {"cipher", "'auto'", "'aes-256-gcm'"},
    {"redundancy", "{ data = 10, parity = 3 }", "{ data = 10, parity = 2 }"},
    {"max_rate_mbit", "1", "2"},
    {"overhead_cap", "0.1", "0.2"},
};

static char folder[] = "/tmp/skt-diff-XXXXXX";

/* A configuration of a custom mode in which the field has this value. */
static struct skt_config *load(enum where where, const char *name, const char *value)
{
    static const char *const forms[] = {
        [TOP_LEVEL] = "%3$s mode = 'mine', %1$s = %2$s, mine = {} }",
        [MODE_LEVEL] = "%3$s mode = 'mine', script_file = 'a.lua', mine = { %1$s = %2$s } }",
        [SERVER_ENTRY] = "%3$s mode = 'mine', script_file = 'a.lua', mine = { skcp_servers = { with({ "
                         "address = '*', port = "
                         "7, password = 'x' }, { %1$s = %2$s }) } } }",
        [REMOTE_ENTRY] = "%3$s mode = 'mine', script_file = 'a.lua', mine = { skcp_remote_servers = { with({ "
                         "address = 'x', "
                         "port = 7, password = 'x', ticket = '" TICKET "' }, { %1$s = %2$s }) } } }",
    };
    static const char prelude[] =
        "local function with(t, new) for k, v in pairs(new) do t[k] = v end if new.key then "
        "t.password = nil end return t end config = {";
    char text[1024], path[64], err[SKT_CONFIG_ERROR_MAX];
    snprintf(path, sizeof path, "%s/c.lua", folder);
    snprintf(text, sizeof text, forms[where], name, value, prelude);
    if (where == TOP_LEVEL && strcmp(name, "script_file") != 0)
        snprintf(strrchr(text, '}'), 32, ", script_file = 'a.lua' }");
    struct skt_config *conf;
    if (skt_config_load_text(&conf, path, text, strlen(text), err, sizeof err) != SKT_OK)
        fail_msg("%s (%s)", err, text);
    return conf;
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

static const void *object_of(enum where where, const struct skt_config *conf)
{
    if (where == TOP_LEVEL)
        return conf;
    return where == MODE_LEVEL ? (const void *)&conf->table : conf->table.entries;
}

static void expect_one_or_the_other(enum where where, const struct config_field *f, const struct sample *s)
{
    struct skt_config *running = load(where, f->name, s->a), *fresh = load(where, f->name, s->b);
    struct skt_config *again = load(where, f->name, s->b);
    struct said said = {"", 0};
    skt_config_restart_fields(running, fresh, note, &said);
    skt_config_take_live(running, fresh);
    bool in_force = skt_config_same_field(f, object_of(where, running), object_of(where, again));
    bool is_list = strncmp(f->name, "skcp_", 5) == 0 && where == MODE_LEVEL;
    if (said.count > 0)
        assert_non_null(strstr(said.all, is_list ? "skcp_" : f->name));
    if (!is_list && in_force == (said.count > 0))
        fail_msg("%s is %s force, and the reload says %u times that it takes a restart", f->name,
                 in_force ? "in" : "not in", said.count);
    skt_config_free(running);
    skt_config_free(fresh);
    skt_config_free(again);
}

static void test_each_field(enum where where, const struct config_field *fields, unsigned scope)
{
    for (const struct config_field *f = fields; f->name; f++) {
        size_t i = 0;
        if (f->scope && !(f->scope & scope))
            continue;
        while (i < sizeof samples / sizeof *samples && strcmp(samples[i].name, f->name) != 0)
            i++;
        if (i == sizeof samples / sizeof *samples)
            fail_msg("%s has no sample", f->name);
        if (samples[i].a)
            expect_one_or_the_other(where, f, &samples[i]);
    }
}

static void test_every_field(void **state)
{
    (void)state;
    test_each_field(TOP_LEVEL, skt_config_top_fields, 0);
    test_each_field(MODE_LEVEL, skt_config_mode_fields, IN_CUSTOM);
    test_each_field(SERVER_ENTRY, skt_config_entry_fields, IN_SERVER_ENTRY);
    test_each_field(REMOTE_ENTRY, skt_config_entry_fields, IN_REMOTE_ENTRY);
}

static void test_own_fields_and_same(void **state)
{
    (void)state;
    struct said said = {"", 0};
    struct skt_config *a = load(MODE_LEVEL, "own", "{ deep = { 1, 'x' }, n = 1.5 }");
    struct skt_config *b = load(MODE_LEVEL, "own", "{ n = 1.5, deep = { 1, 'x' } }");
    struct skt_config *c = load(MODE_LEVEL, "own", "{ n = 1.5, deep = { 1, 'y' } }");
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
    struct skt_config *running = load(SERVER_ENTRY, "mtu", "1200");
    for (int i = 0; i < 2; i++) {
        struct said said = {"", 0};
        struct skt_config *fresh = load(SERVER_ENTRY, "mtu", "1300");
        skt_config_restart_fields(running, fresh, note, &said);
        skt_config_take_live(running, fresh);
        assert_string_equal(said.all, "mine.skcp_servers[1].mtu ");
        skt_config_free(fresh);
    }
    skt_config_free(running);
}

static int make_folder(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    for (const char *name = "ab"; *name; name++) {
        char path[64];
        snprintf(path, sizeof path, "%s/%c.lua", folder, *name);
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        assert_int_equal(fclose(f), 0);
    }
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    char path[64];
    snprintf(path, sizeof path, "%s/a.lua", folder);
    (void)unlink(path);
    snprintf(path, sizeof path, "%s/b.lua", folder);
    (void)unlink(path);
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
