/* SPDX-License-Identifier: MIT */
#include "base/check.h"
#include "base/err.h"
#include "netcfg/hook.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int shell(const char *script, double limit_s, char text[SKT_HOOK_TEXT_MAX])
{
    const char *argv[] = {"sh", "-c", script, NULL}, *env[] = {"GREETING=good day", NULL};
    return skt_hook_run(
        &(struct skt_hook){.argv = argv, .env = env, .limit_s = limit_s, .input = "some input\n"}, text);
}

static void the_result_is_told(void **state)
{
    (void)state;
    char text[SKT_HOOK_TEXT_MAX];
    assert_int_equal(shell("exit 0", 5, text), SKT_OK);
    assert_string_equal(text, "");
    assert_int_equal(shell("echo first; echo 'it broke\t' >&2; exit 3", 5, text), SKT_ERR_ARG);
    assert_string_equal(text, "sh: exit status 3: it broke");
    assert_int_equal(shell("kill -9 $$", 5, text), SKT_ERR_ARG);
    assert_string_equal(text, "sh: ended by signal 9");
    const char *argv[] = {"no-such-program-here", NULL};
    assert_int_equal(skt_hook_run(&(struct skt_hook){.argv = argv, .limit_s = 1}, text), SKT_ERR_NOTFOUND);
    assert_false(skt_hook_exists("no-such-program-here"));
    assert_true(skt_hook_exists("sh"));
}

static void it_gets_its_environment_and_input(void **state)
{
    (void)state;
    char text[SKT_HOOK_TEXT_MAX], output[64];
    assert_int_equal(shell("test \"$GREETING\" = 'good day' && test \"$(cat)\" = 'some input'", 60, text),
                     SKT_OK);
    assert_int_equal(setenv("SECRET_OF_THE_PARENT", "x", 1), 0);
    assert_int_equal(shell("test -z \"$SECRET_OF_THE_PARENT\" && ls / >/dev/null", 60, text), SKT_OK);
    const char *argv[] = {"sh", "-c", "echo one; echo two", NULL};
    struct skt_hook hook = {.argv = argv, .limit_s = 60, .output = output, .output_cap = sizeof output};
    assert_int_equal(skt_hook_run(&hook, text), SKT_OK);
    assert_non_null(strstr(output, "one\ntwo"));
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void time_is_limited(void **state)
{
    (void)state;
    char text[SKT_HOOK_TEXT_MAX];
    double start = seconds();
    assert_int_equal(shell("sleep 30", 0.2, text), SKT_ERR_AGAIN);
    check_that(seconds() - start, <, 29);
    assert_string_equal(text, "sh: not done within 0.2 s");
    /* also one that does not listen */
    start = seconds();
    assert_int_equal(shell("trap '' TERM; sleep 30; sleep 30", 0.2, text), SKT_ERR_AGAIN);
    check_that(seconds() - start, <, 29);
    /* what it leaves in the background does not count */
    start = seconds();
    assert_int_equal(shell("sleep 30 & exit 0", 60, text), SKT_OK);
    check_that(seconds() - start, <, 29);
}

static void much_output_does_no_harm(void **state)
{
    (void)state;
    char text[SKT_HOOK_TEXT_MAX];
    assert_int_equal(
        shell("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; echo the end; exit 1", 120,
              text),
        SKT_ERR_ARG);
    assert_string_equal(text, "sh: exit status 1: the end");
}

/* Ignored signals would be inherited, and a script that can't be ended. */
static void signals_are_as_usual(void **state)
{
    (void)state;
    char text[SKT_HOOK_TEXT_MAX];
    signal(SIGTERM, SIG_IGN);
    assert_int_equal(shell("kill $$; sleep 5", 60, text), SKT_ERR_ARG);
    signal(SIGTERM, SIG_DFL);
    assert_string_equal(text, "sh: ended by signal 15");
}

CHECK_GROUP(hook)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_result_is_told),   cmocka_unit_test(it_gets_its_environment_and_input),
        cmocka_unit_test(time_is_limited),      cmocka_unit_test(much_output_does_no_harm),
        cmocka_unit_test(signals_are_as_usual),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
