/* SPDX-License-Identifier: MIT */
#include "cli/status_debug.h"

#include "base/err.h"
#include "base/format.h"
#include "cli/status_items.h"
#include "proto/kcp/view.h"

#include <stdlib.h>
#include <string.h>

/* One stream with what it is sorted by. */
struct row {
    struct skt_json json;
    double bytes; /* that it has under way in both directions */
    bool busy;
};

/* What holds, in words. */
static const char *const holds[] = {
    [SKT_HOLD_WINDOW] = "the congestion window",
    [SKT_HOLD_PACING] = "the pacer",
    [SKT_HOLD_RATE_CAP] = "max_rate_mbit",
    [SKT_HOLD_PEER_WINDOW] = "the peer's window",
    [SKT_HOLD_MEMORY] = "memory",
    [SKT_HOLD_GAP] = "a lost segment",
    [SKT_HOLD_TARGET] = "a target that does not read",
    [SKT_HOLD_CONNECT] = "a connection that is not there yet",
    [SKT_HOLD_READER] = "a reader that does not read",
};

enum { HOLDS = sizeof holds / sizeof *holds, NAME_MAX_LEN = 24 };
_Static_assert(HOLDS == SKT_HOLD_READER + 1, "each enum skt_hold needs words");

static double number(struct skt_json value, const char *path)
{
    return skt_json_number(skt_json_get(value, path), 0);
}

static const char *text(struct skt_json value, const char *path, char *buf, size_t cap)
{
    return skt_json_text(skt_json_get(value, path), buf, cap);
}

/* NULL: it is held by nothing. */
static const char *words_of(struct skt_json value, const char *path)
{
    char name[NAME_MAX_LEN];
    text(value, path, name, sizeof name);
    for (int i = SKT_HOLD_NONE + 1; i < HOLDS; i++)
        if (strcmp(skt_hold_str((enum skt_hold)i), name) == 0)
            return holds[i];
    return NULL;
}

static bool is_true(struct skt_json value, const char *path)
{
    struct skt_json found = skt_json_get(value, path);
    return found.p && *found.p == 't';
}

static int compare(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->busy != y->busy)
        return y->busy - x->busy;
    return (x->bytes < y->bytes) - (x->bytes > y->bytes);
}

static size_t read_rows(struct skt_json list, struct row **out)
{
    struct skt_json pos = {0}, item;
    size_t n = 0;
    while (skt_json_next(list, &pos, &item))
        n++;
    struct row *rows = calloc(n ? n : 1, sizeof *rows);
    *out = rows;
    pos = (struct skt_json){0};
    for (size_t i = 0; rows && i < n && skt_json_next(list, &pos, &item); i++)
        rows[i] = (struct row){item,
                               number(item, "inflight_bytes") + number(item, "unsent_bytes") +
                                   number(item, "unread_bytes"),
                               is_true(item, "busy")};
    if (rows)
        qsort(rows, n, sizeof *rows, compare);
    return n;
}

#define STREAM_ROW "%12s %-11s %7s %9s %9s %6s %8s %8s %9s %6s %8s %5s\n"

static const char *count(char buf[16], struct skt_json value, const char *path)
{
    snprintf(buf, 16, "%.0f", number(value, path));
    return buf;
}

static const char *state_of(struct skt_json json, char buf[NAME_MAX_LEN])
{
    char kind[NAME_MAX_LEN];
    if (strcmp(text(json, "kind", kind, sizeof kind), "flow") == 0)
        return "flow";
    return text(json, "state", buf, NAME_MAX_LEN);
}

static void print_holds(FILE *out, struct skt_json json)
{
    const char *held = words_of(json, "held_out"), *in = words_of(json, "held_in");
    bool waits = is_true(json, "tcp_waits");
    if (held)
        fprintf(out, "%12s out: held by %s%s\n", "", held, waits ? "; its TCP connection is not read" : "");
    else if (waits)
        fprintf(out, "%12s out: its TCP connection is not read until the queue is shorter\n", "");
    if (in)
        fprintf(out, "%12s in: held by %s\n", "", in);
}

