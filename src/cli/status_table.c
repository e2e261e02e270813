/* SPDX-License-Identifier: MIT */
#include "cli/status_table.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static double number(struct skt_json value, const char *path)
{
    return skt_json_number(skt_json_get(value, path), 0);
}

static const char *text(struct skt_json value, const char *path, char *buf, size_t cap)
{
    return skt_json_text(skt_json_get(value, path), buf, cap);
}

/* --- lists of items; what is too long for a line goes on in the next one --- */

enum { WIDTH = 80, INDENT = 12 };

struct list {
    FILE *out;
    const char *label;
    int column, items;
};

static void add(struct list *l, const char *item)
{
    int len = (int)strlen(item);
    if (l->items++ == 0) {
        l->column = fprintf(l->out, "%*s", l->label ? 0 : INDENT, l->label ? l->label : "");
    } else if (l->column + 3 + len > WIDTH) { /* with a comma before it and one behind */
        fputs(",\n", l->out);
        l->column = fprintf(l->out, "%*s", INDENT, "");
    } else {
        l->column += fprintf(l->out, ", ");
    }
    l->column += fprintf(l->out, "%s", item);
}

static void end(struct list *l)
{
    if (l->items > 0)
        (void)fputc('\n', l->out);
    l->items = 0;
}

static void add_text(struct list *l, struct skt_json value, const char *path)
{
    char buf[96];
    if (*text(value, path, buf, sizeof buf))
        add(l, buf);
}

static void add_number(struct list *l, const char *format, double n)
{
    char item[64];
    snprintf(item, sizeof item, format, n);
    add(l, item);
}

/* Only where it is not 0. */
static void add_some(struct list *l, const char *format, double n)
{
    if (n > 0)
        add_number(l, format, n);
}

/* What the list has words for, where it is not 0. */
static void add_counts(struct list *l, struct skt_json session)
{
    for (size_t i = 0; i < SKT_STATS; i++) {
        char item[64];
        double n = skt_stats[i].words ? skt_status_number(session, (enum skt_stat)i) : 0;
        snprintf(item, sizeof item, "%.0f %s", n, n > 0 ? skt_stats[i].words : "");
        if (n > 0)
            add(l, item);
    }
}

/* --- sessions --- */

#define SESSION_ROW "%10s  %-10s %6s %9s %13s %8s %8s %7s\n"

enum {
    ROWS_AROUND = 5
}; /* lines beside the sessions' and what follows them: 2 heads, sum, rest, the cursor's */

/* What the two columns of bytes show: 12345678 bytes a second are "98.8" Mbit/s. */
static const char *flow(const struct skt_status_view *view, double bytes, double bytes_s,
                        char buf[SKT_FORMAT_MAX])
{
    if (!view->rates)
        return skt_format_bytes(bytes, buf);
    snprintf(buf, SKT_FORMAT_MAX, "%.*f", bytes_s * 8 < 9.995e6 ? 2 : 1, bytes_s * 8 / 1e6);
    return buf;
}

static void print_details(struct list *l, const struct skt_status_item *item,
                          const struct skt_status_view *view)
{
    struct skt_json s = item->json;
    char sent[SKT_FORMAT_MAX], got[SKT_FORMAT_MAX], both[2 * SKT_FORMAT_MAX + 16];
    add_text(l, s, "peer");
    add_text(l, s, "name");
    add_text(l, s, "tun_ip");
    add_some(l, "datagrams of %.0f B", skt_status_number(s, SKT_STAT_MTU));
    add_some(l, "TUN MTU %.0f", number(s, "tun_mtu"));
    if (view->rates) {
        snprintf(both, sizeof both, "sent %s, received %s", skt_format_bytes(item->tx, sent),
                 skt_format_bytes(item->rx, got));
        add(l, both);
    }
    end(l);
    add_counts(l, s);
    end(l);
}

