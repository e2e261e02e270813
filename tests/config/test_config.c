/* SPDX-License-Identifier: MIT */
/* The configuration: what it accepts, its defaults, and each way of being wrong with the line that says so.
 */
#include "base/err.h"
#include "config/config.h"
#include "config/load.h"
#include "crypto/crypto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

#define TICKET  "0123456789abcdef0123456789abcdef"
#define KEY     "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define GOOD    "address = 'example.org', port = 4000, password = 'secret', ticket = '" TICKET "'"
#define NO_PORT "address = 'example.org', password = 'secret', ticket = '" TICKET "', "
#define NO_KEY  "address = 'example.org', port = 4000, ticket = '" TICKET "', "

static char err[SKT_CONFIG_ERROR_MAX];

/* A proxy_client whose one remote entry has these fields. */
static const char *client_with(const char *entry)
{
    static char text[4096];
    snprintf(text, sizeof text,
             "config = { mode = 'proxy_client', proxy_client = { tcp_listen_port = 8080,\n"
             "skcp_remote_servers = { { %s } } } }",
             entry);
    return text;
}

/* A proxy_server with these fields besides its entry. */
static const char *server_with(const char *fields)
{
    static char text[4096];
    snprintf(text, sizeof text,
             "config = { mode = 'proxy_server', proxy_server = { %s,\n"
             "skcp_servers = { { address = '0.0.0.0', port = 4000, password = 'secret' } } } }",
             fields);
    return text;
}

static void test_written_for_the_original(void **state)
{
    (void)state;
    struct skt_config *c = must_load(
        "config = {}\n"
        "config.mode = 'proxy_client'\n"
        "config.script_file = '../script/skcptun_proxy_client.lua'\n"
        "config.proxy_client = {\n"
        "  tcp_listen_addr = '127.0.0.2', tcp_listen_port = 8080, tcp_read_buf_size = 5000,\n"
        "  tcp_keepalive = 600, tcp_recv_timeout = 15, tcp_send_timeout = 10, tcp_timeout_interval = 1,\n"
        "  skcp_remote_servers = { { address = '192.0.2.1', port = 2222, password = 'p',\n"
        "    ticket = '" TICKET "', skcp_speed_mode = 0, skcp_keepalive = 600 } } }\n"
        "config.tun_client = { anything = 'is', accepted = { 'here' } }\n");
    assert_int_equal(c->mode, SKT_CONFIG_PROXY_CLIENT);
    assert_null(c->script_file);
    assert_int_equal(c->table.tcp_read_buf_size, 5000);
    assert_true(c->table.tcp_keepalive == 600 && c->table.tcp_recv_timeout == 15);
    assert_int_equal(c->table.entry_count, 1);
    assert_string_equal(c->table.entries[0].address, "192.0.2.1");
    assert_int_equal(c->table.entries[0].tuning.speed, 0);
    assert_int_equal(c->table.entries[0].tuning.keepalive_s, 600);
    assert_memory_equal(c->table.entries[0].ticket.bytes, TICKET, 32);
    assert_int_equal(c->table.listener_count, 1);
    assert_string_equal(c->table.listeners[0].addr, "127.0.0.2");
    assert_int_equal(c->warnings.count, 1); /* the script's name means the built-in one */
    assert_non_null(strstr(c->warnings.items[0], "built-in"));
    skt_config_free(c);

    /* The original's sample calls the remote entries of tun_client skcp_servers. */
    c = must_load(
        "config = { mode = 'tun_client', tun_client = { tun_ip = '10.1.1.2', tun_mask = '255.255.255.0',\n"
        "skcp_servers = { { " GOOD " } } } }");
    assert_int_equal(c->table.entry_count, 1);
    assert_false(c->table.entries[0].server);
    skt_config_free(c);
}

