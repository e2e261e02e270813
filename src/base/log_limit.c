/* SPDX-License-Identifier: MIT */
/* Lines that others can cause: said once, counted, repeated rarely. A fixed table holds what was said of late
 * and what is counted; a kind of line has only a part of it, so that many keys (forged addresses) of one kind
 * leave room for the others, and share a tally where there is no place. */
#include "base/log_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    KEYED_MAX = 64, /* tallies of a kind and a key */
    SITE_MAX = 16,  /* such tallies of one kind */
    REST_MAX = 32,  /* tallies of a kind, for all keys that found no place */
    TEXT_MAX = 256,
    BURST = 20,    /* lines of all kinds at once, before they are one a second: a client that comes and goes,
                      a server's first clients after a restart */
    NEWS_FREE = 6, /* lines of one kind and key at once */
    SCRIPT_FREE = 50,
};

struct tally {
    const struct skt_log_site *site; /* NULL: free */
    uint64_t key;                    /* whose it is */
    skt_us said;                     /* when it was said last; where has_said */
    skt_us seen;                     /* when it happened last */
    skt_us next;                     /* it is not said before */
    skt_us first;                    /* when the place was taken */
    uint32_t left;                   /* how often it happened since it was said */
    uint8_t steps;                   /* lines said in a row; the intervals grow with it */
    uint8_t level;                   /* enum skt_log_level */
    bool has_said;                   /* since the place was taken */
    char text[TEXT_MAX];             /* what is said; of the first time since it was said, or of this time */
};

static const skt_us steady_after = 5 * SKT_US_PER_SEC;
static const skt_us steady_wait = 6 * SKT_US_PER_SEC; /* until the first word; a little later than that */

static struct tally tallies[KEYED_MAX + REST_MAX];
static skt_us said_until; /* the budget of all lines, as a clock that each moves ahead by 1 s */
static void (*wake_fn)(void *user);
static void *wake_user;
static skt_us (*clock_fn)(void);

/* --- time --- */

void skt_log_set_clock(skt_us (*now)(void))
{
    clock_fn = now;
    memset(tallies, 0, sizeof tallies);
    said_until = 0;
    skt_log_debug_reset();
}

skt_us skt_log_now(void)
{
    return clock_fn ? clock_fn() : skt_clock_now();
}

/* How long after its line number `steps` (from 1) the next one may follow. */
static skt_us interval(enum skt_log_pace pace, unsigned steps)
{
    static const uint16_t seconds[] = {10, 60, 300, 1800};
    const unsigned last = sizeof seconds / sizeof seconds[0];
    unsigned at_once = pace == SKT_LOG_NEWS ? NEWS_FREE : pace == SKT_LOG_SCRIPT ? SCRIPT_FREE : 1;
    if (steps < at_once)
        return 0;
    if (pace == SKT_LOG_SCRIPT)
        return SKT_US_PER_SEC;
    unsigned i = steps - at_once;
    return seconds[i < last ? i : last - 1] * SKT_US_PER_SEC;
}

/* After that long without it, it is new again. */
static skt_us quiet_time(const struct tally *t)
{
    static const uint16_t least[] = {
        [SKT_LOG_RARE] = 600, [SKT_LOG_NEWS] = 60, [SKT_LOG_STEADY] = 600, [SKT_LOG_SCRIPT] = 10};
    return skt_us_max(least[t->site->pace] * SKT_US_PER_SEC, interval(t->site->pace, t->steps));
}

static bool is_old(const struct tally *t, skt_us now)
{
    return t->left == 0 && now >= skt_us_add(t->seen, quiet_time(t));
}

/* A bucket that holds `burst` and gains one each `period`; false: it is empty. */
static bool take(skt_us *until, skt_us now, skt_us period, unsigned burst)
{
    if (*until > now + (burst - 1) * period)
        return false;
    *until = skt_us_max(*until, now) + period;
    return true;
}

static skt_us budget_from(void)
{
    const skt_us ahead = (BURST - 1) * SKT_US_PER_SEC;
    return said_until > ahead ? said_until - ahead : 0;
}

/* --- the table --- */

static struct tally *begin(struct tally *t, const struct skt_log_site *site, uint64_t key, skt_us now)
{
    memset(t, 0, sizeof *t);
    t->site = site;
    t->key = key;
    t->first = now;
    if (site->pace == SKT_LOG_STEADY)
        t->next = now + steady_wait;
    return t;
}

/* The tally of those that found no place; NULL: not even that has one. */
static struct tally *rest_of(const struct skt_log_site *site, skt_us now)
{
    struct tally *free_one = NULL;
    for (struct tally *t = tallies + KEYED_MAX; t < tallies + KEYED_MAX + REST_MAX; t++) {
        if (t->site == site)
            return t;
        if (!free_one && (!t->site || is_old(t, now)))
            free_one = t;
    }
    return free_one ? begin(free_one, site, 0, now) : NULL;
}

