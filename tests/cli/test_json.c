/* SPDX-License-Identifier: MIT */
#include "cli/json.h"
#include "cli/status_table.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

static const char sample[] = "{\"version\":\"0.1\",\"pid\":12,\"rate\":-1.5e3,\"none\":null,\n"
                             " \"sessions\":[{\"cid\":7,\"rtt_ms\":{\"last\":3.25}},{\"cid\":8}, {} ],\n"
                             " \"empty\":[], \"deep\":{\"a\":{\"b\":[1,2]}}, \"t\" : true }\n";

static double number(struct skt_json v, const char *path)
{
    return skt_json_number(skt_json_get(v, path), -99);
}

static void finds_members(void **state)
{
    (void)state;
    struct skt_json v = skt_json_of(sample, strlen(sample));
    assert_non_null(v.p);
    check_that(number(v, "pid"), ==, 12);
    check_that(number(v, "rate"), ==, -1500);
    check_that(number(v, "none"), ==, -99);
    check_that(number(v, "version"), ==, -99);
    check_that(number(v, "pi"), ==, -99);
    check_that(number(v, "pid.x"), ==, -99);
    check_that(number(v, "deep.a.c"), ==, -99);
}

static void walks_arrays(void **state)
{
    (void)state;
    struct skt_json v = skt_json_of(sample, strlen(sample));
    struct skt_json pos = {0}, item;
    assert_true(skt_json_next(skt_json_get(v, "sessions"), &pos, &item));
    check_that(number(item, "cid"), ==, 7);
    check_that(number(item, "rtt_ms.last"), ==, 3.25);
    assert_true(skt_json_next(skt_json_get(v, "sessions"), &pos, &item));
    check_that(number(item, "cid"), ==, 8);
    assert_true(skt_json_next(skt_json_get(v, "sessions"), &pos, &item));
    assert_false(skt_json_next(skt_json_get(v, "sessions"), &pos, &item));
    pos = (struct skt_json){0};
    assert_false(skt_json_next(skt_json_get(v, "empty"), &pos, &item));
    assert_false(skt_json_next(skt_json_get(v, "pid"), &pos, &item));
    pos = (struct skt_json){0};
    assert_true(skt_json_next(skt_json_get(v, "deep.a.b"), &pos, &item));
    check_that(skt_json_number(item, 0), ==, 1);
}

static void resolves_escapes_and_cuts(void **state)
{
    (void)state;
    static const char text[] = "[\"a\\\"b\\\\c\\/\\n\\u0041\\u001b\\u00e9\"]";
    char buf[32];
    struct skt_json pos = {0}, item, v = skt_json_of(text, sizeof text - 1);
    assert_true(skt_json_next(v, &pos, &item));
    assert_string_equal(skt_json_text(item, buf, sizeof buf), "a\"b\\c/?A??");
    assert_string_equal(skt_json_text(item, buf, 4), "a\"b");
    assert_string_equal(skt_json_text(v, buf, sizeof buf), "");
}

static void walks_members(void **state)
{
    (void)state;
    static const char text[] = " { \"a\" : 1, \"long name\":[{\"x\":2}] ,\"c\":\"}\" } ";
    char name[5];
    struct skt_json pos = {0}, item, v = skt_json_of(text, sizeof text - 1);
    assert_true(skt_json_next_member(v, &pos, name, sizeof name, &item));
    assert_string_equal(name, "a");
    check_that(skt_json_number(item, 0), ==, 1);
    assert_true(skt_json_next_member(v, &pos, name, sizeof name, &item));
    assert_string_equal(name, "long");
    assert_true(skt_json_next_member(v, &pos, name, sizeof name, &item));
    assert_string_equal(name, "c");
    assert_false(skt_json_next_member(v, &pos, name, sizeof name, &item));
    pos = (struct skt_json){0};
    assert_false(skt_json_next_member(skt_json_of("{}", 2), &pos, name, sizeof name, &item));
    assert_false(skt_json_next_member(skt_json_of("[1]", 3), &pos, name, sizeof name, &item));
}

/* What a JSON text says exactly, or nothing. */
static void reads_strings_exactly(void **state)
{
    (void)state;
    static const char *const right[][2] = {
        {"\"\"", ""},
        {"\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "a\"\\/\b\f\n\r\t"},
        {"\"\\u0041\\u00e9\\u5bC6\\ud83d\\ude00\"", "A\xc3\xa9\xe5\xaf\x86\xf0\x9f\x98\x80"},
        {"\"\xc3\xa9\"", "\xc3\xa9"},
    };
    static const char *const wrong[] = {
        "1",       "true",        "\"\\u0000\"", "\"\\ud800\"",      "\"\\udc00\"",   "\"\\ud800\\u0041\"",
        "\"\\x\"", "\"\\u12g4\"", "\"\\u12\"",   "\"\\ud800\\\\x\"", "\"\\ud83d\\u\""};
    char buf[16];
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        assert_true(skt_json_string(skt_json_of(right[i][0], strlen(right[i][0])), buf, sizeof buf));
        assert_string_equal(buf, right[i][1]);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (skt_json_string(skt_json_of(wrong[i], strlen(wrong[i])), buf, sizeof buf))
            fail_msg("taken for a string: %s", wrong[i]);
    assert_false(skt_json_string(skt_json_of("\"123456\"", 8), buf, 6));
    assert_true(skt_json_string(skt_json_of("\"12345\"", 7), buf, 6));
    assert_false(skt_json_string((struct skt_json){0}, buf, sizeof buf));
}

