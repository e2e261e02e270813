/* SPDX-License-Identifier: MIT */
/* The list of a session's numbers: names are promises to scripts and to who reads the status, so they stand
 * here once more, letter by letter; and users can read of each of them. */
#include "base/check.h"
#include "proto/session/stats.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const char in_status[] =
    "age_s rtt_ms.last rtt_ms.smoothed rtt_ms.min loss_tx loss_rx mtu cwnd_bytes pacing_mbit bytes_tx "
    "bytes_rx payload_tx payload_rx retransmitted duplicated fec_sent fec_recovered streams ";
static const char in_api[] =
    "rtt_ms rtt_min_ms mtu bytes_tx bytes_rx payload_tx payload_rx packets_tx packets_rx retransmitted "
    "duplicated fec_sent fec_recovered streams ";

static void names_are_as_promised(void **state)
{
    (void)state;
    char status[1024] = "", api[1024] = "";
    for (size_t i = 0; i < SKT_STATS; i++) {
        const struct skt_stat_row *row = &skt_stats[i];
        assert_non_null(row->get);
        assert_true(row->status || row->api);
        assert_true(!row->words || row->status); /* the table reads the status */
        if (row->status)
            strcat(strcat(status, row->status), " ");
        if (row->api)
            strcat(strcat(api, row->api), " ");
    }
    assert_string_equal(status, in_status);
    assert_string_equal(api, in_api);
}

static void values_are_shown_in_their_unit(void **state)
{
    (void)state;
    assert_true(skt_stat_is_whole(SKT_UNIT_COUNT) && skt_stat_is_whole(SKT_UNIT_BYTES));
    for (int unit = SKT_UNIT_MS; unit <= SKT_UNIT_MBIT_S; unit++)
        assert_false(skt_stat_is_whole((enum skt_stat_unit)unit));
    check_that(skt_stat_milli(SKT_UNIT_COUNT, 3), ==, 3000);
    check_that(skt_stat_milli(SKT_UNIT_BYTES, 3), ==, 3000);
    check_that(skt_stat_milli(SKT_UNIT_MS, 31250), ==, 31250);       /* 31.250 ms */
    check_that(skt_stat_milli(SKT_UNIT_S, 2500000), ==, 2500);       /* 2.500 s */
    check_that(skt_stat_milli(SKT_UNIT_SHARE, 21), ==, 21);          /* 0.021 */
    check_that(skt_stat_milli(SKT_UNIT_MBIT_S, 1250000), ==, 10000); /* 10.000 Mbit/s */
}

/* Static; lives until the next call. */
static char *read_document(const char *name)
{
    static char text[256 * 1024];
    char path[512];
    snprintf(path, sizeof path, "%s/%s", SKT_SOURCE_DIR, name);
    FILE *in = fopen(path, "re");
    assert_non_null(in);
    size_t len = fread(text, 1, sizeof text - 1, in);
    assert_true(feof(in));
    (void)fclose(in);
    text[len] = '\0';
    return text;
}

static int is_of_name(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* As a whole word: "mtu", not the end of "tun_mtu". */
static int has_word(const char *text, const char *word)
{
    size_t len = strlen(word);
    for (const char *p = text; (p = strstr(p, word)) != NULL; p++)
        if ((p == text || !is_of_name(p[-1])) && !is_of_name(p[len]))
            return 1;
    return 0;
}

/* Where a document speaks of these: from one text to another. */
static void expect_words(const char *name, const char *from, const char *to, const char *words)
{
    char *document = read_document(name), list[1024], *rest = list;
    char *part = strstr(document, from);
    assert_non_null(part);
    char *end = strstr(part, to);
    assert_non_null(end);
    *end = '\0';
    snprintf(list, sizeof list, "%s", words);
    for (const char *word; (word = strtok_r(rest, " ", &rest)) != NULL;)
        if (!has_word(part, word))
            fail_msg("%s says nothing of %s", name, word);
}

static void documents_name_each(void **state)
{
    (void)state;
    expect_words("doc/lua-api.md", "\n`session_stats`", "| close_reason", in_api);
    expect_words("doc/lua-api.zh-CN.md", "\n`session_stats`", "| close_reason", in_api);
    expect_words("doc/trace.md", "\n## status --json", "\n## status --debug", in_status);
    expect_words("doc/trace.zh-CN.md", "\n## status --json", "\n## status --debug", in_status);
}

CHECK_GROUP(stats)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_as_promised),
        cmocka_unit_test(values_are_shown_in_their_unit),
        cmocka_unit_test(documents_name_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