static struct tally *tally_of(const struct skt_log_site *site, uint64_t key, skt_us now)
{
    struct tally *free_one = NULL, *own_free = NULL;
    unsigned own = 0;
    for (struct tally *t = tallies; t < tallies + KEYED_MAX; t++) {
        if (t->site == site && t->key == key)
            return t;
        bool is_free = !t->site || is_old(t, now);
        if (!free_one && is_free)
            free_one = t;
        if (t->site != site)
            continue;
        own++;
        if (is_free)
            own_free = t;
    }
    if (own >= SITE_MAX)
        free_one = own_free;
    return free_one ? begin(free_one, site, key, now) : rest_of(site, now);
}

/* --- saying it --- */

/* May it be said now? What may counts as said. */
static bool is_due(const struct tally *t, skt_us now)
{
    if (now < t->next)
        return false;
    return t->site->pace == SKT_LOG_SCRIPT || take(&said_until, now, SKT_US_PER_SEC, BURST);
}

static void say(struct tally *t, skt_us now)
{
    char text[TEXT_MAX + 64];
    unsigned long long after = t->has_said ? (now - t->said) / SKT_US_PER_SEC : 0;
    if (t->left > 1 && t->has_said)
        snprintf(text, sizeof text, "%s (%u times more in %llu s)", t->text, t->left, after);
    else if (t->left > 1)
        snprintf(text, sizeof text, "%s (%u times)", t->text, t->left);
    else
        snprintf(text, sizeof text, "%s", t->text);
    t->left = 0;
    t->said = now;
    t->has_said = true;
    if (t->steps < UINT8_MAX)
        t->steps++;
    t->next = now + interval(t->site->pace, t->steps);
    skt_log_line((enum skt_log_level)t->level, text);
}

bool skt_log_limited(const struct skt_log_site *site, enum skt_log_level level, uint64_t key, const char *fmt,
                     ...)
{
    skt_us now = skt_log_now();
    struct tally *t = tally_of(site, key, now);
    if (!t)
        return false;
    if (is_old(t, now))
        begin(t, site, t->key, now);
    t->seen = now;
    t->level = (uint8_t)level;
    bool due = is_due(t, now);
    if (due || t->left == 0) { /* a flood costs no formatting */
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(t->text, sizeof t->text, fmt, ap);
        va_end(ap);
    }
    t->left += t->left < UINT32_MAX ? 1 : 0;
    if (due)
        say(t, now);
    else if (t->left == 1 && wake_fn)
        wake_fn(wake_user);
    return due;
}

uint64_t skt_log_key(const void *bytes, size_t len, uint64_t more)
{
    const uint8_t *p = bytes;
    uint64_t h = UINT64_C(0xcbf29ce484222325) ^ more; /* FNV-1a */
    for (size_t i = 0; i < len; i++)
        h = (h ^ p[i]) * UINT64_C(0x100000001b3);
    return h ? h : 1;
}

/* --- what was counted, later --- */

skt_us skt_log_expiry(void)
{
    skt_us at = SKT_NEVER;
    for (size_t i = 0; i < KEYED_MAX + REST_MAX; i++)
        if (tallies[i].left > 0)
            at = skt_us_min(at, tallies[i].next);
    return at == SKT_NEVER ? at : skt_us_max(at, budget_from());
}

/* It has not gone on for long enough to be worth a line. */
static bool has_passed(const struct tally *t, skt_us now)
{
    return t->site && t->site->pace == SKT_LOG_STEADY && !t->has_said && now >= t->next &&
           t->seen < t->first + steady_after;
}

/* The one that has waited longest. */
static struct tally *next_due(skt_us now)
{
    struct tally *due = NULL;
    for (struct tally *t = tallies; t < tallies + KEYED_MAX + REST_MAX; t++)
        if (t->left > 0 && t->next <= now && (!due || t->next < due->next))
            due = t;
    return due;
}

void skt_log_expire(skt_us now)
{
    struct tally *t;
    for (t = tallies; t < tallies + KEYED_MAX + REST_MAX; t++)
        if (has_passed(t, now))
            memset(t, 0, sizeof *t);
    while ((t = next_due(now)) != NULL && is_due(t, now))
        say(t, now);
}

void skt_log_set_waker(void (*wake)(void *user), void *user)
{
    wake_fn = wake;
    wake_user = user;
}

void skt_log_finish(void)
{
    skt_us now = skt_log_now();
    for (size_t i = 0; i < KEYED_MAX + REST_MAX; i++)
        if (tallies[i].left > 0 && (tallies[i].has_said || tallies[i].site->pace != SKT_LOG_STEADY))
            say(&tallies[i], now);
    skt_log_debug_finish();
}
