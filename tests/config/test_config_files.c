/* SPDX-License-Identifier: MIT */
/* The files that a configuration names: secrets in them, and what is wrong with them in words. */
#include "base/err.h"
#include "config/config.h"
#include "crypto/crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

#define TICKET "0123456789abcdef0123456789abcdef"
#define KEY    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static char folder[] = "/tmp/skt-files-XXXXXX", err[SKT_CONFIG_ERROR_MAX];

static void write_file(const char *name, const char *text, mode_t mode)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static int load(struct skt_config **conf, const char *fields)
{
    char path[128], text[1024];
    snprintf(path, sizeof path, "%s/c.lua", folder);
    snprintf(text, sizeof text,
             "config = { mode = 'proxy_client', proxy_client = { tcp_listen_port = 8080, skcp_remote_servers "
             "= { { address = 'example.org', port = 4000, ticket = '" TICKET "', %s } } } }",
             fields);
    return skt_config_load_text(conf, path, text, strlen(text), err, sizeof err);
}

static void expect(const char *fields, const char *wrong)
{
    struct skt_config *conf;
    char line[SKT_CONFIG_ERROR_MAX];
    snprintf(line, sizeof line, "%s/c.lua: proxy_client.skcp_remote_servers[1]%s", folder, wrong);
    assert_int_equal(load(&conf, fields), SKT_ERR_ARG);
    for (char *at; (at = strstr(line, "DIR")) != NULL;) {
        char rest[SKT_CONFIG_ERROR_MAX];
        snprintf(rest, sizeof rest, "%s%s", folder, at + 3);
        snprintf(at, sizeof line - (size_t)(at - line), "%s", rest);
    }
    assert_string_equal(err, line);
}

static void test_first_line(void **state)
{
    (void)state;
    struct skt_config *c;
    uint8_t key[SKT_KEY_LEN];
    write_file("k", KEY "\r\nwhat follows is nobody's business\n", 0600);
    write_file("p", "a pass phrase", 0600);
    assert_int_equal(load(&c, "key_file = 'k'"), SKT_OK);
    assert_int_equal(skt_crypto_key_from_text(KEY, strlen(KEY), key), 0);
    assert_true(c->table.entries[0].key.set);
    assert_memory_equal(c->table.entries[0].key.bytes, key, sizeof key);
    assert_null(c->table.entries[0].password);
    assert_int_equal(c->warnings.count, 0);
    assert_int_equal(c->files.count, 1);
    skt_config_free(c);
    assert_int_equal(load(&c, "password_file = 'p'"), SKT_OK);
    assert_string_equal(c->table.entries[0].password, "a pass phrase");
    skt_config_free(c);
}

static void test_absolute_path(void **state)
{
    (void)state;
    struct skt_config *c;
    char field[256];
    write_file("k", KEY, 0600);
    snprintf(field, sizeof field, "key_file = '%s/k'", folder);
    assert_int_equal(load(&c, field), SKT_OK);
    skt_config_free(c);
}

static void test_for_others(void **state)
{
    (void)state;
    struct skt_config *c;
    write_file("k", KEY, 0644);
    assert_int_equal(load(&c, "key_file = 'k'"), SKT_OK);
    assert_int_equal(c->warnings.count, 1);
    assert_non_null(strstr(c->warnings.items[0], "skcp_remote_servers[1].key_file: others can read it"));
    skt_config_free(c);
}

static void test_what_is_wrong(void **state)
{
    (void)state;
    char line[2000];
    write_file("k", KEY, 0600);
    write_file("empty", "\n" KEY, 0600);
    write_file("short", "abc", 0600);
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = 0;
    write_file("long", line, 0600);
    expect("key_file = 'none'", ".key_file: \"DIR/none\": No such file or directory");
    expect("key_file = '.'", ".key_file: \"DIR/.\": Is a directory");
    expect("password_file = 'empty'", ".password_file: \"DIR/empty\": its first line is empty");
    expect("password_file = 'long'", ".password_file: \"DIR/long\": its first line is too long for a secret");
    expect("key_file = 'short'", ".key_file: \"short\": expected 32 bytes in base64 as its first line (44 "
                                 "characters, as of `skcptun keygen --key`)");
    expect("key_file = 'k', password = 'p'",
           ": expected one of password, password_file, key and key_file, got 2");
    expect("key_file = 'k', password_file = 'k', key = '" KEY "'",
           ": expected one of password, password_file, key and key_file, got 3");
    expect("key_file = ''", ".key_file: expected a string that is not empty, got \"\"");
}

#define OTHER "fedcba9876543210fedcba9876543210"

static int load_tickets(struct skt_config **c, const char *fields, const char *file)
{
    char path[128], text[1024];
    write_file("t", file, 0600);
    snprintf(path, sizeof path, "%s/c.lua", folder);
    snprintf(text, sizeof text,
             "config = { mode = 'proxy_server', proxy_server = { tcp_target_addr = 'a', tcp_target_port = 1, "
             "tickets_file = 't', %s skcp_servers = { { address = '*', port = 1, password = 'p' } } } }",
             fields);
    return skt_config_load_text(c, path, text, strlen(text), err, sizeof err);
}

