/* SPDX-License-Identifier: MIT */
/* What `check` says: every mistake of a file in one run, each with its line; texts that are no configuration;
 * what the original took. */
#include "base/err.h"
#include "config/config.h"
#include "config/lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

#define TICKET  "0123456789abcdef0123456789abcdef"
#define TICKET2 "0123456789abcdef0123456789abcdeg"
#define REMOTE                                                                                               \
    "skcp_remote_servers = { { address = 'a.example', port = 4000, password = 'p', ticket = '" TICKET "' } " \
    "}"
#define SERVERS "skcp_servers = { { address = '*', port = 4000, password = 'p' } }"

static char err[SKT_CONFIG_ERROR_MAX];
static char folder[] = "/tmp/skt-problems-XXXXXX";
static char path[64];

static int make_folder(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/c.lua", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder);
}

static void write_file(const char *name, const char *text, mode_t mode)
{
    FILE *f = fopen(name, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(name, mode), 0);
}

/* Exactly these lines, each behind the path and ": " (or ":", where Lua has put a line there). */
static void must_say(const char *text, const char *const *lines)
{
    struct skt_config *conf;
    struct skt_config_strings problems;
    write_file(path, text, 0600);
    int rc = skt_config_check(&conf, path, &problems);
    assert_int_equal(rc, SKT_ERR_ARG);
    size_t n = 0;
    for (; lines[n]; n++) {
        if (n >= problems.count)
            fail_msg("not said: %s", lines[n]);
        check_that(strncmp(problems.items[n], path, strlen(path)), ==, 0);
        assert_string_equal(problems.items[n] + strlen(path), lines[n]);
    }
    if (n < problems.count)
        fail_msg("said, too: %s", problems.items[n]);
    skt_config_strings_free(&problems);
}

#define SAYS(text, ...) must_say(text, (const char *const[]){__VA_ARGS__, NULL})

/* Where others may write a link may be anybody's. */
static void test_a_log_that_is_a_link(void **state)
{
    (void)state;
    char link[64], text[512], said[256];
    snprintf(link, sizeof link, "/tmp/skt-problems-%ld.log", (long)getpid());
    assert_int_equal(symlink("/dev/null", link), 0);
    snprintf(text, sizeof text,
             "config = { mode = 'proxy_client', log_file = '%s', proxy_client = { " REMOTE
             ", tcp_listen_port = 80 } }",
             link);
    snprintf(
        said, sizeof said,
        ": log_file: \"%s\": a link in a folder that others may write, not followed (chmod go-w the folder, "
        "or another path) (line 1)",
        link);
    SAYS(text, said);
    assert_int_equal(unlink(link), 0);
}

static void test_all_of_them_with_lines(void **state)
{
    (void)state;
    SAYS("-- a comment\n"
         "config = {\n"
         "  mode = 'proxy_client',\n"
         "  log_level = 'loud',\n"
         "  proxy_client = {\n"
         "    tcp_listen_port = 'http',\n"
         "    tcp_keepalive = -1,\n"
         "    --[[ long\n"
         "    comment ]]\n"
         "    skcp_remote_servers = {\n"
         "      { address = 'a.example', port = 4000, password = [[\n"
         "p]], ticket = '" TICKET "' },\n"
         "      {\n"
         "        address = 'b.example:4000',\n"
         "        port = 'abc',\n"
         "        pasword = 'x',\n"
         "        ticket = 'short',\n"
         "      },\n"
         "    },\n"
         "  },\n"
         "}\n"
         "config.user = 'nobody-at-all'\n",
         ": log_level: expected \"error\", \"warn\", \"info\" or \"debug\", got \"loud\" (line 4)",
         ": proxy_client.tcp_listen_port: expected 1..65535, got \"http\" (line 6)",
         ": proxy_client.tcp_keepalive: expected a number 0..1000000000, got -1 (line 7)",
         ": proxy_client.skcp_remote_servers[2].address: expected a name or an address without a port (it "
         "has a field of its "
         "own), got \"b.example:4000\" (line 14)",
         ": proxy_client.skcp_remote_servers[2].port: expected 1..65535, got \"abc\" (line 15)",
         ": proxy_client.skcp_remote_servers[2].pasword: unknown field, the nearest one is \"password\" "
         "(line 16)",
         ": proxy_client.skcp_remote_servers[2].ticket: expected a string of 32 bytes, got a string of 5 "
         "bytes (line 17)",
         ": user: there is no account \"nobody-at-all\" (line 22)");
}