static void refuses_what_is_not_json(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",      "{",   "}",        "{\"a\"}",     "{\"a\":}",  "{\"a\":1,}", "[1 2]",
        "[1,]",  "nul", "{\"a\":1", "{\"a\":1} x", "\"abc",     "\"abc\\",    "\"abc\\\"",
        "{a:1}", "[,]", "[1,,2",    "{,}",         "{\"a\" 1}", "[\"\t\"]",   "[\"\x1b[2J\"]",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (skt_json_of(wrong[i], strlen(wrong[i])).p)
            fail_msg("taken for JSON: %s", wrong[i]);
    char deep[200];
    memset(deep, '[', 100);
    memset(deep + 100, ']', 100);
    assert_null(skt_json_of(deep, sizeof deep).p);
}

/* Whatever is cut off or damaged: no read outside the text (its copy is exactly as long as it, for the
 * sanitizer), and no value from what is incomplete. */
static void survives_damage(void **state)
{
    (void)state;
    size_t len = strlen(sample);
    while (sample[len - 1] == '\n')
        len--;
    for (size_t cut = 0; cut < len; cut++) {
        char *copy = malloc(cut + 1);
        memcpy(copy, sample, cut);
        char *exact = realloc(copy, cut ? cut : 1);
        assert_null(skt_json_of(exact, cut).p);
        free(exact);
    }
    uint32_t random = 1;
    for (int round = 0; round < 20000; round++) {
        char *copy = malloc(len);
        memcpy(copy, sample, len);
        for (int i = 0; i < 3; i++) {
            random = random * 1664525u + 1013904223u;
            copy[(random >> 8) % len] = "{}[]\",:\\ue1"[(random >> 4) % 11];
        }
        struct skt_json pos = {0}, item, v = skt_json_of(copy, len);
        char buf[16];
        skt_json_text(skt_json_get(v, "version"), buf, sizeof buf);
        while (skt_json_next(skt_json_get(v, "sessions"), &pos, &item))
            (void)number(item, "rtt_ms.last");
        pos = (struct skt_json){0};
        while (skt_json_next_member(v, &pos, buf, sizeof buf, &item))
            (void)skt_json_string(item, buf, sizeof buf);
        free(copy);
    }
}

static void formats_for_people(void **state)
{
    (void)state;
    char buf[SKT_FORMAT_MAX];
    assert_string_equal(skt_format_bytes(0, buf), "0 B");
    assert_string_equal(skt_format_bytes(999, buf), "999 B");
    assert_string_equal(skt_format_bytes(1000, buf), "1.0 kB");
    assert_string_equal(skt_format_bytes(123456, buf), "123 kB");
    assert_string_equal(skt_format_bytes(999960, buf), "1.0 MB");
    assert_string_equal(skt_format_bytes(999900000, buf), "1.0 GB");
    assert_string_equal(skt_format_bytes(1.5e9, buf), "1.5 GB");
    assert_string_equal(skt_format_duration(59, buf), "59s");
    assert_string_equal(skt_format_duration(61, buf), "1m01s");
    assert_string_equal(skt_format_duration(3725, buf), "1h02m");
    assert_string_equal(skt_format_duration(50 * 3600, buf), "2d02h");
    assert_string_equal(skt_format_duration(-1, buf), "0s");
}

static void prints_a_table(void **state)
{
    (void)state;
    static const char text[] =
        "{\"version\":\"0.1.0\",\"mode\":\"proxy_client\",\"pid\":12,\"uptime_s\":61,\"rss_bytes\":3000000,"
        "\"sessions\":[{\"cid\":77,\"state\":\"up\",\"peer\":\"192.0.2.1:4000\",\"rtt_ms\":{\"smoothed\":12."
        "34},"
        "\"loss_tx\":0.021,\"loss_rx\":0,\"streams\":3}],\"tcp\":{\"open\":2,\"accepted\":5}}";
    char *out = NULL;
    size_t len;
    FILE *f = open_memstream(&out, &len);
    skt_status_table_print(f, skt_json_of(text, sizeof text - 1));
    fclose(f);
    assert_non_null(strstr(out, "proxy_client  pid 12  up 1m01s  memory 3.0 MB"));
    assert_non_null(strstr(out, "192.0.2.1:4000"));
    assert_non_null(strstr(out, "12.3 ms"));
    assert_non_null(strstr(out, "2.1/0.0 %"));
    assert_non_null(strstr(out, "tcp: 2 open, 5 accepted, 0 refused"));
    free(out);
}

/* A session of each end of a TUN, with all there is to tell and with the least: exactly as people see it, in
 * 80 columns. */
static void prints_a_tun_in_80_columns(void **state)
{
    (void)state;
    static const char text[] =
        "{\"version\":\"0.1.0\",\"mode\":\"tun_server\",\"pid\":4194304,\"uptime_s\":360000,\"rss_bytes\":"
        "123456789,"
        "\"sessions\":[{\"cid\":2147483647,\"state\":\"up\",\"peer\":\"[2001:db8:1234:5678:9abc:def0:1234:"
        "5678]:"
        "65535\",\"name\":\"cottage\",\"tun_ip\":\"192.168.2.2\",\"age_s\":358000,\"rtt_ms\":{\"smoothed\":"
        "1234.56},"
        "\"loss_tx\":0.999,\"loss_rx\":0.5,\"mtu\":1472,\"tun_mtu\":1420,\"bytes_tx\":999900000,\"bytes_rx\":"
        "123456789012,\"retransmitted\":123456,\"duplicated\":7890,\"fec_sent\":4567,\"fec_recovered\":890,"
        "\"streams\":0},{\"cid\":7,\"state\":\"up\",\"peer\":\"192.0.2.1:4000\",\"name\":null,\"tun_ip\":"
        "null,"
        "\"age_s\":3,\"rtt_ms\":{\"smoothed\":0.000},\"loss_tx\":0,\"loss_rx\":0,\"mtu\":1200,\"tun_mtu\":"
        "1420,"
        "\"bytes_tx\":500,\"bytes_rx\":700,\"retransmitted\":0,\"duplicated\":0,\"fec_sent\":0,\"fec_"
        "recovered\":0,"
        "\"streams\":0}],\"tcp\":{\"open\":0,\"accepted\":0,\"refused\":0,\"closed\":0},\"tun\":{\"name\":"
        "\"skt0\","
        "\"ip\":\"192.168.2.1/"
        "24\",\"ip6\":null,\"mtu\":1420,\"packets_in\":12345678,\"bytes_in\":12345678901,"
        "\"packets_out\":987654,\"bytes_out\":98765432,\"forwarded\":12,\"dropped\":34,\"overflow\":0,"
        "\"spoofed\":5,"
        "\"malformed\":0,\"group\":6,\"no_route\":0},\"drops\":{\"auth\":1,\"replay\":2,\"malformed\":3}}";
    static const char expected[] =
        "skcptun 0.1.0  tun_server  pid 4194304  up 4d04h  memory 123 MB\n"
        "       cid  state         age       rtt   loss out/in     sent received streams\n"
        "2147483647  up          4d03h 1234.6 ms   99.9/50.0 %   1.0 GB   123 GB       0\n"
        "            [2001:db8:1234:5678:9abc:def0:1234:5678]:65535, cottage,\n"
        "            192.168.2.2, datagrams of 1472 B, TUN MTU 1420\n"
        "            123456 segments sent again, 7890 sent twice, 4567 packets of parity,\n"
        "            890 recovered by the peer's\n"
        "         7  up             3s         -     0.0/0.0 %    500 B    700 B       0\n"
        "            192.0.2.1:4000, datagrams of 1200 B, TUN MTU 1420\n"
        "     all 2                                              1.0 GB   123 GB       0\n"
        "skt0: 192.168.2.1/24, MTU 1420, read 12345678 packets (12.3 GB),\n"
        "            written 987654 packets (98.8 MB), 12 between clients\n"
        "skt0 dropped: 34 to keep queues short, 0 for want of room,\n"
        "            5 with another's source, 6 to groups\n"
        "datagrams dropped: 1 not authentic, 2 replayed, 3 malformed, 0 overload\n";
    char *out = NULL;
    size_t len;
    FILE *f = open_memstream(&out, &len);
    skt_status_table_print(f, skt_json_of(text, sizeof text - 1));
    fclose(f);
    assert_string_equal(out, expected);
    for (const char *line = out; *line; line = strchr(line, '\n') + 1)
        check_that(strchr(line, '\n') - line, <=, 80);
    free(out);
}

CHECK_GROUP(json)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_members),
        cmocka_unit_test(walks_arrays),
        cmocka_unit_test(resolves_escapes_and_cuts),
        cmocka_unit_test(walks_members),
        cmocka_unit_test(reads_strings_exactly),
        cmocka_unit_test(refuses_what_is_not_json),
        cmocka_unit_test(survives_damage),
        cmocka_unit_test(formats_for_people),
        cmocka_unit_test(prints_a_table),
        cmocka_unit_test(prints_a_tun_in_80_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