static void expect_of_tickets(const char *fields, const char *file, const char *wrong)
{
    struct skt_config *c;
    char line[SKT_CONFIG_ERROR_MAX];
    snprintf(line, sizeof line, "%s/t: %s", folder, wrong);
    assert_int_equal(load_tickets(&c, fields, file), SKT_ERR_ARG);
    assert_string_equal(err, line);
}

static void test_tickets_file(void **state)
{
    (void)state;
    struct skt_config *c;
    assert_int_equal(load_tickets(&c, "", "return { ['" TICKET "'] = { name = 'a' } }"), SKT_OK);
    assert_true(c->table.has_tickets);
    assert_int_equal(c->table.ticket_count, 1);
    assert_int_equal(c->warnings.count, 0);
    skt_config_free(c);
    assert_int_equal(load_tickets(&c, "tickets = { ['" OTHER "'] = {} },", "return { ['" TICKET "'] = {} }"),
                     SKT_OK);
    assert_int_equal(c->table.ticket_count, 2);
    skt_config_free(c);
    expect_of_tickets("", "return {\n['" TICKET "'] = { name = 'a', tun_ip = 3 } }",
                      "[ticket of a, line 2].tun_ip: expected a string, got 3");
    expect_of_tickets("", "return {\n\n['" TICKET "'] = 1 }", "[a ticket, line 3]: expected a table, got 1");
    expect_of_tickets("", "return {\n\n x y }", "line:3: '}' expected (to close '{' at line 1) near 'y'");
    expect_of_tickets("", "x = 1", "expected `return { [\"<32 bytes>\"] = { ... }, }`");
    expect_of_tickets("tickets = { ['" TICKET "'] = {} },", "return { ['" TICKET "'] = { name = 'a' } }",
                      "[ticket of a, line 1]: this ticket is in `tickets` already");
}

#define KEYS(n) "local k = {} for i = 1, " #n " do k[i] = '" KEY "' end "

static int load_keys(struct skt_config **c, const char *prelude, const char *secret)
{
    char text[1024];
    snprintf(
        text, sizeof text,
        "%s config = { mode = 'proxy_server', proxy_server = { tcp_target_addr = 'a', tcp_target_port = 1, "
        "tickets = {}, skcp_servers = { { address = '*', port = 1, keys = k %s } } } }",
        prelude, secret);
    return skt_config_load_text(c, "c.lua", text, strlen(text), err, sizeof err);
}

static void test_several_keys(void **state)
{
    (void)state;
    struct skt_config *c;
    assert_int_equal(load_keys(&c, KEYS(8), ", password = 'p'"), SKT_OK);
    assert_int_equal(c->table.entries[0].keys.count, 8);
    assert_false(c->table.entries[0].key.set);
    skt_config_free(c);
    /* Nothing else: the first of them is what a client is told. */
    assert_int_equal(load_keys(&c, KEYS(1), ""), SKT_OK);
    assert_true(c->table.entries[0].key.set);
    assert_memory_equal(c->table.entries[0].key.bytes, c->table.entries[0].keys.items[0], SKT_KEY_LEN);
    skt_config_free(c);
    assert_int_equal(load_keys(&c, KEYS(9), ""), SKT_ERR_ARG);
    assert_string_equal(err, "c.lua: proxy_server.skcp_servers[1].keys[9]: expected at most 8 keys");
    assert_int_equal(load_keys(&c, KEYS(0), ""), SKT_ERR_ARG);
    assert_string_equal(err,
                        "c.lua: proxy_server.skcp_servers[1]: expected a password or a key, got neither");
    assert_int_equal(load_keys(&c, "local k = { 'x' }", ""), SKT_ERR_ARG);
    assert_string_equal(err, "c.lua: proxy_server.skcp_servers[1].keys[1]: expected 32 bytes in base64 (44 "
                             "characters, as of `skcptun keygen`), got a string of 1 bytes");
}

/* Who opens is asked for each file by the path that `files` has. */
static int open_by(void *user, const char *path)
{
    char *asked = user;
    strcat(strcat(asked, strrchr(path, '/') + 1), " ");
    return open(path, O_RDONLY | O_CLOEXEC);
}

static void test_opened_by_somebody_else(void **state)
{
    (void)state;
    struct skt_config *c;
    char asked[64] = "", path[128];
    write_file("k", KEY, 0600);
    write_file(
        "c.lua",
        "config = { mode = 'proxy_server', proxy_server = { tcp_target_addr = 'a', tcp_target_port = 1, "
        "tickets = {}, skcp_servers = { { address = '*', port = 1, key_file = 'k' } } } }",
        0600);
    snprintf(path, sizeof path, "%s/c.lua", folder);
    struct skt_config_opener by = {open_by, asked};
    assert_int_equal(skt_config_load_by(&c, path, &by, err, sizeof err), SKT_OK);
    assert_string_equal(asked, "c.lua k ");
    skt_config_free(c);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    static const char *const names[] = {"k", "p", "empty", "short", "long", "c.lua", "t"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    return rmdir(folder);
}

CHECK_GROUP(config_files)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_line),
        cmocka_unit_test(test_absolute_path),
        cmocka_unit_test(test_for_others),
        cmocka_unit_test(test_what_is_wrong),
        cmocka_unit_test(test_several_keys),
        cmocka_unit_test(test_tickets_file),
        cmocka_unit_test(test_opened_by_somebody_else),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
