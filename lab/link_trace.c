/* SPDX-License-Identifier: MIT */
#include "link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char no_memory[] = "out of memory";

static const char *fault_of(const uint32_t *at_ms, size_t count)
{
    if (count == 0)
        return "there is no opportunity in the trace";
    for (size_t i = 1; i < count; i++)
        if (at_ms[i] < at_ms[i - 1])
            return "the times of the trace go back";
    return at_ms[count - 1] == 0 ? "the trace's last time is 0" : NULL;
}

struct link_trace *link_trace_new(uint32_t *at_ms, size_t count, const char **why)
{
    struct link_trace *t = NULL;
    *why = fault_of(at_ms, count);
    if (!*why && !(t = calloc(1, sizeof *t)))
        *why = no_memory;
    if (*why) {
        free(at_ms);
        return NULL;
    }
    t->at_ms = at_ms;
    t->count = count;
    return t;
}

/* Room for one more in a growing list. */
static bool grow(uint32_t **list, size_t count)
{
    if (count & (count - 1) || (count > 0 && count < 1024))
        return true;
    uint32_t *more = realloc(*list, sizeof **list * (count ? count * 2 : 1024));
    if (more)
        *list = more;
    return more != NULL;
}

/* The times in a file, *count of them. NULL with *why. */
static uint32_t *read_times(FILE *in, size_t *count, const char **why)
{
    uint32_t *at_ms = NULL;
    char line[64];
    *why = NULL;
    for (*count = 0; !*why && fgets(line, sizeof line, in); (*count)++) {
        char *end;
        unsigned long ms = strtoul(line, &end, 10);
        if (end == line || strspn(end, " \t\r\n") != strlen(end) || line[0] == '-' || ms > UINT32_MAX)
            *why = "a line of the trace is no time in ms";
        else if (!grow(&at_ms, *count))
            *why = no_memory;
        else
            at_ms[*count] = (uint32_t)ms;
    }
    if (!*why && ferror(in))
        *why = "the trace can't be read";
    if (*why) {
        free(at_ms);
        return NULL;
    }
    return at_ms;
}

struct link_trace *link_trace_read(const char *path, const char **why)
{
    FILE *in = fopen(path, "re");
    if (!in) {
        *why = "the trace can't be opened";
        return NULL;
    }
    size_t count;
    uint32_t *at_ms = read_times(in, &count, why);
    fclose(in);
    return *why ? NULL : link_trace_new(at_ms, count, why);
}

void link_trace_free(struct link_trace *t)
{
    if (!t)
        return;
    free(t->at_ms);
    free(t->queue);
    free(t);
}

static int64_t period(const struct link_trace *t)
{
    return t->at_ms[t->count - 1] * LINK_NS_PER_MS;
}

static int64_t opportunity(const struct link_trace *t)
{
    return t->began + t->at_ms[t->next] * LINK_NS_PER_MS;
}

static void advance(struct link_trace *t)
{
    t->left = LINK_OPPORTUNITY_BYTES;
    if (++t->next < t->count)
        return;
    t->next = 0;
    t->began += period(t);
}

void link_trace_begin(struct link_trace *t, int64_t now)
{
    t->begun = true;
    t->began = now;
    t->next = 0;
    t->left = LINK_OPPORTUNITY_BYTES;
}

/* Opportunities before now are gone, whole rounds of them at once. */
static void skip(struct link_trace *t, int64_t now)
{
    int64_t rounds = (now - t->began) / period(t) - 1;
    if (rounds > 0) {
        t->began += rounds * period(t);
        t->next = 0;
        t->left = LINK_OPPORTUNITY_BYTES;
    }
    while (opportunity(t) < now)
        advance(t);
}

static void forget_what_left(struct link_trace *t, int64_t now)
{
    while (t->head != t->tail && t->queue[t->head & (t->room - 1)].leaves <= now)
        t->waiting -= t->queue[t->head++ & (t->room - 1)].len;
}

static bool wait_in_line(struct link_trace *t, int64_t leaves, size_t len)
{
    if (t->tail - t->head == t->room) {
        size_t room = t->room ? t->room * 2 : 1024;
        struct link_trace_waiting *queue = malloc(sizeof *queue * room);
        if (!queue)
            return false;
        for (size_t i = t->head; i != t->tail; i++)
            queue[i & (room - 1)] = t->queue[i & (t->room - 1)];
        free(t->queue);
        t->queue = queue;
        t->room = room;
    }
    t->queue[t->tail++ & (t->room - 1)] = (struct link_trace_waiting){leaves, (uint32_t)len};
    t->waiting += len;
    return true;
}

int64_t link_trace_pass(struct link_trace *t, size_t len, uint64_t queue_bytes, int64_t now)
{
    if (!t->begun)
        link_trace_begin(t, now);
    forget_what_left(t, now);
    if (t->waiting + len > queue_bytes)
        return LINK_NEVER;
    skip(t, now);
    size_t rest = len;
    while (rest > t->left) {
        rest -= t->left;
        advance(t);
    }
    t->left -= (uint32_t)rest;
    int64_t leaves = opportunity(t);
    return wait_in_line(t, leaves, len) ? leaves : LINK_NEVER;
}

uint64_t link_trace_capacity(const struct link_trace *t, int64_t ns)
{
    uint64_t rounds = (uint64_t)(ns / period(t));
    int64_t rest = ns % period(t);
    size_t low = 0, high = t->count; /* how many of the last round are not after rest */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (t->at_ms[middle] * LINK_NS_PER_MS <= rest)
            low = middle + 1;
        else
            high = middle;
    }
    return (rounds * t->count + low) * LINK_OPPORTUNITY_BYTES;
}