static void test_defaults(void **state)
{
    (void)state;
    struct skt_config *c = must_load(client_with(GOOD));
    const struct skt_config_entry *e = &c->table.entries[0];
    assert_string_equal(c->name, "c");
    assert_string_equal(c->status_socket, "/run/skcptun/c.sock");
    assert_string_equal(c->script_dir, "dir");
    assert_int_equal(c->log_level, SKT_LOG_INFO);
    assert_int_equal(c->workers, 1);
    assert_int_equal(c->max_memory, 0);
    assert_string_equal(c->table.listeners[0].addr, "127.0.0.1");
    assert_string_equal(c->table.listeners[0].target, "");
    assert_true(c->table.tcp_keepalive == 0 && c->table.tcp_recv_timeout == 10);
    assert_int_equal(e->tuning.speed, 1);
    assert_int_equal(e->tuning.keepalive_s, 60);
    assert_int_equal(e->tuning.sessions_max, 1024);
    assert_int_equal(e->tuning.mtu_max, 1472);
    assert_int_equal(e->tuning.ciphers, 0);
    assert_int_equal(e->tuning.redundancy, SKT_REDUNDANCY_AUTO);
    assert_int_equal(e->tuning.overhead_cap_permille, 300);
    assert_int_equal(e->port.lo, 4000);
    assert_int_equal(e->port.hi, 4000);
    assert_int_equal(c->warnings.count, 0);
    skt_config_free(c);
}

static void test_every_field(void **state)
{
    (void)state;
    struct skt_config *c = must_load(
        "config = { mode = 'proxy_server', log_level = 'DEBUG', log_file = 'x.log', status_socket = 'off',\n"
        "user = 'nobody', max_memory = '64M', workers = 1,\n"
        "proxy_server = { tcp_target_addr = 'localhost', tcp_target_port = 80,\n"
        "targets = { ssh = '[::1]:22', web = 'example.org:443' },\n"
        "tickets = { ['" TICKET "'] = { name = 'alice', tun_ip = '10.0.0.2',\n"
        "  subnets = { '192.168.1.0/24' }, targets = { 'ssh', '' } } },\n"
        "skcp_servers = { { address = '::', port = '4000-4010', key = '" KEY "', private_key = '" KEY "',\n"
        "  skcp_max_conn_cnt = 7, streams_max = 10000, mtu = 1280, cipher = 'chacha20-poly1305', redundancy "
        "= { data = 10, parity "
        "= 3 },\n"
        "  max_rate_mbit = 12.5, overhead_cap = 0.5 } } } }");
    const struct skt_config_entry *e = &c->table.entries[0];
    uint8_t key[32], psk[32];
    assert_int_equal(skt_crypto_key_from_text(KEY, 44, key), SKT_OK);
    assert_true(e->server && e->key.set && e->private_key.set && !e->password);
    assert_memory_equal(e->key.bytes, key, 32);
    assert_int_equal(skt_config_psk(e, psk), SKT_OK);
    assert_memory_equal(psk, key, 32);
    assert_int_equal(e->port.lo, 4000);
    assert_int_equal(e->port.hi, 4010);
    assert_int_equal(e->tuning.sessions_max, 7);
    assert_int_equal(e->tuning.streams_max, 10000);
    assert_int_equal(e->tuning.mtu_max, 1280);
    assert_int_equal(e->tuning.ciphers, 1 << SKT_CIPHER_CHACHA20_POLY1305);
    assert_int_equal(e->tuning.redundancy, SKT_REDUNDANCY_FIXED);
    assert_int_equal(e->tuning.redundancy_data, 10);
    assert_int_equal(e->tuning.redundancy_parity, 3);
    assert_int_equal(e->tuning.max_rate, 1562500);
    assert_int_equal(e->tuning.overhead_cap_permille, 500);
    assert_int_equal(c->log_level, SKT_LOG_DEBUG);
    assert_string_equal(c->log_file, "x.log");
    assert_null(c->trace_file);
    assert_int_equal(c->trace_file_max, 64);
    assert_string_equal(c->status_socket, "");
    assert_string_equal(c->run_as, "nobody");
    assert_int_equal(c->max_memory, 64 * 1024 * 1024);
    assert_int_equal(c->table.target_count, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct skt_config_target *t = &c->table.targets[i];
        bool ssh = strcmp(t->name, "ssh") == 0;
        assert_string_equal(t->host, ssh ? "::1" : "example.org");
        assert_int_equal(t->port, ssh ? 22 : 443);
    }
    const struct skt_config_ticket *t = &c->table.tickets[0];
    assert_true(c->table.has_tickets && t->has_targets);
    assert_string_equal(t->name, "alice");
    assert_string_equal(t->tun_ip, "10.0.0.2");
    assert_int_equal(t->subnets.count, 1);
    assert_int_equal(t->targets.count, 2);
    assert_int_equal(c->warnings.count, 0);
    skt_config_free(c);
}

