/* SPDX-License-Identifier: MIT */
/* The metrics: OpenMetrics 1.0.0, or the text that Prometheus had before it. A family is described by a row:
 * its name without "skcptun_" and "_total", a space, what it is. */
#include "script/app.h"
#include "script/app_numbers.h"
#include "script/state.h"
#include "script/tun.h"

#include <stdio.h>
#include <string.h>

/* Sessions that have series of their own, so that a page stays below 3 MB; tallies have all of them. */
enum { SESSIONS_SHOWN = 1000 };

struct metrics {
    FILE *out;     /* where they go */
    bool classic;  /* not OpenMetrics */
    bool counter;  /* what the present family is; else a gauge */
    char name[80]; /* of the present family; the longest has 42 */
};

/* --- families and samples --- */

static void begin(struct metrics *m, const char *prefix, const char *row, bool counter)
{
    static const char units[] = " seconds bytes ratio packets segments datagrams ";
    int len = (int)strcspn(row, " ");
    char unit[32];
    m->counter = counter;
    snprintf(m->name, sizeof m->name, "skcptun_%s%.*s%s", prefix, len, row,
             m->classic && counter ? "_total" : "");
    fprintf(m->out, "# TYPE %s %s\n# HELP %s%s.\n", m->name, counter ? "counter" : "gauge", m->name,
            row + len);
    const char *last = strrchr(m->name, '_') + 1;
    snprintf(unit, sizeof unit, " %s ", last);
    if (!m->classic && strstr(units, unit))
        fprintf(m->out, "# UNIT %s %s\n", m->name, last);
}

static void begin_sample(const struct metrics *m)
{
    fprintf(m->out, "%s%s", m->name, m->counter && !m->classic ? "_total" : "");
}

/* One with a label; NULL: without. value: text of a label is as in a tally. */
static void sample(const struct metrics *m, const char *label, const char *text, uint64_t value)
{
    begin_sample(m);
    if (label)
        fprintf(m->out, "{%s=\"%s\"}", label, text);
    fprintf(m->out, " %llu\n", (unsigned long long)value);
}

static void single(struct metrics *m, const char *row, bool counter, uint64_t value)
{
    begin(m, "", row, counter);
    sample(m, NULL, NULL, value);
}

/* --- what is of no session --- */

static void write_process(struct metrics *m, const struct skt_script *app)
{
    const struct skt_relay_stats tcp = skt_script_connections(app);
    const struct skt_drops drops = skt_script_drops(app);
    char mode[SKT_TALLY_NAME_MAX];
    begin(m, "", "build_info The program", false);
    skt_tally_name(mode, app->conf->mode_name);
    fprintf(m->out, "%s{version=\"" SKT_VERSION "\",mode=\"%s\"} 1\n", m->name, mode);
    single(m, "uptime_seconds Time since the start", false,
           (skt_loop_now(app->loop) - app->life.created) / SKT_US_PER_SEC);
    single(m, "resident_memory_bytes Memory in use", false, skt_script_rss());
    single(m, "tcp_connections Open TCP connections", false, tcp.open);
    single(m, "tcp_accepted TCP connections begun", true, tcp.accepted);
    single(m, "tcp_refused TCP connections without a target", true, tcp.refused);
    single(m, "tcp_closed TCP connections that ended", true, tcp.closed);
    begin(m, "", "dropped_datagrams Datagrams refused", true);
    sample(m, "reason", "auth", drops.auth);
    sample(m, "reason", "replay", drops.replay);
    sample(m, "reason", "malformed", drops.malformed);
    sample(m, "reason", "overload", drops.overload);
}

