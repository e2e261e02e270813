/* SPDX-License-Identifier: MIT */
#include "demo/stats.h"

#include "base/err.h"
#include "cli/json.h"
#include "cli/status_fetch.h"
#include "cli/status_items.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATUS_LIMIT_MS = 300 };

static void add_time(struct skt_demo_times *t, double seconds)
{
    t->samples[t->count++ % SKT_DEMO_SAMPLES] = seconds;
    t->second_sum += seconds;
    t->second_count++;
}

void skt_demo_stats_take(struct skt_demo_stats *s, const struct skt_demo_report *r)
{
    struct skt_demo_row *row = &s->rows[r->way];
    switch ((enum skt_demo_report_kind)r->kind) {
    case SKT_DEMO_GET:
        add_time(&row->gets, r->value);
        break;
    case SKT_DEMO_GET_FAILED:
        row->gets_failed++;
        break;
    case SKT_DEMO_LOADED:
        row->loaded += r->count;
        break;
    case SKT_DEMO_LOAD_DONE:
        row->loads++;
        break;
    case SKT_DEMO_LOAD_FAILED:
        row->loads_failed++;
        break;
    case SKT_DEMO_LOAD_WRONG:
        if (row->loads_wrong++ == 0)
            row->wrong_offset = r->count;
        break;
    case SKT_DEMO_LINE:
        row->line_seen = r->count;
        row->line_lost = r->lost;
        break;
    case SKT_DEMO_UP:
    case SKT_DEMO_DOWN:
        memcpy(row->text, r->text, sizeof row->text);
        row->error = (int)r->count;
        break;
    }
}

static void tick_times(struct skt_demo_times *t)
{
    if (t->second_count > 0)
        t->last = t->second_sum / t->second_count;
    t->second_sum = 0;
    t->second_count = 0;
}

void skt_demo_stats_tick(struct skt_demo_stats *s, double elapsed)
{
    for (size_t way = 0; way < SKT_DEMO_WAYS; way++) {
        struct skt_demo_row *row = &s->rows[way];
        tick_times(&row->gets);
        row->load_mbit = elapsed > 0 ? (double)(row->loaded - row->loaded_before) * 8 / 1e6 / elapsed : 0;
        row->loaded_before = row->loaded;
    }
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double skt_demo_times_quantile(const struct skt_demo_times *t, double share)
{
    static double sorted[SKT_DEMO_SAMPLES];
    size_t n = t->count < SKT_DEMO_SAMPLES ? (size_t)t->count : SKT_DEMO_SAMPLES;
    if (n == 0)
        return 0;
    memcpy(sorted, t->samples, n * sizeof sorted[0]);
    qsort(sorted, n, sizeof sorted[0], compare_doubles);
    return sorted[(size_t)(share * (double)(n - 1) + 0.5)];
}

/* Describes the client's first session; adds what all sessions have retransmitted to *retransmitted. */
static void read_status(const char *socket, char *words, size_t cap, double *retransmitted)
{
    char *text;
    size_t len;
    if (skt_status_fetch(socket, STATUS_LIMIT_MS, &text, &len) < 0)
        return;
    struct skt_json pos = {0}, session, sessions = skt_json_get(skt_json_of(text, len), "sessions");
    while (skt_json_next(sessions, &pos, &session)) {
        char state[16];
        *retransmitted += skt_status_number(session, SKT_STAT_RETRANSMITTED);
        if (words)
            snprintf(words, cap, "%s, round trip %.1f ms, datagrams of %.0f B, %.0f streams",
                     skt_json_text(skt_json_get(session, "state"), state, sizeof state),
                     skt_status_number(session, SKT_STAT_RTT), skt_status_number(session, SKT_STAT_MTU),
                     skt_status_number(session, SKT_STAT_STREAMS));
        words = NULL;
    }
    free(text);
}

void skt_demo_stats_poll(struct skt_demo_stats *s, const char *client_socket, const char *server_socket)
{
    double retransmitted = 0;
    read_status(client_socket, s->session, sizeof s->session, &retransmitted);
    read_status(server_socket, NULL, 0, &retransmitted);
    if (retransmitted > s->retransmitted)
        s->retransmitted = retransmitted;
}

bool skt_demo_stats_good(const struct skt_demo_stats *s)
{
    const struct skt_demo_row *tunnel = &s->rows[SKT_DEMO_TUNNEL];
    return tunnel->loaded > 0 && tunnel->gets.count > 0 && tunnel->loads_wrong == 0 &&
           tunnel->loads_failed == 0 && tunnel->gets_failed == 0;
}
