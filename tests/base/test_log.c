/* SPDX-License-Identifier: MIT */
#include "base/check.h"
#include "base/err.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void levels_have_names(void **state)
{
    (void)state;
    for (int i = SKT_LOG_ERROR; i <= SKT_LOG_DEBUG; i++)
        assert_int_equal(skt_log_level_of(skt_log_level_str((enum skt_log_level)i)), i);
    assert_int_equal(skt_log_level_of("error"), SKT_LOG_ERROR);
    assert_int_equal(skt_log_level_of("warn"), SKT_LOG_WARN);
    assert_int_equal(skt_log_level_of("info"), SKT_LOG_INFO);
    assert_int_equal(skt_log_level_of("debug"), SKT_LOG_DEBUG);
    assert_int_equal(skt_log_level_of("loud"), SKT_ERR_ARG);
    assert_int_equal(skt_log_level_of(""), SKT_ERR_ARG);
}

/* What the calls in write() put into a log file; the caller frees it. */
static char *logged(void (*write)(void))
{
    char path[] = "skt-test-log-XXXXXX";
    int fd = mkstemp(path);
    check_that(fd, >=, 0);
    close(fd);
    assert_int_equal(skt_log_open(path), SKT_OK);
    write();
    assert_int_equal(skt_log_open(NULL), SKT_OK);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    char *text = calloc(1, 8192);
    assert_non_null(text);
    (void)!fread(text, 1, 8191, f);
    fclose(f);
    unlink(path);
    return text;
}

static void write_each_level(void)
{
    skt_log_set_level(SKT_LOG_WARN);
    skt_error("one %d", 1);
    skt_warn("two");
    skt_info("three");
    skt_debug("four");
    skt_log_set_level(SKT_LOG_INFO);
    skt_info("five");
}

static void write_controls(void)
{
    skt_info("a\x1b[31mb\x7f"
             "c\td");
    skt_info("%s", "x\n2026-01-01 00:00:00.000 error forged\r");
    skt_info("%s", "\xe4\xbd\xa0 \xc3\xbc \xc2\x9b"
                   "31m \xff \xe2\x80\xae \xe2\x81\xa6 \xe2\x81\xb0 \xe4\xbd");
}

static void nothing_steers_a_terminal(void **state)
{
    (void)state;
    char *text = logged(write_controls);
    assert_non_null(strstr(text, " info  a\\x1b[31mb\\x7fc\td\n"));
    assert_non_null(strstr(text, " info  x\\n2026-01-01 00:00:00.000 error forged\\x0d\n"));
    assert_non_null(strstr(text, " info  \xe4\xbd\xa0 \xc3\xbc \\xc2\\x9b31m \\xff \\xe2\\x80\\xae "
                                 "\\xe2\\x81\\xa6 \xe2\x81\xb0 \\xe4\\xbd\n"));
    free(text);
}

static void only_what_the_level_admits_is_written(void **state)
{
    (void)state;
    char *text = logged(write_each_level);
    assert_non_null(strstr(text, " error one 1\n"));
    assert_non_null(strstr(text, " warn  two\n"));
    assert_null(strstr(text, "three"));
    assert_null(strstr(text, "four"));
    assert_non_null(strstr(text, " info  five\n"));
    free(text);
}

static void write_too_much(void)
{
    char big[5000];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = 0;
    skt_error("%s", big);
    skt_error("after");
}

static void a_long_line_is_cut_and_ended(void **state)
{
    (void)state;
    char *text = logged(write_too_much);
    char *end = strchr(text, '\n');
    assert_non_null(end);
    check_that(end - text, <, 1024);
    check_that(end - text, >, 900);
    assert_non_null(strstr(end, "after\n"));
    free(text);
}

static void a_file_that_cannot_be_opened_changes_nothing(void **state)
{
    (void)state;
    assert_int_equal(skt_log_open("/nonexistent/dir/log"), SKT_ERR_IO);
}

static void every_error_has_its_text(void **state)
{
    (void)state;
    for (int i = SKT_ERR_LIMIT; i <= SKT_OK; i++) {
        assert_string_not_equal(skt_err_str(i), "unknown error");
        for (int k = SKT_ERR_LIMIT; k < i; k++)
            assert_string_not_equal(skt_err_str(i), skt_err_str(k));
    }
    assert_string_equal(skt_err_str(1), "unknown error");
    assert_string_equal(skt_err_str(-1000), "unknown error");
}

CHECK_GROUP(log)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_have_names),
        cmocka_unit_test(only_what_the_level_admits_is_written),
        cmocka_unit_test(nothing_steers_a_terminal),
        cmocka_unit_test(a_long_line_is_cut_and_ended),
        cmocka_unit_test(a_file_that_cannot_be_opened_changes_nothing),
        cmocka_unit_test(every_error_has_its_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