static void test_listeners(void **state)
{
    (void)state;
    struct skt_config *c =
        must_load("config = { mode = 'proxy_client', proxy_client = { tcp_listen_addr = '::1',\n"
                  "tcp_listen_port = 1, listeners = { { tcp_listen_port = 2, target = 'ssh' },\n"
                  "{ tcp_listen_addr = '0.0.0.0', tcp_listen_port = 3 } },\n"
                  "skcp_remote_servers = { { " GOOD " } } } }");
    const struct skt_config_listener *l = c->table.listeners;
    assert_int_equal(c->table.listener_count, 3);
    assert_string_equal(l[0].addr, "::1");
    assert_int_equal(l[0].port, 1);
    assert_string_equal(l[1].addr, "127.0.0.1");
    assert_string_equal(l[1].target, "ssh");
    assert_string_equal(l[2].addr, "0.0.0.0");
    assert_int_equal(l[2].port, 3);
    skt_config_free(c);
}

static void test_no_tickets_is_said(void **state)
{
    (void)state;
    struct skt_config *c = must_load(server_with("tcp_target_addr = 'a', tcp_target_port = 1"));
    assert_int_equal(c->warnings.count, 1);
    assert_non_null(strstr(c->warnings.items[0], "tickets"));
    skt_config_free(c);
}

#define ENTRY1 "c.lua: proxy_client.skcp_remote_servers[1]"

static void test_custom_tun_needs_its_mask(void **state)
{
    (void)state;
    must_fail("config = { mode = 'mine', script_file = '" SKT_SOURCE_DIR
              "/tests/script/scripts/lua_tun.lua',\n"
              "mine = { tun_ip = '10.0.0.1' } }",
              "c.lua: mine.tun_mask: expected an IPv4 address, got nothing");
}