static void print_session(FILE *out, const struct skt_status_item *item, const struct skt_status_view *view)
{
    struct skt_json s = item->json;
    char cid[16], state[16], loss[32], streams[16];
    char rtt[SKT_FORMAT_MAX] = "-", age[SKT_FORMAT_MAX], sent[SKT_FORMAT_MAX], got[SKT_FORMAT_MAX];
    double rtt_ms = skt_status_number(s, SKT_STAT_RTT);
    if (rtt_ms > 0)
        snprintf(rtt, sizeof rtt, "%.1f ms", rtt_ms);
    snprintf(cid, sizeof cid, "%.0f", item->cid);
    snprintf(loss, sizeof loss, "%.1f/%.1f %%", 100 * skt_status_number(s, SKT_STAT_LOSS_TX),
             100 * skt_status_number(s, SKT_STAT_LOSS_RX));
    snprintf(streams, sizeof streams, "%.0f", skt_status_number(s, SKT_STAT_STREAMS));
    fprintf(out, SESSION_ROW, cid, text(s, "state", state, sizeof state),
            skt_format_duration(skt_status_number(s, SKT_STAT_AGE), age), rtt, loss,
            flow(view, item->tx, item->tx_s, sent), flow(view, item->rx, item->rx_s, got), streams);
    struct list l = {.out = out};
    print_details(&l, item, view);
}

static int count_lines(const char *lines, size_t len)
{
    int n = 0;
    for (size_t i = 0; i < len; i++)
        n += lines[i] == '\n';
    return n;
}

/* Prints a session where it takes no more than rows_left lines; how many it took, or 0: it did not fit. */
static int print_if_it_fits(FILE *out, const struct skt_status_item *item, const struct skt_status_view *view,
                            int rows_left)
{
    char *lines = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&lines, &len);
    if (!f)
        return 0;
    print_session(f, item, view);
    int rows = 0;
    if (fclose(f) == 0) {
        rows = count_lines(lines, len);
        if (rows <= rows_left)
            fwrite(lines, 1, len, out);
        else
            rows = 0;
    }
    free(lines);
    return rows;
}

static void print_sum(FILE *out, const struct skt_status_items *all, const struct skt_status_view *view)
{
    char count[32], streams[16], sent[SKT_FORMAT_MAX], got[SKT_FORMAT_MAX];
    snprintf(count, sizeof count, "all %zu", all->count);
    snprintf(streams, sizeof streams, "%.0f", all->streams);
    fprintf(out, SESSION_ROW, count, "", "", "", "", flow(view, all->tx, all->tx_s, sent),
            flow(view, all->rx, all->rx_s, got), streams);
}

static void print_sessions(FILE *out, const struct skt_status_items *all, const struct skt_status_view *view,
                           int rows_beside)
{
    if (all->count == 0) {
        fputs("no session\n", out);
        return;
    }
    fprintf(out, SESSION_ROW, "cid", "state", "age", "rtt", "loss out/in", view->rates ? "out Mb/s" : "sent",
            view->rates ? "in Mb/s" : "received", "streams");
    int left = view->rows_max > 0 ? view->rows_max - rows_beside : INT_MAX;
    size_t shown = 0;
    for (int rows; shown < all->count; shown++, left -= rows) {
        rows = print_if_it_fits(out, &all->list[shown], view, left);
        if (rows == 0)
            break;
    }
    if (shown < all->count)
        fprintf(out, "%*s%zu less busy ones are not shown\n", INDENT, "", all->count - shown);
    if (all->count > 1)
        print_sum(out, all, view);
}

/* --- the interface, connections, what was dropped --- */

static void add_packets(struct list *l, const char *what, double packets, double bytes)
{
    char item[96], size[SKT_FORMAT_MAX];
    snprintf(item, sizeof item, "%s %.0f packets (%s)", what, packets, skt_format_bytes(bytes, size));
    add(l, item);
}

static void add_rate(struct list *l, const char *what, const struct skt_status_flow *f)
{
    char item[96];
    snprintf(item, sizeof item, "%s %.*f Mbit/s, %.0f packets/s", what, f->bytes_s * 8 < 9.995e6 ? 2 : 1,
             f->bytes_s * 8 / 1e6, f->packets_s);
    add(l, item);
}

