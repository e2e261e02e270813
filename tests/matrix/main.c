/* SPDX-License-Identifier: MIT */
/* sim_matrix: runs cells of the matrix and prints a line each. */
#include "matrix/floors.h"
#include "matrix/judge.h"
#include "sim/instrumented.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options {
    const char *cell; /* LINK/HISTORY, each a name or `all` */
    const char *mode, *speed;
    unsigned seeds, first, seconds;
    const char *recording;
    const char *floors; /* a file of floors to be checked; NULL: cells are printed */
    bool csv;
};

/* Of the cells with a floor, in `make test` and with sanitizers; primes, so that all histories and links have
 * their turn. */
enum { SAMPLE = 11, SAMPLE_INSTRUMENTED = 97 };

static const char usage[] =
    "usage: sim_matrix [--cell LINK/HISTORY] [--mode tcp|tun|bbr|cubic|all] [--speed turbo|normal|all]\n"
    "                  [--seeds N] [--first SEED] [--seconds S] [--trace FILE] [--csv] [--list]\n"
    "       sim_matrix --floors FILE [--mode tcp|tun|all] [--first SEED]\n"
    "Cells of the matrix in simulated time; means over the seeds. LINK, HISTORY: names (--list), or all. bbr "
    "and\n"
    "cubic are models of a TCP without a tunnel. --trace: a recorded schedule (mahimahi) instead of the "
    "link's.\n"
    "--floors: does a cell fall below what the file says of it? A sample of them; with SKT_FULL=1 all.\n"
    "SKT_SIM_TRACE=FILE writes what happened, for lab/trace (one cell, one seed).\n";

/* Over the seeds: the mean, and the worst of what has a floor. */
struct summary {
    struct matrix_result mean;
    double least;                  /* payload, percent of the limit */
    double most_delay, most_bytes; /* a thin flow's mean, or else the queue's, ms */
};

static void add(struct summary *s, const struct matrix_result *one, double weight)
{
    struct matrix_result *sum = &s->mean;
    sum->goodput += one->goodput * weight;
    sum->limit += one->limit * weight;
    sum->payload_share = one->payload_share;
    sum->thin_mean += one->thin_mean * weight;
    sum->thin_p50 += one->thin_p50 * weight;
    sum->thin_p99 += one->thin_p99 * weight;
    sum->thin_count += one->thin_count;
    sum->queue_mean += one->queue_mean * weight;
    sum->queue_p99 += one->queue_p99 * weight;
    sum->dropped += one->dropped * weight;
    sum->bytes += one->bytes * weight;
    sum->share += one->share * weight;
    sum->both += one->both * weight;
    sum->cut = sum->cut || one->cut;
    double percent = one->limit > 0 ? 100 * one->goodput / one->limit : 0;
    double delay = one->thin_count ? one->thin_mean : one->queue_mean;
    s->least = percent < s->least ? percent : s->least;
    s->most_delay = delay > s->most_delay ? delay : s->most_delay;
    s->most_bytes = one->bytes > s->most_bytes ? one->bytes : s->most_bytes;
}

/* False: its recording is not there. */
static bool run_seeds(const struct options *o, const struct matrix_cell *c, struct summary *out)
{
    *out = (struct summary){.least = 1e9, .most_delay = -1e9};
    for (unsigned i = 0; i < o->seeds; i++) {
        struct matrix_result one;
        if (!matrix_run(c, o->first + i, &one))
            return false;
        add(out, &one, 1.0 / o->seeds);
    }
    return true;
}

/* What a TCP without a tunnel reaches in the same cell; run once for all that ask for it. */
static struct matrix_result reference(const struct options *o, const struct matrix_cell *c,
                                      enum matrix_mode mode)
{
    static struct {
        const struct matrix_link *link;
        enum matrix_history history;
        struct matrix_result result;
    } known[MATRIX_MODES];
    struct matrix_cell cell = *c;
    cell.mode = mode;
    if (known[mode].link == c->link && known[mode].history == c->history)
        return known[mode].result;
    struct summary s = {0};
    if (matrix_has_reference(c))
        (void)run_seeds(o, &cell, &s);
    known[mode].link = c->link;
    known[mode].history = c->history;
    return known[mode].result = s.mean;
}

