/* SPDX-License-Identifier: MIT */
/* Debug lines: bounded in all, with a fair share for each source. A fixed table counts what each has written
 * of late; all counts are halved every HALF_TIME. A source may write on while
 *
 *     written by it < LINES_MAX - written by all,   or   written by it < LINES_LEAST.
 *
 * So one that floods writes half of LINES_MAX and leaves the other half, a second one half of that, and so
 * on; a third flood and any number of others still leave each source LINES_LEAST. */
#include "base/log_internal.h"

#include <stdio.h>
#include <string.h>

#define HALF_TIME (10 * SKT_US_PER_SEC) /* LINES_MAX / 2 in that time: 50 lines a second in the long run */

enum {
    LINES_MAX = 1000,  /* one source alone has 500 at once: a story of some hundred connections is long */
    LINES_LEAST = 8,   /* a session's beginning and two connections, about */
    SOURCES_MAX = 32,  /* with LINES_LEAST for each: a quarter of LINES_MAX more at most */
    HALVINGS_MAX = 10, /* of LINES_MAX and what is beyond it nothing is left then */
};

struct source {
    uint64_t key;     /* who they are about (skt_log_key) */
    uint32_t written; /* of late; 0: the place is free */
};

static struct source sources[SOURCES_MAX];
static struct source others; /* those that find no place, together */
static uint32_t written;     /* by all of them, of late */
static uint32_t left_out;    /* since that was told last */
static skt_us halve_at;
static bool to_tell = true; /* left_out may be told again: once in HALF_TIME */

void skt_log_debug_reset(void)
{
    memset(sources, 0, sizeof sources);
    others.written = written = left_out = 0;
    halve_at = 0;
    to_tell = true;
}

static void halve(void)
{
    written = others.written /= 2;
    for (size_t i = 0; i < SOURCES_MAX; i++)
        written += sources[i].written /= 2;
    to_tell = true;
}

static void age(skt_us now)
{
    if (now < halve_at)
        return;
    skt_us times = (now - halve_at) / HALF_TIME + 1;
    halve_at = skt_us_add(halve_at, times * HALF_TIME);
    for (skt_us i = 0; i < times && i < HALVINGS_MAX; i++)
        halve();
}

static struct source *source_of(uint64_t key)
{
    struct source *free_one = &others;
    for (struct source *s = sources; s < sources + SOURCES_MAX; s++) {
        if (s->written > 0 && s->key == key)
            return s;
        if (s->written == 0)
            free_one = s;
    }
    free_one->key = key;
    return free_one;
}

static void tell_left_out(void)
{
    char text[96];
    snprintf(text, sizeof text, "%u debug lines are left out: too many of one kind or peer", left_out);
    left_out = 0;
    to_tell = false;
    skt_log_line(SKT_LOG_DEBUG, text);
}

bool skt_log_debug_allowed(uint64_t source)
{
    age(skt_log_now());
    struct source *s = source_of(source);
    if (s->written >= LINES_LEAST && s->written + written >= LINES_MAX) {
        left_out += left_out < UINT32_MAX ? 1 : 0;
        return false;
    }
    s->written++;
    written++;
    if (left_out > 0 && to_tell)
        tell_left_out();
    return true;
}

void skt_log_debug_finish(void)
{
    if (left_out > 0 && skt_log_is_on(SKT_LOG_DEBUG))
        tell_left_out();
}