static void print_tun(FILE *out, struct skt_json tun, const struct skt_status_items *all,
                      const struct skt_status_view *view)
{
    char name[32], label[48];
    struct list l = {.out = out, .label = label};
    snprintf(label, sizeof label, "%s: ", text(tun, "name", name, sizeof name));
    add_text(&l, tun, "ip");
    add_text(&l, tun, "ip6");
    add_number(&l, "MTU %.0f", number(tun, "mtu"));
    add_packets(&l, "read", number(tun, "packets_in"), number(tun, "bytes_in"));
    add_packets(&l, "written", number(tun, "packets_out"), number(tun, "bytes_out"));
    add_some(&l, "%.0f between clients", number(tun, "forwarded"));
    add_some(&l, "%.0f of TCP in streams", number(skt_json_get(tun, "relay_tcp"), "taken"));
    end(&l);
    if (view->rates) {
        snprintf(label, sizeof label, "%s now: ", name);
        add_rate(&l, "read", &all->tun_read);
        add_rate(&l, "written", &all->tun_written);
        end(&l);
    }
    snprintf(label, sizeof label, "%s dropped: ", name);
    add_number(&l, "%.0f to keep queues short", number(tun, "dropped"));
    add_number(&l, "%.0f for want of room", number(tun, "overflow"));
    add_some(&l, "%.0f with another's source", number(tun, "spoofed"));
    add_some(&l, "%.0f malformed", number(tun, "malformed"));
    add_some(&l, "%.0f to groups", number(tun, "group"));
    add_some(&l, "%.0f with no session to go to", number(tun, "no_route"));
    end(&l);
}

static void print_tcp(FILE *out, struct skt_json tcp)
{
    fprintf(out, "tcp: %.0f open, %.0f accepted, %.0f refused, %.0f closed\n", number(tcp, "open"),
            number(tcp, "accepted"), number(tcp, "refused"), number(tcp, "closed"));
}

static void print_tail(FILE *out, struct skt_json status, const struct skt_status_items *sessions,
                       const struct skt_status_view *view)
{
    struct skt_json tcp = skt_json_get(status, "tcp"), tun = skt_json_get(status, "tun");
    bool has_tun = skt_json_get(tun, "name").p != NULL;
    if (has_tun)
        print_tun(out, tun, sessions, view);
    if (!has_tun || number(tcp, "open") + number(tcp, "accepted") + number(tcp, "closed") > 0)
        print_tcp(out, tcp);
    struct list l = {.out = out, .label = "datagrams dropped: "};
    add_number(&l, "%.0f not authentic", number(status, "drops.auth"));
    add_number(&l, "%.0f replayed", number(status, "drops.replay"));
    add_number(&l, "%.0f malformed", number(status, "drops.malformed"));
    add_number(&l, "%.0f overload", number(status, "drops.overload"));
    end(&l);
}

void skt_status_table_show(FILE *out, struct skt_json status, const struct skt_status_items *sessions,
                           const struct skt_status_view *view)
{
    char version[32], mode[64], up[SKT_FORMAT_MAX], rss[SKT_FORMAT_MAX], *tail = NULL;
    size_t tail_len = 0;
    FILE *f = open_memstream(&tail, &tail_len);
    fprintf(out, "skcptun %s  %.24s  pid %.0f  up %s  memory %s\n",
            text(status, "version", version, sizeof version), text(status, "mode", mode, sizeof mode),
            number(status, "pid"), skt_format_duration(number(status, "uptime_s"), up),
            skt_format_bytes(number(status, "rss_bytes"), rss));
    if (f) {
        print_tail(f, status, sessions, view);
        (void)fclose(f);
    }
    print_sessions(out, sessions, view, ROWS_AROUND + count_lines(tail, tail_len));
    if (tail)
        fwrite(tail, 1, tail_len, out);
    free(tail);
}

void skt_status_table_print(FILE *out, struct skt_json status)
{
    struct skt_status_items sessions;
    const struct skt_status_view view = {0};
    /* Without memory for them it is said of the rest. */
    (void)skt_status_items_read(&sessions, status, NULL, 0);
    skt_status_table_show(out, status, &sessions, &view);
    skt_status_items_free(&sessions);
}
