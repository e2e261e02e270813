/* SPDX-License-Identifier: MIT */
#include "demo/view.h"

#include "cli/status_table.h"

#include <stdio.h>
#include <string.h>

enum { LIVE_LINES = 7 };

/* No line of these is longer than 79 characters, whatever the numbers. */
#define LIVE_HEAD "%-19s %8s %8s %8s %9s %9s %9s\033[K\n"
#define LIVE_ROW  "%-19s %8.1f %8.1f %8.1f %9.1f %9.1f %9s\033[K\n"
#define END_HEAD  "  %-19s %7s %8s %8s %8s %8s %9s\n"
#define END_ROW   "  %-19s %7llu %8.1f %8.1f %8.1f %8.1f %9s\n"

static const char *const names[SKT_DEMO_WAYS] = {"no line", "through the tunnel", "plain TCP"};

static double percent(uint64_t part, uint64_t whole)
{
    return whole > 0 ? 100 * (double)part / (double)whole : 0;
}

static double quantile_ms(const struct skt_demo_row *row, double share)
{
    return skt_demo_times_quantile(&row->gets, share) * 1e3;
}

static double average_mbit(const struct skt_demo_stats *s, const struct skt_demo_row *row)
{
    return s->seconds > 0 ? (double)row->loaded * 8 / 1e6 / s->seconds : 0;
}

/* "plain TCP (cubic)" */
static const char *name_of(const struct skt_demo_stats *s, size_t way, char buf[20])
{
    const struct skt_demo_row *row = &s->rows[way];
    if (row->text[0] && !row->error)
        snprintf(buf, 20, "%s (%.7s)", names[way], row->text);
    else
        snprintf(buf, 20, "%s", names[way]);
    return buf;
}

void skt_demo_view_rows(void)
{
    puts("  no line             the web server asked on this machine, for comparison\n"
         "  through the tunnel  asked through client, bad line and server\n"
         "  plain TCP           no tunnel: the system's own TCP over another line as bad\n");
}

/* Where a way is not there, why not. */
static void print_absent(const char *indent, size_t way, const struct skt_demo_row *row, const char *end)
{
    if (row->error)
        printf("%s%-19s not shown: %s: %s%s", indent, names[way], row->text, strerror(row->error), end);
    else
        printf("%s%-19s starting%s", indent, names[way], end);
}

static void print_live_row(const struct skt_demo_stats *s, size_t way)
{
    char name[20], loaded[SKT_FORMAT_MAX];
    const struct skt_demo_row *row = &s->rows[way];
    if (way == SKT_DEMO_PLAIN && (row->error || !row->text[0]))
        print_absent("", way, row, "\033[K\n");
    else if (way == SKT_DEMO_DIRECT)
        printf("%-19s %8.1f %8.1f %8.1f\033[K\n", names[way], row->gets.last * 1e3, quantile_ms(row, 0.5),
               quantile_ms(row, 1));
    else
        printf(LIVE_ROW, name_of(s, way, name), row->gets.last * 1e3, quantile_ms(row, 0.5),
               quantile_ms(row, 1), row->load_mbit, average_mbit(s, row),
               skt_format_bytes((double)row->loaded, loaded));
}

static void print_live_table(const struct skt_demo_stats *s)
{
    static bool drawn;
    const struct skt_demo_row *tunnel = &s->rows[SKT_DEMO_TUNNEL];
    char up[SKT_FORMAT_MAX];
    /* Up to the first line again; meanwhile no line may wrap, or the next time it is another number of them.
     */
    if (drawn)
        printf("\033[%dA", LIVE_LINES);
    printf("\033[?7l");
    drawn = true;
    /* Each line erases what the one before it has left behind its end. */
    printf(LIVE_HEAD, skt_format_duration(s->seconds, up), "GET, ms", "median", "slowest", "Mbit/s",
           "average", "loaded");
    for (size_t way = 0; way < SKT_DEMO_WAYS; way++)
        print_live_row(s, way);
    printf("line under tunnel   %.1f %% lost (%llu of %llu packets)\033[K\n",
           percent(tunnel->line_lost, tunnel->line_seen), (unsigned long long)tunnel->line_lost,
           (unsigned long long)tunnel->line_seen);
    printf("tunnel              %.0f segments sent again\033[K\n", s->retransmitted);
    printf("session             %s\033[K\033[?7h\n", s->session[0] ? s->session : "-");
}

