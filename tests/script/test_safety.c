/* SPDX-License-Identifier: MIT */
/* What a script can do to us: anything from inside any callback, random calls, no memory. */
#include "base/err.h"
#include "script/rig.h"
#include "script/state.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/* A key takes no time to derive. */
#define KEY "key = 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8='"

enum {
    STEP = 256,
    LIVES_MAX = 150,
    AFTER_REFUSAL_MS =
        60,          /* that a script still gets once it was refused memory: it may never come to its end */
    LIFE_MS = 20000, /* that a life may take where nothing was refused, on however busy a machine */
};

#define REFUSED "not enough memory"

/* Errors of the scripts' own are expected here. */
static void run_to_the_end(struct rig *rig, const char *script, unsigned limit_ms)
{
    struct rig_app a;
    rig_start_script(rig, &a, KEY, script);
    bool passed = rig_wait_log(rig, "PASS", limit_ms);
    if (!passed)
        rig_show_log(rig);
    assert_true(passed);
    assert_false(skt_script_failed(a.app));
    rig_stop(&a);
}

static void test_anything_from_inside_any_callback(void **state)
{
    run_to_the_end(*state, "reentry.lua", 400000); /* a guard: 15 s where nothing else runs */
}

static void test_random_calls(void **state)
{
    const char *seconds = getenv("SKT_LUA_FUZZ");
    run_to_the_end(*state, "fuzz.lua", seconds ? (unsigned)atoi(seconds) * 2000 + 20000 : 20000);
}

/* Until the state can be made at all; the limit is the configuration's max_memory then. */
static size_t sweep_making(struct rig *rig)
{
    char text[2048], err[SKT_CONFIG_ERROR_MAX];
    rig_script_config(KEY, "life.lua", text, sizeof text);
    for (size_t limit = STEP;; limit += STEP) {
        struct skt_config *conf;
        struct skt_script *app;
        assert_int_equal(skt_config_load_text(&conf, "c.lua", text, strlen(text), err, sizeof err), SKT_OK);
        conf->max_memory = limit;
        int rc = skt_script_new(&app, rig->loop, conf, err, sizeof err);
        assert_true(rc == SKT_OK || rc == SKT_ERR_NOMEM);
        skt_script_free(app);
        skt_config_free(conf);
        if (rc == SKT_OK)
            return limit;
    }
}

static bool at_once(void *user)
{
    (void)user;
    return true;
}

struct life {
    struct rig *rig;
    unsigned ends;     /* seen in the log before it began */
    skt_us refused_at; /* 0: not yet */
    lua_Alloc alloc;   /* the state's own */
    void *alloc_user;  /* handed to it */
    unsigned refusals; /* requests that it has refused */
};

static void *count_refusals(void *user, void *old, size_t old_len, size_t new_len)
{
    struct life *l = user;
    void *fresh = l->alloc(l->alloc_user, old, old_len, new_len);
    l->refusals += !fresh && new_len > 0;
    return fresh;
}

static bool is_over(void *user)
{
    struct life *l = user;
    if (rig_count_log(l->rig, "LIFE") > l->ends)
        return true;
    skt_us now = skt_loop_now(l->rig->loop);
    if (l->refused_at == 0 && l->refusals > 0)
        l->refused_at = now;
    return l->refused_at && now - l->refused_at > AFTER_REFUSAL_MS * SKT_US_PER_MS;
}

/* A life with that limit; did it come to its end? */
static bool live(struct rig *rig, size_t limit)
{
    char text[2048], err[SKT_CONFIG_ERROR_MAX];
    struct skt_config *conf;
    struct skt_script *app;
    struct life life = {.rig = rig, .ends = rig_count_log(rig, "LIFE")};
    rig_script_config(KEY, "life.lua", text, sizeof text);
    assert_int_equal(skt_config_load_text(&conf, "c.lua", text, strlen(text), err, sizeof err), SKT_OK);
    assert_int_equal(skt_script_new(&app, rig->loop, conf, err, sizeof err), SKT_OK);
    app->lua.limit_len = limit;
    life.alloc = lua_getallocf(app->lua.L, &life.alloc_user);
    lua_setallocf(app->lua.L, count_refusals, &life);
    (void)rig_run(rig, at_once, NULL, 0); /* the loop's clock stood still meanwhile */
    bool started = skt_script_start(app, err, sizeof err) == SKT_OK;
    if (started)
        assert_true(rig_run(rig, is_over, &life, LIFE_MS));
    bool ended = rig_count_log(rig, "LIFE") > life.ends;
    skt_script_free(app);
    skt_config_free(conf);
    return ended;
}

/* The limit rises until all goes well: no crash, and with the sanitizers no leak, wherever it ends. */
static void test_memory_runs_out_anywhere(void **state)
{
    struct rig *rig = *state;
    assert_true(live(rig, 0));
    size_t limit = sweep_making(rig);
    unsigned lives = 1;
    check_that(limit, >, 20000); /* it did fail at first */
    for (; !live(rig, limit); limit += STEP) {
        if (lives++ >= LIVES_MAX)
            rig_show_log(rig);
        check_that(lives, <=, LIVES_MAX);
    }
    print_message("%u lives, the last one in %zu bytes\n", lives, limit);
    check_that(lives, >, 5);
    check_that(rig_count_log(rig, REFUSED), >, 0);
}

#define SAFETY_TEST(fn) cmocka_unit_test_setup_teardown(fn, rig_setup, rig_teardown)

CHECK_GROUP(safety)
{
    const struct CMUnitTest tests[] = {
        SAFETY_TEST(test_anything_from_inside_any_callback),
        SAFETY_TEST(test_random_calls),
        SAFETY_TEST(test_memory_runs_out_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
