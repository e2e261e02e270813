/* SPDX-License-Identifier: MIT */
#include "cli/demo_stats.h"
#include "cli/status_table.h"

#include <stdio.h>

enum { LIVE_LINES = 6 };

static double percent(uint64_t part, uint64_t whole)
{
    return whole > 0 ? 100 * (double)part / (double)whole : 0;
}

static void print_live_table(const struct skt_demo_stats *s)
{
    static bool drawn;
    char loaded[SKT_FORMAT_MAX], up[SKT_FORMAT_MAX];
    /* Up to the first line again; meanwhile no line may wrap, or the next time it is another number of them.
     */
    if (drawn)
        printf("\033[%dA", LIVE_LINES);
    printf("\033[?7l");
    drawn = true;
    /* Each line erases what the one before it has left behind its end. */
    printf("GET, direct          %7.1f ms  (median %.1f)\033[K\n", s->direct.last * 1e3,
           skt_demo_times_quantile(&s->direct, 0.5) * 1e3);
    printf("GET, through tunnel  %7.1f ms  (median %.1f, slowest %.1f)\033[K\n", s->tunnel.last * 1e3,
           skt_demo_times_quantile(&s->tunnel, 0.5) * 1e3, skt_demo_times_quantile(&s->tunnel, 1) * 1e3);
    printf("download             %7.1f Mbit/s; %s verified, %llu files\033[K\n", s->load_mbit,
           skt_format_bytes((double)s->loaded, loaded), (unsigned long long)s->loads);
    printf("lost by the link     %7.1f %%  (%llu of %llu packets; %.0f segments sent again)\033[K\n",
           percent(s->link_lost, s->link_seen), (unsigned long long)s->link_lost,
           (unsigned long long)s->link_seen, s->retransmitted);
    printf("session              %s\033[K\n", s->session[0] ? s->session : "-");
    printf("running for %s\033[K\033[?7h\n", skt_format_duration(s->seconds, up));
}

void skt_demo_view_live(const struct skt_demo_stats *s, bool terminal)
{
    char loaded[SKT_FORMAT_MAX];
    if (terminal)
        print_live_table(s);
    else
        printf("%4.0f s  GET direct %.1f ms, tunnel %.1f ms | download %.1f Mbit/s, %s verified | "
               "link lost %.1f %%, %.0f segments sent again\n",
               s->seconds, s->direct.last * 1e3, s->tunnel.last * 1e3, s->load_mbit,
               skt_format_bytes((double)s->loaded, loaded), percent(s->link_lost, s->link_seen),
               s->retransmitted);
    fflush(stdout);
}

static void print_times(const char *name, const struct skt_demo_times *t)
{
    printf("  %-20s %6llu done; median %.1f ms, 99 %% within %.1f ms, slowest %.1f ms\n", name,
           (unsigned long long)t->count, skt_demo_times_quantile(t, 0.5) * 1e3,
           skt_demo_times_quantile(t, 0.99) * 1e3, skt_demo_times_quantile(t, 1) * 1e3);
}

void skt_demo_view_summary(const struct skt_demo_stats *s, const struct skt_demo_link_words *link)
{
    char loaded[SKT_FORMAT_MAX], rate[SKT_FORMAT_MAX] = "without a rate limit,";
    if (link->rate_mbit > 0)
        snprintf(rate, sizeof rate, "of %g Mbit/s", link->rate_mbit);
    printf("\nIn %.1f s over a link %s with %g ms round trip and %g %% loss each way:\n", s->seconds, rate,
           link->rtt_ms, link->loss_percent);
    print_times("GET, direct", &s->direct);
    print_times("GET, through tunnel", &s->tunnel);
    printf("  %-20s %s in %llu whole files, %.1f Mbit/s on average, every byte compared\n", "downloads",
           skt_format_bytes((double)s->loaded, loaded), (unsigned long long)s->loads,
           s->seconds > 0 ? (double)s->loaded * 8 / 1e6 / s->seconds : 0.0);
    printf("  %-20s %llu of %llu packets (%.1f %%); %.0f segments sent again\n", "lost by the link",
           (unsigned long long)s->link_lost, (unsigned long long)s->link_seen,
           percent(s->link_lost, s->link_seen), s->retransmitted);
    if (s->gets_failed > 0 || s->loads_failed > 0)
        printf("  %-20s %llu GETs, %llu downloads\n", "FAILED", (unsigned long long)s->gets_failed,
               (unsigned long long)s->loads_failed);
    if (s->loads_wrong > 0)
        printf("  %-20s %llu downloads, the first at byte %llu\n", "WRONG",
               (unsigned long long)s->loads_wrong, (unsigned long long)s->wrong_offset);
    puts(skt_demo_stats_good(s) ? "All of it arrived, and right." : "Not everything arrived as it was sent.");
    fflush(stdout);
}