static const char *speed_of(const struct matrix_cell *c)
{
    return c->mode >= MATRIX_BBR ? "-" : c->normal ? "normal" : "turbo";
}

static const char csv_head[] =
    "link,history,mode,speed,seeds,goodput,limit,percent,least,thin_mean,thin_p50,thin_p99,thins,"
    "queue_mean,queue_p99,most_delay,dropped,bytes,most_bytes,share,both,cut,target,"
    "target_delay,target_p99,target_bytes,bbr,bbr_delay,bbr_p99,cubic,cubic_delay,score,worst\n";

static void print_csv(const struct options *o, const struct matrix_cell *c, const struct summary *s)
{
    const struct matrix_result *r = &s->mean;
    struct matrix_result bbr = reference(o, c, MATRIX_BBR), cubic = reference(o, c, MATRIX_CUBIC);
    struct matrix_target t = matrix_target_of(c, r, &bbr, &cubic);
    const char *worst = "";
    double score = matrix_score(c, &t, r, &worst);
    bool thin = r->thin_count > 0;
    printf("%s,%s,%s,%s,%u,%.4g,%.4g,%.1f,%.1f,", c->link->name, matrix_history_names[c->history],
           matrix_mode_names[c->mode], speed_of(c), o->seeds, r->goodput, r->limit,
           100 * r->goodput / r->limit, s->least);
    printf("%.1f,%.1f,%.1f,%u,%.1f,%.1f,%.1f,%.0f,%.3f,%.3f,%.3f,%.3f,%d,", r->thin_mean, r->thin_p50,
           r->thin_p99, r->thin_count, r->queue_mean, r->queue_p99, s->most_delay, r->dropped, r->bytes,
           s->most_bytes, r->share, r->both, r->cut);
    printf("%.4g,%.1f,%.1f,%.3f,%.4g,%.1f,%.1f,%.4g,%.1f,%.3f,%s\n", t.goodput, t.delay, t.delay_p99, t.bytes,
           bbr.goodput, thin ? bbr.thin_mean : bbr.queue_mean, thin ? bbr.thin_p99 : bbr.queue_p99,
           cubic.goodput, thin ? cubic.thin_mean : cubic.queue_mean, score, worst);
    (void)fflush(stdout);
}

static void print(const struct options *o, const struct matrix_cell *c, const struct summary *s)
{
    const struct matrix_result *r = &s->mean;
    char name[64];
    (void)snprintf(name, sizeof name, "%s/%s", c->link->name, matrix_history_names[c->history]);
    printf("%-26s %-5s %-6s %8.3f of %8.3f Mbit/s %5.1f %% (least %5.1f)", name, matrix_mode_names[c->mode],
           speed_of(c), r->goodput, r->limit, r->limit > 0 ? 100 * r->goodput / r->limit : 0, s->least);
    if (r->thin_count)
        printf("  thin %+7.1f %+7.1f %+7.1f ms", r->thin_mean, r->thin_p50, r->thin_p99);
    printf("  queue %6.1f %5.0f ms  dropped %6.0f  bytes %.3f", r->queue_mean, r->queue_p99, r->dropped,
           r->bytes);
    if (r->share > 0)
        printf("  share %.2f both %.2f", r->share, r->both);
    if (c->mode < MATRIX_BBR) {
        struct matrix_result bbr = reference(o, c, MATRIX_BBR), cubic = reference(o, c, MATRIX_CUBIC);
        struct matrix_target t = matrix_target_of(c, r, &bbr, &cubic);
        const char *worst = "";
        double score = matrix_score(c, &t, r, &worst);
        printf("  score %.2f by %s", score, worst);
    }
    printf("%s\n", r->cut ? "  CUT" : "");
    (void)fflush(stdout);
}

static bool run_cell(const struct options *o, const struct matrix_cell *c)
{
    struct summary s;
    if (!run_seeds(o, c, &s)) {
        (void)fprintf(stderr, "%s: skipped, its recording is not there\n", c->link->name);
        return false;
    }
    if (o->csv)
        print_csv(o, c, &s);
    else
        print(o, c, &s);
    return true;
}