static void write_tun(struct metrics *m, const struct skt_switch *sw)
{
    struct skt_switch_stats st;
    skt_switch_stats(sw, &st);
    single(m, "tun_waiting_bytes Bytes queued", false, skt_switch_waiting(sw));
    single(m, "tun_in_bytes Read from the TUN", true, st.bytes_in);
    single(m, "tun_out_bytes Written to the TUN", true, st.bytes_out);
    single(m, "tun_in_packets Read from the TUN", true, st.packets_in);
    single(m, "tun_out_packets Written to the TUN", true, st.packets_out);
    single(m, "tun_forwarded_packets From one session to another", true, st.forwarded);
    single(m, "tun_marked_packets Marked by ECN", true, st.marked);
    begin(m, "", "tun_dropped_packets Packets not carried", true);
    sample(m, "reason", "queue", st.dropped);
    sample(m, "reason", "overflow", st.overflow);
    sample(m, "reason", "spoofed", st.spoofed);
    sample(m, "reason", "malformed", st.malformed);
    sample(m, "reason", "group", st.group);
    sample(m, "reason", "too_big", st.too_big);
    sample(m, "reason", "no_route", st.no_route);
}

static void write_targets(struct metrics *m, const struct skt_list *targets)
{
    static const char *const rows[] = {
        [SKT_TALLY_OPEN] = "connections Open TCP connections",
        [SKT_TALLY_ASKED] = "accepted TCP connections begun",
        [SKT_TALLY_REFUSED] = "refused TCP connections without a target",
        [SKT_TALLY_FROM_TCP] = "from_tcp_bytes Read from TCP",
        [SKT_TALLY_TO_TCP] = "to_tcp_bytes Written to TCP",
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows && !skt_list_empty(targets); i++) {
        begin(m, "target_", rows[i], i != SKT_TALLY_OPEN);
        for (const struct skt_list *l = targets->next; l != targets; l = l->next) {
            const struct skt_tally *t = SKT_CONTAINER(l, struct skt_tally, link);
            sample(m, "target", t->name, t->sum[i]);
        }
    }
}

/* --- sessions --- */

struct cursor {
    const struct skt_list *link; /* of the endpoint that is walked; NULL: at the beginning */
    uint32_t pos;                /* in it */
    bool server;                 /* it is a server's */
};

static struct skt_session *next(const struct skt_script *app, struct cursor *c)
{
    const struct skt_list *live = &app->skcps.live;
    if (!c->link)
        c->link = live->next;
    for (; c->link != live; c->link = c->link->next, c->pos = 0) {
        const struct skt_script_skcp *k = SKT_CONTAINER(c->link, struct skt_script_skcp, link);
        struct skt_session *s = skt_endpoint_next(k->ep, &c->pos);
        c->server = k->server;
        if (s)
            return s;
    }
    return NULL;
}

static void count_live(struct skt_script *app)
{
    for (int i = 0; i < 2; i++) {
        for (struct skt_list *l = app->tallies[i].next; l != &app->tallies[i]; l = l->next) {
            struct skt_tally *t = SKT_CONTAINER(l, struct skt_tally, link);
            memset(t->live, 0, sizeof t->live);
            t->up = 0;
        }
    }
    struct cursor c = {0};
    for (const struct skt_session *s; (s = next(app, &c));) {
        struct skt_tally *t = skt_endpoint_tally(s);
        if (!t)
            continue;
        skt_tally_add(t->live, s);
        t->up += skt_session_state(s) == SKT_SESSION_UP;
    }
}

/* Of the tallies of a kind: one sample each, or their sum. */
static uint64_t write_tallies(const struct metrics *m, const struct skt_list *all, const char *label,
                              size_t i)
{
    uint64_t sum = 0;
    for (const struct skt_list *l = all->next; l != all; l = l->next) {
        const struct skt_tally *t = SKT_CONTAINER(l, struct skt_tally, link);
        uint64_t value = i == SKT_STATS ? t->up : i > SKT_STATS ? t->begun : t->sum[i] + t->live[i];
        sum += value;
        if (label)
            sample(m, label, t->name, value);
    }
    return sum;
}