static void test_entry_errors(void **state)
{
    (void)state;
    static const struct {
        const char *entry, *line;
    } cases[] = {
        {NO_PORT "port = 'abc'", ENTRY1 ".port: expected 1..65535, got \"abc\""},
        {NO_PORT "port = 0", ENTRY1 ".port: expected 1..65535, got 0"},
        {NO_PORT "port = 65536", ENTRY1 ".port: expected 1..65535, got 65536"},
        {NO_PORT "port = 1.5", ENTRY1 ".port: expected 1..65535, got 1.5"},
        {NO_PORT "port = '4000-'", ENTRY1 ".port: expected 1..65535, got \"4000-\""},
        {NO_PORT "port = '4000-5x'", ENTRY1 ".port: expected 1..65535, got \"4000-5x\""},
        {NO_PORT "port = '4010-4000'",
         ENTRY1 ".port: expected a range from the lower to the higher port, got \"4010-4000\""},
        {NO_PORT "port = '1-65535'", ENTRY1 ".port: expected a range of at most 256 ports, got \"1-65535\""},
        {NO_PORT "port = true", ENTRY1 ".port: expected 1..65535, got true"},
        {NO_PORT "", ENTRY1 ".port: expected 1..65535, got nothing"},
        {"port = 1, password = 'x', ticket = '" TICKET "'",
         ENTRY1 ".address: expected a string, got nothing"},
        {NO_KEY "", ENTRY1 ": expected a password or a key, got neither"},
        {NO_KEY "password = 'x', key = '" KEY "'", ENTRY1 ": expected either a password or a key, got both"},
        {NO_KEY "password = 'topsecret\\0x'", ENTRY1 ".password: expected a string without zero bytes"},
        {NO_KEY "password = ''",
         ENTRY1 ".password: expected a string that is not empty, got a string of 0 bytes"},
        {NO_KEY "password = 4711", ENTRY1 ".password: expected a string, got a number"},
        {NO_KEY "key = 'c2VjcmV0'", ENTRY1 ".key: expected 32 bytes in base64 (44 characters, as of `skcptun "
                                           "keygen`), got a string of 8 bytes"},
        {GOOD ", ticket = 'short'", ENTRY1 ".ticket: expected a string of 32 bytes, got a string of 5 bytes"},
        {GOOD ", skcp_speed_mode = 'fast'",
         ENTRY1 ".skcp_speed_mode: expected 1 (turbo) or 0 (normal), got \"fast\""},
        {GOOD ", skcp_keepalive = 65536", ENTRY1 ".skcp_keepalive: expected 1..65535, got 65536"},
        {GOOD ", mtu = 1099", ENTRY1 ".mtu: expected 1100..1472, got 1099"},
        {GOOD ", mtu = 1473", ENTRY1 ".mtu: expected 1100..1472, got 1473"},
        {GOOD ", mtu = {}", ENTRY1 ".mtu: expected 1100..1472, got a table"},
        {GOOD ", cipher = 'rc4'",
         ENTRY1 ".cipher: expected \"auto\", \"aes-256-gcm\" or \"chacha20-poly1305\", got \"rc4\""},
        {GOOD ", redundancy = { data = 10 }", ENTRY1 ".redundancy.parity: expected 1..16, got nothing"},
        {GOOD ", redundancy = { data = 33, parity = 3 }", ENTRY1 ".redundancy.data: expected 1..32, got 33"},
        {GOOD ", redundancy = { data = 10, parity = 17 }",
         ENTRY1 ".redundancy.parity: expected 1..16, got 17"},
        {GOOD ", redundancy = 3",
         ENTRY1 ".redundancy: expected \"auto\", \"off\" or {data=, parity=}, got 3"},
        {GOOD ", max_rate_mbit = -1", ENTRY1 ".max_rate_mbit: expected a number 0.01..1000000, got -1"},
        {GOOD ", overhead_cap = 0/0", ENTRY1 ".overhead_cap: expected a number 0..10, got nan"},
        {GOOD ", adress = 'x'", ENTRY1 ".adress: unknown field, the nearest one is \"address\""},
        {GOOD ", skcp_keepalvie = 3",
         ENTRY1 ".skcp_keepalvie: unknown field, the nearest one is \"skcp_keepalive\""},
        {GOOD ", 'stray'", ENTRY1 ": expected names as keys, got 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        must_fail(client_with(cases[i].entry), cases[i].line);
}

static void test_other_errors(void **state)
{
    (void)state;
    must_fail("", "c.lua: config: expected a table (the file sets the global `config`), got nothing");
    must_fail("config = 3", "c.lua: config: expected a table (the file sets the global `config`), got 3");
    must_fail("config = {}", "c.lua: mode: expected a string, got nothing");
    must_fail(
        "config = { mode = 'proxy_clent' }",
        "c.lua: mode: expected proxy_client, proxy_server, tun_client, tun_server, or a name of your own "
        "with a script_file, got \"proxy_clent\"");
    must_fail("config = { mode = 'proxy_client' }",
              "c.lua: proxy_client: expected a table (the settings of the mode), got nothing");
    must_fail("config = { mode = 'proxy_client', loglevel = 'info' }",
              "c.lua: loglevel: unknown field, the nearest one is \"log_level\"");
    must_fail("config = { mode = 'proxy_client', log_level = 'loud' }",
              "c.lua: log_level: expected \"error\", \"warn\", \"info\" or \"debug\", got \"loud\"");
    must_fail("config = { mode = 'proxy_client', max_memory = '64Q' }",
              "c.lua: max_memory: expected bytes, 1 MiB or more, as a number or like \"64M\", got \"64Q\"");
    must_fail("config = { mode = 'proxy_client', script_file = 'none.lua' }",
              "c.lua: script_file: expected a script that can be read, got \"none.lua\"");
    must_fail(
        "config = { mode = 'proxy_client', proxy_client = {} }",
        "c.lua: proxy_client.skcp_remote_servers: expected a list with at least one entry, got nothing");
    must_fail("config = { mode = 'proxy_client', proxy_client = { skcp_remote_servers = { { " GOOD " } } } }",
              "c.lua: proxy_client.tcp_listen_port: expected 1..65535, or listeners = {...}, got nothing");
    must_fail("config = { mode = 'proxy_client', proxy_client = { skcp_remote_servers = { 7 } } }",
              "c.lua: proxy_client.skcp_remote_servers[1]: expected a table, got 7");
    must_fail("config = { mode = 'proxy_client', proxy_client = { skcp_remote_servers = { x = {} } } }",
              "c.lua: proxy_client.skcp_remote_servers: expected a list of tables, got a table with other "
              "keys than "
              "1, 2, ...");
    must_fail("config = { mode = 'proxy_client', proxy_client = { skcp_servers = {} } }",
              "c.lua: proxy_client.skcp_servers: unknown field, the nearest one is \"skcp_remote_servers\"");
    must_fail("config = { mode = 'proxy_client', proxy_client = { tcp_listen_addr = 'localhost', "
              "tcp_listen_port = 1 } }",
              "c.lua: proxy_client.tcp_listen_addr: expected an IPv4 or IPv6 address, got \"localhost\"");
    must_fail(
        "config = { mode = 'proxy_client', proxy_client = { listeners = { { tcp_listen_port = 1,\n"
        "tcp_listen_addr = 'x' } },\n skcp_remote_servers = { { " GOOD " } } } }",
        "c.lua: proxy_client.listeners[1].tcp_listen_addr: expected an IPv4 or IPv6 address, got \"x\"");
    must_fail(server_with("tcp_keepalive = 'x'"),
              "c.lua: proxy_server.tcp_keepalive: expected a number 0..1000000000, got \"x\"");
    must_fail(server_with("tcp_keepalive = 3"),
              "c.lua: proxy_server.tcp_target_addr: expected a string, or targets = {...}, got nothing");
    must_fail(server_with("tcp_target_addr = 'a'"),
              "c.lua: proxy_server.tcp_target_port: expected 1..65535, got nothing");
    must_fail(server_with("targets = { web = 'host' }"),
              "c.lua: proxy_server.targets.web: expected \"host:port\", got \"host\"");
    must_fail(
        server_with("targets = { web = '::1:80' }"),
        "c.lua: proxy_server.targets.web: expected \"host:port\", an IPv6 address in [ ], got \"::1:80\"");
    must_fail(
        server_with("targets = { web = 'h:80' }, tickets = { ['" TICKET "'] = { name = 'bob', "
                    "targets = { 'ssh' } } }"),
        "c.lua: proxy_server.tickets[ticket of bob].targets[1]: expected the name of one of the targets, got "
        "\"ssh\"");
    must_fail(server_with("targets = { web = 'h:80' }, tickets = { ['0123'] = {} }"),
              "c.lua: proxy_server.tickets: expected tickets of 32 bytes as keys, got a string of 4 bytes");
    must_fail(server_with("targets = { web = 'h:80' }, tickets = { ['" TICKET "'] = { nam = 'x' } }"),
              "c.lua: proxy_server.tickets[a ticket].nam: unknown field, the nearest one is \"name\"");
    must_fail(
        "config = { mode = 'tun_server', tun_server = { tun_ip = '10.0.0.256', tun_mask = '255.0.0.0' } }",
        "c.lua: tun_server.tun_ip: expected an IPv4 address, got \"10.0.0.256\"");
    must_fail("config = { mode = 'tun_client', tun_client = { tun_ip = '10.0.0.2', tun_mask = '255.0.0.0', "
              "kill_switch = "
              "true, skcp_remote_servers = { { address = 'a', port = 1, password = 'x', ticket = '" TICKET
              "' } } } }",
              "c.lua: tun_client.kill_switch: expected `routes` beside it: it holds shut what goes into the "
              "tunnel by "
              "them");
    static const char tun[] =
        "config = { mode = 'tun_server', tun_server = { tun_ip = '10.0.0.1', tun_mask = '255.0.0.0', "
        "skcp_servers = { { address = '::', port = 1, password = 'x' } }, %s } }";
    static const struct {
        const char *fields, *error;
    } cases[] = {
        {"tun_mask = '255.0.255.0'", "tun_mask: expected a mask like \"255.255.255.0\", got \"255.0.255.0\""},
        {"tun_ip6 = 'fd00::1'",
         "tun_ip6: expected an IPv6 address with its prefix, \"fd00::2/64\", got \"fd00::1\""},
        {"tun_ip6 = '10.0.0.1/8'",
         "tun_ip6: expected an IPv6 address with its prefix, \"fd00::2/64\", got \"10.0.0.1/8\""},
        {"tun_ip6 = 'fd00::1/64', tun_mtu = 1000", "tun_mtu: expected 1280 or more with tun_ip6, got 1000"},
        {"routes = { '10.0.0.0/8', 'home' }",
         "routes[2]: expected a network like \"10.0.0.0/8\", got \"home\""},
        {"dns = { 'ns.example' }", "dns[1]: expected an IPv4 or IPv6 address, got \"ns.example\""},
        {"tickets = { ['" TICKET "'] = { name = 'a', tun_ip = '10.0.0.2/8' } }",
         "tickets[ticket of a].tun_ip: expected an IPv4 address, got \"10.0.0.2/8\""},
        {"tickets = { ['" TICKET "'] = { name = 'a', subnets = { '10.0.0.2/33' } } }",
         "tickets[ticket of a].subnets[1]: expected a network like \"192.168.1.0/24\", got \"10.0.0.2/33\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512], error[512];
        snprintf(text, sizeof text, tun, cases[i].fields);
        snprintf(error, sizeof error, "c.lua: tun_server.%s", cases[i].error);
        must_fail(text, error);
    }
}

/* No secret may ever be in a line that is logged. */
static void test_errors_show_no_secret(void **state)
{
    (void)state;
    static const char *const entries[] = {NO_KEY "password = { 'hunter2' }", NO_KEY "key = 'hunter2'",
                                          NO_KEY "password = 'x', ticket = 'hunter2'",
                                          NO_KEY "password = 'hunter2', key = 'hunter2'"};
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        struct skt_config *conf = NULL;
        const char *text = client_with(entries[i]);
        assert_int_equal(skt_config_load_text(&conf, "c.lua", text, strlen(text), err, sizeof err),
                         SKT_ERR_ARG);
        assert_null(strstr(err, "hunter2"));
    }
}

static void write_file(const char *path, const char *text, mode_t mode)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    check_that(fputs(text, f), >=, 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void test_files(void **state)
{
    (void)state;
    char dir[] = "/tmp/skt-config-XXXXXX", path[64], script[64];
    struct skt_config *c = NULL;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/home.lua", dir);
    snprintf(script, sizeof script, "%s/mine.lua", dir);
    write_file(path, client_with(GOOD), 0644);
    assert_int_equal(skt_config_load(&c, path, err, sizeof err), SKT_OK);
    assert_int_equal(c->warnings.count, 1);
    assert_non_null(strstr(c->warnings.items[0], "chmod 600"));
    assert_string_equal(c->name, "home");
    skt_config_free(c);

    /* A custom mode: its own fields reach the script, the script is found beside the file. */
    write_file(script, "", 0600);
    write_file(
        path,
        "config = { mode = 'echo', script_file = 'mine.lua', echo = { colour = 'red', deep = { 1, 2 },\n"
        "skcp_servers = { { address = '::', port = 1, password = 'hunter2' } } } }",
        0600);
    assert_int_equal(skt_config_load(&c, path, err, sizeof err), SKT_OK);
    assert_int_equal(c->mode, SKT_CONFIG_CUSTOM);
    assert_string_equal(c->script_file, script);
    assert_string_equal(c->script_dir, dir);
    assert_int_equal(c->table.entry_count, 1);
    assert_non_null(c->user);
    assert_int_equal(c->warnings.count, 0);
    skt_config_free(c);

    assert_int_equal(unlink(path), 0);
    assert_int_equal(skt_config_load(&c, path, err, sizeof err), SKT_ERR_ARG);
    assert_non_null(strstr(err, "No such file"));
    assert_int_equal(skt_config_load(&c, dir, err, sizeof err), SKT_ERR_ARG);
    assert_non_null(strstr(err, "directory"));
    assert_int_equal(unlink(script), 0);
    assert_int_equal(rmdir(dir), 0);
}

static void test_sample(void **state)
{
    (void)state;
    struct skt_config *c = NULL;
    int rc = skt_config_load(&c, SKT_SOURCE_DIR "/skcptun_config_sample.lua", err, sizeof err);
    if (rc != SKT_OK)
        print_error("%s\n", err);
    assert_int_equal(rc, SKT_OK);
    skt_config_free(c);
}

CHECK_GROUP(config)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_written_for_the_original),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_every_field),
        cmocka_unit_test(test_listeners),
        cmocka_unit_test(test_no_tickets_is_said),
        cmocka_unit_test(test_custom_tun_needs_its_mask),
        cmocka_unit_test(test_entry_errors),
        cmocka_unit_test(test_other_errors),
        cmocka_unit_test(test_errors_show_no_secret),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_sample),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