static void print_row(FILE *out, struct skt_json json)
{
    char n[8][16], state[NAME_MAX_LEN], idle[SKT_FORMAT_MAX] = "-", flying[SKT_FORMAT_MAX],
                                        unsent[SKT_FORMAT_MAX], unread[SKT_FORMAT_MAX];
    struct skt_json active = skt_json_get(json, "idle_s");
    if (active.p && *active.p != 'n')
        snprintf(idle, sizeof idle, "%.1f s", skt_json_number(active, 0));
    fprintf(out, STREAM_ROW, count(n[0], json, "conv"), state_of(json, state), idle, count(n[1], json, "una"),
            count(n[2], json, "nxt"), count(n[3], json, "peer_window"),
            skt_format_bytes(number(json, "inflight_bytes"), flying),
            skt_format_bytes(number(json, "unsent_bytes"), unsent), count(n[4], json, "got"),
            count(n[5], json, "window"), skt_format_bytes(number(json, "unread_bytes"), unread),
            count(n[6], json, "behind_gap"));
    print_holds(out, json);
}

/* "3 are held by the pacer", of all streams, those that are not shown included. */
static void print_counts(FILE *out, const struct row *rows, size_t n)
{
    for (int i = SKT_HOLD_NONE + 1; i < HOLDS; i++) {
        size_t held = 0;
        for (size_t j = 0; j < n; j++) {
            const char *one = words_of(rows[j].json, "held_out"), *other = words_of(rows[j].json, "held_in");
            held += (one && one == holds[i]) || (other && other == holds[i]);
        }
        if (held > 0)
            fprintf(out, "  %zu held by %s\n", held, holds[i]);
    }
}

static void print_path(FILE *out, struct skt_json s)
{
    char flying[SKT_FORMAT_MAX], cwnd[SKT_FORMAT_MAX], memory[SKT_FORMAT_MAX], queue[SKT_FORMAT_MAX],
        phase[NAME_MAX_LEN];
    const char *held = words_of(s, "path.held");
    fprintf(out, "\nsession %.0f: %s in flight of %s, paced at %.1f Mbit/s, %s, %s of memory; held by %s\n",
            number(s, "cid"), skt_format_bytes(number(s, "path.inflight_bytes"), flying),
            skt_format_bytes(skt_status_number(s, SKT_STAT_CWND), cwnd),
            skt_status_number(s, SKT_STAT_PACING), text(s, "path.phase", phase, sizeof phase),
            skt_format_bytes(number(s, "path.memory_bytes"), memory),
            held ? held : "nothing: there is nothing to send");
    if (skt_json_get(s, "tun_queue").p)
        fprintf(out, "  TUN queue: %.0f packets (%s) wait, %.0f were dropped, %.0f marked\n",
                number(s, "tun_queue.packets"), skt_format_bytes(number(s, "tun_queue.bytes"), queue),
                number(s, "tun_queue.dropped"), number(s, "tun_queue.marked"));
}

static int print_session(FILE *out, struct skt_json s)
{
    struct row *rows;
    size_t n = read_rows(skt_json_get(s, "stream_list"), &rows);
    if (!rows)
        return SKT_ERR_NOMEM;
    print_path(out, s);
    print_counts(out, rows, n);
    size_t shown = n < SKT_STATUS_DEBUG_ROWS ? n : SKT_STATUS_DEBUG_ROWS, busy = 0;
    if (n > 0)
        fprintf(out, STREAM_ROW, "conv", "state", "idle", "una", "nxt", "takes", "flying", "unsent", "got",
                "room", "unread", "gap");
    for (size_t i = 0; i < n; i++) {
        if (i < shown)
            print_row(out, rows[i].json);
        else
            busy += rows[i].busy;
    }
    double rest = (double)(n - shown) + number(s, "streams_left_out");
    if (rest > 0)
        fprintf(out, "  %.0f more streams, %zu of them with something under way\n", rest, busy);
    free(rows);
    return SKT_OK;
}

int skt_status_debug_show(FILE *out, struct skt_json status)
{
    struct skt_json pos = {0}, s;
    while (skt_json_next(skt_json_get(status, "sessions"), &pos, &s)) {
        int err = print_session(out, s);
        if (err)
            return err;
    }
    return SKT_OK;
}