static void write_sums(struct metrics *m, const struct skt_script *app)
{
    static const char *const prefixes[] = {"server_", "ticket_", ""}, *const labels[] = {"server", "ticket"};
    for (int kind = 0; kind < 3; kind++) {
        if (kind < 2 && skt_list_empty(&app->tallies[kind]))
            continue;
        for (size_t i = 0; i < SKT_STATS + 2; i++) {
            if (i < SKT_STATS && !skt_stats[i].counter)
                continue;
            begin(m, prefixes[kind],
                  i == SKT_STATS  ? "sessions Sessions that are up"
                  : i > SKT_STATS ? "sessions_begun Sessions that came up"
                                  : skt_stats[i].metric,
                  i != SKT_STATS);
            if (kind < 2)
                write_tallies(m, &app->tallies[kind], labels[kind], i);
            else
                sample(m, NULL, NULL,
                       write_tallies(m, &app->tallies[0], NULL, i) +
                           write_tallies(m, &app->tallies[1], NULL, i));
        }
    }
}

static void write_value(const struct metrics *m, enum skt_stat_unit unit, uint64_t value)
{
    bool us = unit == SKT_UNIT_MS || unit == SKT_UNIT_S;
    unsigned part = us ? 1000000 : 1000;
    fprintf(m->out, " %llu", (unsigned long long)(us || unit == SKT_UNIT_SHARE ? value / part : value));
    if (us || unit == SKT_UNIT_SHARE)
        fprintf(m->out, us ? ".%06u" : ".%03u", (unsigned)(value % part));
    (void)fputc('\n', m->out);
}

static void write_sessions(struct metrics *m, const struct skt_script *app)
{
    skt_us now = skt_loop_now(app->loop);
    for (size_t i = 0; i < SKT_STATS; i++) {
        const struct skt_stat_row *row = &skt_stats[i];
        struct cursor c = {0};
        unsigned shown = 0;
        for (const struct skt_session *s; shown < SESSIONS_SHOWN && (s = next(app, &c));) {
            const struct skt_tally *t = skt_endpoint_tally(s);
            if (!t || !skt_session_cid(s) || skt_session_state(s) == SKT_SESSION_CLOSED)
                continue;
            if (shown++ == 0)
                begin(m, "session_", row->metric, row->counter);
            begin_sample(m);
            fprintf(m->out, "{cid=\"%u\",%s=\"%s\"}", skt_session_cid(s), c.server ? "ticket" : "server",
                    t->name);
            write_value(m, row->unit, row->get(s, now));
        }
    }
}

void skt_script_metrics(struct skt_script *app, FILE *out, bool classic)
{
    struct metrics m = {.out = out, .classic = classic};
    count_live(app);
    write_process(&m, app);
    if (app->tun && app->tun->sw)
        write_tun(&m, app->tun->sw);
    if (app->relays)
        write_targets(&m, skt_relay_set_targets(app->relays));
    write_sums(&m, app);
    write_sessions(&m, app);
    if (!classic)
        fputs("# EOF\n", out);
}

const char *skt_script_ill(const struct skt_script *app)
{
    bool asks = false;
    struct cursor c = {0};
    if (app->life.stopping)
        return "stopping";
    for (const struct skt_session *s; (s = next(app, &c));)
        if (!c.server && skt_session_state(s) == SKT_SESSION_UP)
            return NULL;
    for (const struct skt_list *l = app->skcps.live.next; l != &app->skcps.live; l = l->next)
        asks = asks || !SKT_CONTAINER(l, struct skt_script_skcp, link)->server;
    return asks ? "no session is up" : NULL;
}

void skt_script_in_a_line(const struct skt_script *app, char *buf, size_t cap)
{
    unsigned up = 0, others = 0;
    struct cursor c = {0};
    char rest[32] = "", mode[SKT_TALLY_NAME_MAX];
    skt_tally_name(mode, app->conf->mode_name);
    for (const struct skt_session *s; (s = next(app, &c));) {
        bool is_up = skt_session_state(s) == SKT_SESSION_UP;
        up += is_up;
        others += !is_up;
    }
    if (others)
        snprintf(rest, sizeof rest, ", %u not", others);
    snprintf(buf, cap, "%s: %u session%s up%s; %llu connections", mode, up, up == 1 ? "" : "s", rest,
             (unsigned long long)skt_script_connections(app).open);
}