static void test_lines(void **state)
{
    (void)state;
    static const char text[] =
        "local port = 4\nconfig = {}\nconfig.mode = \"x\"\nconfig.tun_client = {\n  tun_ip = f({1, 2}),\n"
        "  dns = { '1', '2',\n '3' }, ['odd key'] = 1, last = 3\n}";
    static const struct {
        const char *where;
        unsigned line;
    } cases[] = {{"mode", 3},
                 {"tun_client", 4},
                 {"tun_client.tun_ip", 5},
                 {"tun_client.dns[1]", 6},
                 {"tun_client.dns[3]", 7},
                 {"tun_client.last", 7},
                 {"tun_client.tun_mask", 4}, /* not there: the table where it should be */
                 {"tun_clients", 0},
                 {"port", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(skt_config_line_of(text, sizeof text - 1, cases[i].where), cases[i].line);
    for (size_t len = 0; len < sizeof text; len++) { /* wherever a file may end */
        char *copy = malloc(len ? len : 1);
        assert_non_null(copy);
        memcpy(copy, text, len);
        (void)skt_config_line_of(copy, len, "tun_client.dns[3]");
        free(copy);
    }
}

static void test_texts_that_are_none(void **state)
{
    (void)state;
    SAYS("{ \"remoteaddr\": \"1.2.3.4:29900\" }",
         ": this looks like JSON: a configuration is a Lua file that sets config = { ... }, see "
         "skcptun_config_sample.lua");
    SAYS("\xff\xfe", ": the file is in UTF-16: save it as UTF-8");
    SAYS("config = {\n mode = \xe2\x80\x9cproxy_client\xe2\x80\x9d }",
         ":2: unexpected symbol near '<\\226>' (typographic quotes in line 2: write \" instead)");
    SAYS("\ndofile('secrets.lua')",
         ":2: attempt to call a nil value (global 'dofile') (a configuration has string, table, "
         "math and os.getenv, and no dofile)");
    SAYS("config = { mode = 'proxy_client', address = 'x',\n tcp_listen_port = 8080,\n proxy_client = "
         "{ " REMOTE " } }",
         ": address: this field belongs into an entry of skcp_servers or skcp_remote_servers (line 1)",
         ": tcp_listen_port: this field belongs into the mode's table, as in proxy_client = { "
         "tcp_listen_port = ... } (line "
         "2)",
         ": proxy_client.tcp_listen_port: expected 1..65535, or listeners = {...}, got nothing (line 3)");
}

/* As people write who come from other formats. */
static void test_from_other_formats(void **state)
{
    (void)state;
    SAYS("# a comment\nconfig = {}", ":1: unexpected symbol near '#' (a comment begins with --)");
    SAYS("config = {\n  // a comment\n mode = 'x' }",
         ":2: unexpected symbol near '//' (a comment begins with --)");
    SAYS("config = {\n  mode: \"proxy_client\",\n}",
         ":2: <name> expected near '\"proxy_client\"' (a field is written name = value)");
    SAYS("config = { mode = 'x', port: 80 }",
         ":1: <name> expected near '80' (a field is written name = value)");
    SAYS("mode: proxy_server\nproxy_server:\n  port: 80\n",
         ":2: function arguments expected near 'proxy_server' (a field is written name = value)");
    SAYS("[server]\nport = 80\n",
         ":1: unexpected symbol near '[' (a configuration is a Lua file that sets config = { ... }, see "
         "skcptun_config_sample.lua)");
    SAYS("config = {\n mode = 127.0.0.1 }",
         ":2: malformed number near '127.0.0.1' (a text stands in quotes)");
    SAYS("config = {\n mode = 'x'\n x = {} }",
         ":3: '}' expected (to close '{' at line 1) near 'x' (is a comma missing before it?)");
    SAYS("config = { mode = 'proxy_client', proxy_client = { tcp_listen_port = PORT, " REMOTE " } }",
         ": proxy_client.tcp_listen_port: expected 1..65535, or listeners = {...}, got nothing: nothing has "
         "set the "
         "variable PORT (line 1)");
    SAYS("config = { mode = 'proxy_client', proxy_client = {\n tcp_listen_port = "
         "os.getenv('SKT_NO_SUCH'), " REMOTE " } }",
         ": proxy_client.tcp_listen_port: expected 1..65535, or listeners = {...}, got nothing: is the "
         "variable of "
         "os.getenv in the environment? (line 2)");
    SAYS("local config = {}", ": config: expected a global: leave out the word `local` before it");
    SAYS("-- mine\nreturn { mode = 'proxy_client' }",
         ": config: expected it to be set: write `config = {` instead of `return {`");
    SAYS("config = { mode = 'tun_client',\n tun_client = { nat = True } }",
         ":2: True is no value here: write true");
    SAYS("config = {\n mode = 'proxy_client',\n proxy_server = {} }",
         ": proxy_client: expected a table (the settings of the mode), but there is one for proxy_server: "
         "which mode "
         "is meant? (line 2)");
    SAYS("config = {\n mode = 'proxy_client' }",
         ": proxy_client: expected a table (the settings of the mode), got nothing (line 2)");
}

/* Lua takes both without a word. */
static void test_warned_of(void **state)
{
    (void)state;
    struct skt_config *conf;
    struct skt_config_strings problems;
    write_file(
        path,
        "config = { mode = 'proxy_client',\n log_file = LOG, proxy_client = { tcp_listen_port = 1,\n " REMOTE
        ",\n tcp_listen_port = 2 } }\nconfig.log_level = 'warn'",
        0600);
    assert_int_equal(skt_config_check(&conf, path, &problems), SKT_OK);
    assert_int_equal(conf->warnings.count, 2);
    assert_string_equal(conf->warnings.items[0],
                        "proxy_client.tcp_listen_port is set in line 2, and again in line 4, which counts");
    assert_string_equal(
        conf->warnings.items[1],
        "nothing has set the variable LOG, so it is nil (line 2); is it a text without quotes?");
    assert_int_equal(conf->table.listeners[0].port, 2);
    skt_config_free(conf);
    skt_config_strings_free(&problems);
}

/* One warning that begins so, and is all; NULL: none. */
static void must_warn(const char *text, const char *expected)
{
    struct skt_config *conf;
    struct skt_config_strings problems;
    write_file(path, text, 0600);
    assert_int_equal(skt_config_check(&conf, path, &problems), SKT_OK);
    if (!expected && conf->warnings.count > 0)
        fail_msg("warned: %s", conf->warnings.items[0]);
    assert_int_equal(conf->warnings.count, expected ? 1 : 0);
    if (expected)
        assert_string_equal(conf->warnings.items[0], expected);
    skt_config_free(conf);
    skt_config_strings_free(&problems);
}

#define TWO_REMOTES(one, two)                                                                                \
    "config = { mode = 'proxy_client', proxy_client = { tcp_listen_port = 1,\n skcp_remote_servers = {\n"    \
    "{ password = 'p', ticket = '" TICKET "', " one " },\n"                                                  \
    "{ password = 'p', ticket = '" TICKET "', " two " } } } }"

static void test_one_server_twice(void **state)
{
    (void)state;
    must_warn(TWO_REMOTES("address = 'a.example', port = 4000", "address = 'A.example', port = '4000'"),
              "proxy_client.skcp_remote_servers[2]: the same server as skcp_remote_servers[1] in line 3: "
              "A.example port 4000 is asked twice, which makes nothing safer (line 4)");
    must_warn(TWO_REMOTES("address = '2001:db8::1', port = '4000-4010'",
                          "address = '2001:DB8:0:0::1', port = '4005-4020'"),
              "proxy_client.skcp_remote_servers[2]: the same server as skcp_remote_servers[1] in line 3: "
              "2001:DB8:0:0::1 port 4005 is asked twice, which makes nothing safer (line 4)");
    must_warn(TWO_REMOTES("address = 'a.example', port = 4000", "address = 'a.example', port = 4001"), NULL);
    must_warn(TWO_REMOTES("address = 'a.example', port = 4000", "address = 'b.example', port = 4000"), NULL);
    /* Two holders of tickets at one server: a script may want that. */
    must_warn("config = { mode = 'mine', script_file = '/dev/null', mine = { skcp_remote_servers = {\n"
              "{ password = 'p', ticket = '" TICKET "', address = 'a', port = 1 },\n"
              "{ password = 'p', ticket = '" TICKET2 "', address = 'a', port = 1 } } } }",
              NULL);
}

/* The account that `user` names is told from root by what it may write; a test that is not root has no folder
 * that it could not write itself, so the system's are asked for. */
static void test_a_trace_beyond_the_account(void **state)
{
    (void)state;
    const char *rest = "proxy_client = { tcp_listen_port = 1, " REMOTE " } }";
    char text[512], expected[256];
    snprintf(text, sizeof text,
             "config = { mode = 'proxy_client', user = 'nobody',\n trace_file = '/etc/a', %s", rest);
    must_warn(text, "trace_file: the account nobody can't write /etc/a: the start makes it, but SIGHUP can't "
                    "begin a trace there; that takes a folder which the account may write (line 2)");
    snprintf(text, sizeof text,
             "config = { mode = 'proxy_client', user = 'nobody', trace_file = '/tmp/none', %s", rest);
    must_warn(text, NULL);
    snprintf(text, sizeof text, "config = { mode = 'proxy_client', user = 'root', trace_file = '/etc/a', %s",
             rest);
    must_warn(text, NULL);
    snprintf(text, sizeof text, "config = { mode = 'proxy_client', trace_file = '/etc/a', %s", rest);
    must_warn(text, NULL);
    /* A file of its own name decides, not the folder; this one is ours. */
    snprintf(text, sizeof text, "config = { mode = 'proxy_client', user = 'nobody', trace_file = '%s', %s",
             path, rest);
    snprintf(
        expected, sizeof expected,
        "trace_file: the account nobody can't write %s: the start makes it, but SIGHUP can't begin a trace "
        "there; that takes a folder which the account may write (line 1)",
        path);
    must_warn(text, expected);
}

/* Lua does not say which ticket comes first. */
static void test_two_tickets_with_one_network(void **state)
{
    (void)state;
    struct skt_config *conf;
    struct skt_config_strings problems;
    write_file(path,
               "config = { mode = 'tun_server', tun_server = { tun_ip = '10.0.0.1', tun_mask = "
               "'255.255.255.0', " SERVERS ",\ntickets = { ['" TICKET
               "'] = { name = 'a', subnets = { '192.168.0.0/16', '192.168.1.0/24' } }, ['" TICKET2
               "'] = { name = 'b', subnets = { '192.168.1.0/24' } } } } }",
               0600);
    assert_int_equal(skt_config_check(&conf, path, &problems), SKT_ERR_ARG);
    assert_int_equal(problems.count, 1);
    assert_non_null(strstr(problems.items[0], " has \"192.168.1.0/24\" already (line 2)"));
    skt_config_strings_free(&problems);
}

static void test_what_would_fail_later(void **state)
{
    (void)state;
    SAYS("config = { mode = 'tun_server', tun_server = { tun_ip = '10.0.0.0', tun_mask = "
         "'255.255.255.0', " SERVERS ",\n"
         "tun_name = 'a-name-too-long!', up = 'up.sh',\ndown = '/nowhere/down.sh',\n tickets = {} } }",
         ": tun_server.tun_ip: expected the address of a host, got that of the network or its broadcast, "
         "\"10.0.0.0\" (line 1)",
         ": tun_server.up: expected an absolute path, got \"up.sh\" (line 2)",
         ": tun_server.down: expected a program that is there and may be run, got \"/nowhere/down.sh\" (line "
         "3)");
    SAYS("config = { mode = 'tun_server', tun_server = { tun_ip = '10.0.0.1', tun_mask = "
         "'255.255.255.0', " SERVERS ",\n"
         "tun_name = 'a-name-too-long!', tickets = { ['" TICKET
         "'] = { name = 'a', tun_ip = '10.0.1.2' } } } }",
         ": tun_server.tickets[ticket of a].tun_ip: expected an address of a host in the server's network "
         "(10.0.0.1 with "
         "255.255.255.0), got \"10.0.1.2\" (line 2)",
         ": tun_server.tun_name: expected the name of an interface, up to 15 letters, digits and "
         "\"_-.@\", got "
         "\"a-name-too-long!\" (line 2)");
    SAYS("config = { mode = 'proxy_client', log_file = '/no/such/folder/x.log', proxy_client = { " REMOTE
         ",\n"
         "tcp_listen_port = 80,\nlisteners = { { tcp_listen_port = 80 } } } }",
         ": log_file: expected a file in a folder that is there, got \"/no/such/folder/x.log\" (line 1)",
         ": proxy_client.listeners[1].tcp_listen_port: another listener has 127.0.0.1 port 80 already (line "
         "3)");
    SAYS("config = { mode = 'proxy_client', trace_file = '/no/such/folder/x.sqlog', trace_file_max = 0, "
         "proxy_client = { tcp_listen_port = 1, " REMOTE " } }",
         ": trace_file_max: expected 1..1000000, got 0 (line 1)",
         ": trace_file: expected a file in a folder that is there, got \"/no/such/folder/x.sqlog\" (line 1)");
    SAYS("config = { mode = 'proxy_client', trace_file = '/tmp/x', log_file = '/tmp/x', "
         "proxy_client = { tcp_listen_port = 1, " REMOTE " } }",
         ": trace_file: expected a file of its own, got that of log_file (line 1)");
    SAYS("config = { mode = 'proxy_server', proxy_server = { tcp_target_addr = '127.0.0.1:80', "
         "tcp_target_port = 80,\n"
         "skcp_servers = { { address = '*', port = '4000-4010', password = 'p' },\n"
         "{ address = '*', port = 4005, password = 'q' } } } }",
         ": proxy_server.tcp_target_addr: expected a name or an address without a port (it has a field of "
         "its own), got "
         "\"127.0.0.1:80\" (line 1)",
         ": proxy_server.skcp_servers[2].port: skcp_servers[1] listens on *, port 4005 already (line 3)");
    SAYS("config = { mode = 'proxy_client', metrics_addr = ':0', workers = 2, proxy_client = { "
         "tcp_listen_port = 1, " REMOTE " } }",
         ": workers: expected 1..1, got 2 (line 1)",
         ": metrics_addr: expected \":9100\" or \"ADDRESS:9100\" with an IPv4 or [IPv6] address, got \":0\" "
         "(line 1)");
}

static void test_two_tickets_with_one_address(void **state)
{
    (void)state;
    struct skt_config *conf;
    struct skt_config_strings problems;
    write_file(path,
               "config = { mode = 'tun_server', tun_server = { tun_ip = '10.0.0.1', tun_mask = "
               "'255.255.255.0', " SERVERS ",\n"
               "tickets = { ['" TICKET "'] = { name = 'a', tun_ip = '10.0.0.2' }, ['" TICKET2
               "'] = { name = 'b', tun_ip = '10.0.0.2' } } } }",
               0600);
    assert_int_equal(skt_config_check(&conf, path, &problems), SKT_ERR_ARG);
    assert_int_equal(problems.count, 1);
    assert_non_null(strstr(problems.items[0], "has \"10.0.0.2\" already"));
    skt_config_strings_free(&problems);
}

static void test_scripts_are_compiled(void **state)
{
    (void)state;
    char script[80], expected[160];
    snprintf(script, sizeof script, "%s/s.lua", folder);
    write_file(script, "function f(\n", 0600);
    snprintf(expected, sizeof expected, ": script_file: %s:2: <name> or '...' expected near <eof> (line 1)",
             script);
    SAYS("config = { mode = 'mine', script_file = 's.lua', mine = {} }", expected);
    assert_int_equal(unlink(script), 0);
}

static struct skt_config *must_load(const char *text)
{
    struct skt_config *conf = NULL;
    int rc = skt_config_load_text(&conf, "c.lua", text, strlen(text), err, sizeof err);
    if (rc != SKT_OK)
        fail_msg("%s", err);
    return conf;
}

static void test_as_the_original_took_them(void **state)
{
    (void)state;
    struct skt_config *c =
        must_load("\xef\xbb\xbf#!/usr/bin/skcptun\n"
                  "config = { mode = 'proxy_client', proxy_client = { tcp_listen_port = '8080',\n"
                  "tcp_keepalive = '15', tcp_recv_timeout = 0, tcp_read_buf_size = 0,\n"
                  "skcp_remote_servers = { { address = '192.0.2.1', port = '2222', password = 'p',\n"
                  "ticket = '" TICKET "', skcp_speed_mode = 2, skcp_keepalive = 0 } } } }");
    assert_int_equal(c->table.listeners[0].port, 8080);
    assert_true(c->table.tcp_keepalive == 15 && c->table.tcp_recv_timeout == 10);
    assert_int_equal(c->table.tcp_read_buf_size, 16384);
    assert_int_equal(c->table.entries[0].port.lo, 2222);
    assert_int_equal(c->table.entries[0].tuning.speed, 0);
    assert_int_equal(c->table.entries[0].tuning.keepalive_s, 60);
    assert_int_equal(c->warnings.count, 4);
    assert_string_equal(c->warnings.items[0], "proxy_client.tcp_read_buf_size: 0 stands for the default");
    skt_config_free(c);
}

#define FLAT                                                                                                 \
    "tcp_servers = { { tcp_keepalive = 60, tcp_listen_addr = '127.0.0.1', tcp_listen_port = 3333 },\n"       \
    "  { tcp_listen_addr = '127.0.0.1', tcp_listen_port = 3334 } },\n"                                       \
    "tcp_clients = { { tcp_target_addr = '127.0.0.1', tcp_target_port = 80 } },\n"                           \
    "skcp_servers = { { skcp_keepalive = 15, password = 'p', skcp_max_conn_cnt = 9, address = '1.1.1.1', "   \
    "port = 1 } },\n"                                                                                        \
    "skcp_clients = { { password = 'p', ticket = '" TICKET "', address = '1.1.1.1', port = 1111 } } }"

static void test_the_format_of_its_last_version(void **state)
{
    (void)state;
    struct skt_config *c =
        must_load("config = { script_file = 'skcptun_proxy_client.lua', tun_ip = '192.168.2.2', "
                  "tun_mask = '255.255.255.0'," FLAT);
    assert_int_equal(c->mode, SKT_CONFIG_PROXY_CLIENT);
    assert_int_equal(c->table.listener_count, 2);
    assert_int_equal(c->table.listeners[1].port, 3334);
    check_that(c->table.tcp_keepalive, ==, 60);
    assert_int_equal(c->table.entry_count, 1);
    assert_int_equal(c->table.entries[0].port.lo, 1111);
    assert_non_null(strstr(c->warnings.items[0], "the original's last version"));
    skt_config_free(c);

    c = must_load("config = { script_file = 'skcptun_proxy_server.lua'," FLAT);
    assert_int_equal(c->mode, SKT_CONFIG_PROXY_SERVER);
    assert_int_equal(c->table.tcp_target_port, 80);
    assert_int_equal(c->table.entries[0].tuning.sessions_max, 9);
    skt_config_free(c);

    c = must_load(
        "config = { tun_ip = '192.168.2.2', tun_mask = '255.255.255.0', skcp_clients = { { password = 'p',\n"
        "ticket = '" TICKET "', address = '1.1.1.1', port = 1111 } } }");
    assert_int_equal(c->mode, SKT_CONFIG_TUN_CLIENT);
    assert_string_equal(c->table.tun_ip, "192.168.2.2");
    skt_config_free(c);

    assert_int_equal(
        skt_config_load_text(&c, "c.lua", "config = {" FLAT, strlen("config = {" FLAT), err, sizeof err),
        SKT_ERR_ARG);
    assert_non_null(strstr(err, "neither script_file nor the lists tell it"));
}

CHECK_GROUP(config_problems)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_of_them_with_lines),
        cmocka_unit_test(test_a_log_that_is_a_link),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_texts_that_are_none),
        cmocka_unit_test(test_from_other_formats),
        cmocka_unit_test(test_warned_of),
        cmocka_unit_test(test_one_server_twice),
        cmocka_unit_test(test_a_trace_beyond_the_account),
        cmocka_unit_test(test_two_tickets_with_one_network),
        cmocka_unit_test(test_what_would_fail_later),
        cmocka_unit_test(test_two_tickets_with_one_address),
        cmocka_unit_test(test_scripts_are_compiled),
        cmocka_unit_test(test_as_the_original_took_them),
        cmocka_unit_test(test_the_format_of_its_last_version),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
