/* SPDX-License-Identifier: MIT */
#include "tools/uri.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define KEY        "xB9hap1zu5UBLy0XYAK5wdUxatgKpz0AdYWlJCNzWD8="
#define KEY_URI    "xB9hap1zu5UBLy0XYAK5wdUxatgKpz0AdYWlJCNzWD8"
#define PINNED     "xDCzjH2npJ2uZfrG/unF2O+jrwxlAvYkPasXVnsUkkE="
#define PINNED_URI "xDCzjH2npJ2uZfrG_unF2O-jrwxlAvYkPasXVnsUkkE"

static const struct skt_uri full = {
    .key = KEY,
    .host = "2001:db8::1",
    .port = "4000-4010",
    .ticket = "a b&c=d%e?f#g/h:i@j[k]l\xc3\xa9m+n0123",
    .server_key = PINNED,
    .speed = "0",
    .listen_host = "::1",
    .listen_port = "1080",
    .target = "web & more",
    .name = "\xe5\xae\xb6 #1",
};

static void writes_and_reads_the_same(void **state)
{
    (void)state;
    char text[SKT_URI_MAX];
    struct skt_uri back;
    const char *why = NULL;
    check_that(strlen(full.ticket), ==, 32);
    assert_true(skt_uri_write(&full, text, sizeof text));
    assert_true(skt_uri_read(text, &back, &why));
    assert_memory_equal(&back, &full, sizeof full);
    struct skt_uri tun = {.tun = true,
                          .password = "p@ss:w/rd?",
                          .host = "h",
                          .port = "1",
                          .tun_ip = "10.0.0.2",
                          .tun_mask = "255.255.255.0"};
    assert_true(skt_uri_write(&tun, text, sizeof text));
    assert_true(skt_uri_read(text, &back, &why));
    assert_memory_equal(&back, &tun, sizeof tun);
    assert_string_equal(text, "skcptun://password:p%40ss%3Aw%2Frd%3F@h:1?mode=tun&tun_ip=10.0.0.2"
                              "&tun_mask=255.255.255.0");
}

/* What a later version may add is passed over; either alphabet of base64, padding, a slash, white space. */
static void reads_what_others_write(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "skcptun://key:" KEY_URI "@h:1",
        "skcptun://key:" KEY "@h:1/",
        " \t skcptun://key:" KEY_URI "@h:1?new=1&mode=proxy&&flag&other=%41 \r\n",
        "skcptun://key:" KEY_URI "@h:1#",
    };
    struct skt_uri u;
    const char *why;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (!skt_uri_read(texts[i], &u, &why))
            fail_msg("%s: %s", texts[i], why);
        assert_string_equal(u.key, KEY);
        assert_string_equal(u.host, "h");
        assert_string_equal(u.port, "1");
    }
    assert_true(skt_uri_read("skcptun://key:" KEY_URI "@h:1?server_key=" PINNED_URI, &u, &why));
    assert_string_equal(u.server_key, PINNED);
}

static void refuses_what_is_none(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "skcptun://",
        "http://key:" KEY_URI "@h:1",
        "skcptun://h:1",
        "skcptun://@h:1",
        "skcptun://key:@h:1",
        "skcptun://key:abc@h:1",
        "skcptun://password:@h:1",
        "skcptun://password:%@h:1",
        "skcptun://password:%0@h:1",
        "skcptun://password:%00@h:1",
        "skcptun://password:%zz@h:1",
        "skcptun://password:x@",
        "skcptun://password:x@h",
        "skcptun://password:x@:1",
        "skcptun://password:x@h:",
        "skcptun://password:x@h:one",
        "skcptun://password:x@a:b:1",
        "skcptun://password:x@[]:1",
        "skcptun://password:x@h:1?mode=warp",
        "skcptun://password:x@h:1?ticket=short",
        "skcptun://password:x@h:1?server_key=short",
        "skcptun://password:x@h:1?ticket=%",
        "skcptun://password:x@h:1#%f",
        "skcptun://password:x@h:1 y",
        "skcptun://password:x@h:1\nskcptun://password:x@h:1",
    };
    struct skt_uri u;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *why = NULL;
        if (skt_uri_read(wrong[i], &u, &why))
            fail_msg("taken for a URI: %s", wrong[i]);
        assert_non_null(why);
    }
    char longest[5000] = "skcptun://password:";
    memset(longest + 19, 'x', 3000);
    strcpy(longest + 3019, "@h:1");
    const char *why;
    assert_false(skt_uri_read(longest, &u, &why));
}

/* No read outside a text that was cut or damaged (its copy is as long as it, for the sanitizer); whatever is
 * read can be written, and reads the same again. */
static void survives_damage(void **state)
{
    (void)state;
    char text[SKT_URI_MAX], again[SKT_URI_MAX];
    const char *why;
    assert_true(skt_uri_write(&full, text, sizeof text));
    size_t len = strlen(text);
    uint32_t random = 1;
    for (int round = 0; round < 20000; round++) {
        random = random * 1664525u + 1013904223u;
        size_t cut = round < (int)len ? (size_t)round : len;
        char *copy = malloc(cut + 1);
        memcpy(copy, text, cut);
        copy[cut] = 0;
        for (int i = 0; cut && round >= (int)len && i < 2; i++) {
            random = random * 1664525u + 1013904223u;
            copy[(random >> 8) % cut] = "%&=?#@:[]/-_0aZ\x80"[(random >> 4) % 16];
        }
        struct skt_uri u, back;
        if (skt_uri_read(copy, &u, &why)) {
            assert_true(skt_uri_write(&u, again, sizeof again));
            assert_true(skt_uri_read(again, &back, &why));
            assert_memory_equal(&u, &back, sizeof u);
        }
        free(copy);
    }
    for (size_t cap = 1; cap <= len; cap++)
        assert_false(skt_uri_write(&full, again, cap));
    assert_true(skt_uri_write(&full, again, len + 1));
}

CHECK_GROUP(uri)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_and_reads_the_same),
        cmocka_unit_test(reads_what_others_write),
        cmocka_unit_test(refuses_what_is_none),
        cmocka_unit_test(survives_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