static bool wanted(const char *pattern, const char *name)
{
    return strcmp(pattern, "all") == 0 || strcmp(pattern, name) == 0;
}

static unsigned run_modes(const struct options *o, struct matrix_cell *c)
{
    unsigned n = 0;
    for (unsigned m = 0; m < MATRIX_MODES; m++) {
        bool reference = m >= MATRIX_BBR;
        if (!wanted(o->mode, matrix_mode_names[m]) || (reference && !matrix_has_reference(c)))
            continue;
        c->mode = (enum matrix_mode)m;
        for (int normal = 0; normal <= !reference; normal++) {
            c->normal = normal;
            if (!reference && !wanted(o->speed, normal ? "normal" : "turbo"))
                continue;
            (void)run_cell(o, c);
            n++;
        }
    }
    return n;
}

static unsigned run_all(const struct options *o)
{
    char link[64] = "all";
    const char *history = strchr(o->cell, '/');
    size_t len = history ? (size_t)(history - o->cell) : strlen(o->cell);
    if (len >= sizeof link)
        return 0;
    memcpy(link, o->cell, len);
    link[len] = 0;
    unsigned n = 0;
    if (o->csv)
        (void)fputs(csv_head, stdout);
    for (unsigned i = 0; i < matrix_link_count; i++) {
        for (unsigned h = 0; h < MATRIX_HISTORIES; h++) {
            struct matrix_cell c = {&matrix_links[i], (enum matrix_history)h, MATRIX_TCP, false, o->seconds,
                                    o->recording};
            if (wanted(link, c.link->name) && wanted(history ? history + 1 : "all", matrix_history_names[h]))
                n += run_modes(o, &c);
        }
    }
    return n;
}

static void list(void)
{
    for (unsigned i = 0; i < matrix_link_count; i++)
        printf("%-14s %s\n", matrix_links[i].name, matrix_links[i].about);
    printf("\nhistories:");
    for (unsigned h = 0; h < MATRIX_HISTORIES; h++)
        printf(" %s", matrix_history_names[h]);
    printf("\n");
}

/* 0: run; else the program's exit code. */
static int parse(struct options *o, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i], *v = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(a, "--csv") == 0) {
            o->csv = true;
            continue;
        }
        if (strcmp(a, "--list") == 0) {
            list();
            return -1;
        }
        if (strcmp(a, "--cell") == 0 && v)
            o->cell = v;
        else if (strcmp(a, "--mode") == 0 && v)
            o->mode = v;
        else if (strcmp(a, "--speed") == 0 && v)
            o->speed = v;
        else if (strcmp(a, "--trace") == 0 && v)
            o->recording = v;
        else if (strcmp(a, "--floors") == 0 && v)
            o->floors = v;
        else if (strcmp(a, "--seeds") == 0 && v && atoi(v) > 0)
            o->seeds = (unsigned)atoi(v);
        else if (strcmp(a, "--first") == 0 && v && atoi(v) > 0)
            o->first = (unsigned)atoi(v);
        else if (strcmp(a, "--seconds") == 0 && v && atoi(v) > 0)
            o->seconds = (unsigned)atoi(v);
        else {
            (void)fputs(usage, stderr);
            return 2;
        }
        i++;
    }
    return 0;
}

static int check_floors(const struct options *o)
{
    const char *full = getenv("SKT_FULL"), *priority = getenv("SKT_NICE");
    if (priority && nice(atoi(priority)) < 0)
        perror("nice"); /* only less polite */
    unsigned every = SIM_INSTRUMENTED ? SAMPLE_INSTRUMENTED : full && *full ? 1 : SAMPLE;
    return matrix_check_floors(o->floors, o->mode, every, o->first) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct options o = {.cell = "all/all", .mode = "tcp", .speed = "turbo", .seeds = 1, .first = 1};
    int code = parse(&o, argc, argv);
    if (code)
        return code > 0 ? code : 0;
    if (o.floors)
        return check_floors(&o);
    if (run_all(&o) == 0) {
        (void)fprintf(stderr, "sim_matrix: no such cell: %s, %s, %s\n", o.cell, o.mode, o.speed);
        return 2;
    }
    return 0;
}
