/* SPDX-License-Identifier: MIT */
/* The closed environment that a configuration runs in, and what it makes of damaged ones. */
#include "base/err.h"
#include "config/config.h"
#include "config/load.h"
#include "config/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define NOT_HERE "(a configuration has string, table, math and os.getenv, and no "

static char err[SKT_CONFIG_ERROR_MAX];

static void test_lua_errors(void **state)
{
    (void)state;
    must_fail("config = {", "c.lua:1: unexpected symbol near <eof>");
    must_fail("\nerror('mine')", "c.lua:2: mine");
    must_fail("error({})", "c.lua: failed");
    must_fail("io.open('x')", "c.lua:1: attempt to index a nil value (global 'io') " NOT_HERE "io)");
    must_fail("os.execute('true')",
              "c.lua:1: attempt to call a nil value (field 'execute') " NOT_HERE "execute)");
    must_fail("require('x')", "c.lua:1: attempt to call a nil value (global 'require') " NOT_HERE "require)");
    must_fail("load('return 1')()", "c.lua:1: attempt to call a nil value (global 'load') " NOT_HERE "load)");
    must_fail("debug.sethook()", "c.lua:1: attempt to index a nil value (global 'debug')");
    must_fail("while true do end", "c.lua:1: the configuration runs for too long (an endless loop?)");
    must_fail("local function f() return f() end f()",
              "c.lua:1: the configuration runs for too long (an endless loop?)");
    must_fail("local s = 'x' while true do s = s .. s end",
              "c.lua: the configuration needs more than 32 MiB");
    must_fail("s = ('x'):rep(1 << 30)", "c.lua: the configuration needs more than 32 MiB");
}

static void test_environment(void **state)
{
    (void)state;
    setenv("SKT_TEST_PASSWORD", "from outside", 1);
    struct skt_config *c = must_load(
        "local t = {}\n"
        "for i, v in ipairs({ 'a', 'b' }) do table.insert(t, v) end\n"
        "assert(table.concat(t) == 'ab' and math.floor(1.5) == 1 and tostring(1) == '1')\n"
        "config = { mode = 'proxy_client', proxy_client = { tcp_listen_port = 1, skcp_remote_servers = {\n"
        "{ address = 'a', port = 1, password = os.getenv('SKT_TEST_PASSWORD'), ticket = ('t'):rep(32) } "
        "} } }");
    assert_string_equal(c->table.entries[0].password, "from outside");
    skt_config_free(c);
}

static void test_binary_chunk(void **state)
{
    (void)state;
    static const char binary[] = "\x1bLuaS\0\x19\x93\r\n\x1a\n";
    struct skt_config *c = NULL;
    assert_int_equal(skt_config_load_text(&c, "c.lua", binary, sizeof binary - 1, err, sizeof err),
                     SKT_ERR_ARG);
    assert_non_null(strstr(err, "attempt to load a binary chunk"));
}

static void test_edit_distance(void **state)
{
    (void)state;
    assert_int_equal(skt_config_edit_distance("", ""), 0);
    assert_int_equal(skt_config_edit_distance("abc", ""), 3);
    assert_int_equal(skt_config_edit_distance("port", "port"), 0);
    assert_int_equal(skt_config_edit_distance("prot", "port"), 1);
    assert_int_equal(skt_config_edit_distance("kitten", "sitting"), 3);
    assert_int_equal(skt_config_edit_distance("adress", "address"), 1);
}

/* Cut or changed anywhere, a configuration is either read or refused with a line. */
static void test_mutated(void **state)
{
    (void)state;
    static const char text[] =
        "config = { mode = 'proxy_client', proxy_client = { tcp_listen_port = 8080,\n"
        "skcp_remote_servers = { { address = 'a', port = '4000-4010', password = 'secret', mtu = 1300,\n"
        "ticket = '0123456789abcdef0123456789abcdef', cipher = 'auto', redundancy = 'off' } } } }";
    size_t len = sizeof text - 1;
    char copy[4096];
    uint64_t seed = 1;
    for (size_t i = 0; i < 3 * len; i++) {
        memcpy(copy, text, len + 1);
        size_t cut = i < len ? i : len;
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        if (i >= len)
            copy[seed % len] = (char)(seed >> 40);
        struct skt_config *c = NULL;
        int rc = skt_config_load_text(&c, "c.lua", copy, cut, err, sizeof err);
        if (rc == SKT_OK)
            skt_config_free(c);
        else
            assert_true(strncmp(err, "c.lua:", 6) == 0 && !strchr(err, '\n'));
    }
}

CHECK_GROUP(sandbox)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lua_errors),   cmocka_unit_test(test_environment),
        cmocka_unit_test(test_binary_chunk), cmocka_unit_test(test_edit_distance),
        cmocka_unit_test(test_mutated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