static void print_live_line(const struct skt_demo_stats *s)
{
    const struct skt_demo_row *tunnel = &s->rows[SKT_DEMO_TUNNEL], *plain = &s->rows[SKT_DEMO_PLAIN];
    bool has_plain = plain->text[0] && !plain->error;
    char gets[32] = "", load[32] = "";
    if (has_plain) {
        snprintf(gets, sizeof gets, ", TCP %.0f", plain->gets.last * 1e3);
        snprintf(load, sizeof load, ", TCP %.1f", plain->load_mbit);
    }
    printf("%4.0f s  GET tunnel %.0f%s ms; download tunnel %.1f%s Mbit/s\n", s->seconds,
           tunnel->gets.last * 1e3, gets, tunnel->load_mbit, load);
}

void skt_demo_view_live(const struct skt_demo_stats *s, bool terminal)
{
    if (terminal)
        print_live_table(s);
    else
        print_live_line(s);
    fflush(stdout);
}

static void print_end_row(const struct skt_demo_stats *s, size_t way)
{
    char name[20], loaded[SKT_FORMAT_MAX];
    const struct skt_demo_row *row = &s->rows[way];
    if (way == SKT_DEMO_PLAIN && (row->error || !row->text[0])) {
        print_absent("  ", way, row, "\n");
        return;
    }
    if (way == SKT_DEMO_DIRECT)
        printf("  %-19s %7llu %8.1f %8.1f %8.1f\n", names[way], (unsigned long long)row->gets.count,
               quantile_ms(row, 0.5), quantile_ms(row, 0.99), quantile_ms(row, 1));
    else
        printf(END_ROW, name_of(s, way, name), (unsigned long long)row->gets.count, quantile_ms(row, 0.5),
               quantile_ms(row, 0.99), quantile_ms(row, 1), average_mbit(s, row),
               skt_format_bytes((double)row->loaded, loaded));
    if (row->gets_failed > 0 || row->loads_failed > 0)
        printf("    FAILED            %llu GETs, %llu downloads\n", (unsigned long long)row->gets_failed,
               (unsigned long long)row->loads_failed);
    if (row->loads_wrong > 0)
        printf("    WRONG             %llu downloads, the first at byte %llu\n",
               (unsigned long long)row->loads_wrong, (unsigned long long)row->wrong_offset);
}

void skt_demo_view_summary(const struct skt_demo_stats *s, const struct skt_demo_link_words *link)
{
    const struct skt_demo_row *tunnel = &s->rows[SKT_DEMO_TUNNEL];
    char rate[SKT_FORMAT_MAX] = "without a rate limit,";
    if (link->rate_mbit > 0)
        snprintf(rate, sizeof rate, "of %g Mbit/s", link->rate_mbit);
    printf("\nIn %.1f s over a line %s with %g ms round trip and %g %% loss each way:\n", s->seconds, rate,
           link->rtt_ms, link->loss_percent);
    printf(END_HEAD, "", "GETs", "median", "99 %, ms", "slowest", "Mbit/s", "loaded");
    for (size_t way = 0; way < SKT_DEMO_WAYS; way++)
        print_end_row(s, way);
    printf("The line under the tunnel lost %llu of %llu packets (%.1f %%); %.0f segments were\n"
           "sent again. %llu whole files, every byte compared.\n",
           (unsigned long long)tunnel->line_lost, (unsigned long long)tunnel->line_seen,
           percent(tunnel->line_lost, tunnel->line_seen), s->retransmitted,
           (unsigned long long)tunnel->loads);
    puts(skt_demo_stats_good(s) ? "All of it arrived, and right." : "Not everything arrived as it was sent.");
    fflush(stdout);
}
