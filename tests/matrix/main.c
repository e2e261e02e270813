/* SPDX-License-Identifier: MIT */
/* sim_matrix: runs cells of the matrix and prints a line each. */
#include "matrix/matrix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
    const char *cell; /* LINK/HISTORY, each a name or `all` */
    const char *mode, *speed;
    unsigned seeds, first, seconds;
    const char *recording;
    bool csv;
};

static const char usage[] =
    "usage: sim_matrix [--cell LINK/HISTORY] [--mode tcp|tun|bbr|cubic|all] [--speed turbo|normal|all]\n"
    "                  [--seeds N] [--first SEED] [--seconds S] [--trace FILE] [--csv] [--list]\n"
    "Cells of the matrix in simulated time; means over the seeds. LINK, HISTORY: names (--list), or all. bbr "
    "and\n"
    "cubic are models of a TCP without a tunnel. --trace: a recorded schedule (mahimahi) instead of the "
    "link's.\n"
    "SKT_SIM_TRACE=FILE writes what happened, for lab/trace (one cell, one seed).\n";

static void add(struct matrix_result *sum, const struct matrix_result *one, double weight)
{
    sum->goodput += one->goodput * weight;
    sum->limit += one->limit * weight;
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
}

static void print(const struct options *o, const struct matrix_cell *c, const struct matrix_result *r,
                  double worst)
{
    char name[64];
    (void)snprintf(name, sizeof name, "%s/%s", c->link->name, matrix_history_names[c->history]);
    const char *mode = matrix_mode_names[c->mode], *speed = c->mode >= MATRIX_BBR ? "-"
                                                            : c->normal           ? "normal"
                                                                                  : "turbo";
    double percent = r->limit > 0 ? 100 * r->goodput / r->limit : 0;
    if (o->csv) {
        printf("%s,%s,%s,%u,%.3f,%.3f,%.1f,%.1f,%.1f,%.1f,%.1f,%u,%.1f,%.1f,%.0f,%.3f,%.3f,%.3f,%d\n", name,
               mode, speed, o->seeds, r->goodput, r->limit, percent, worst, r->thin_mean, r->thin_p50,
               r->thin_p99, r->thin_count, r->queue_mean, r->queue_p99, r->dropped, r->bytes, r->share,
               r->both, r->cut);
        return;
    }
    printf("%-26s %-5s %-6s %8.3f of %8.3f Mbit/s %5.1f %% (least %5.1f)", name, mode, speed, r->goodput,
           r->limit, percent, worst);
    if (r->thin_count)
        printf("  thin %+7.1f %+7.1f %+7.1f ms", r->thin_mean, r->thin_p50, r->thin_p99);
    printf("  queue %6.1f %5.0f ms  dropped %6.0f  bytes %.3f", r->queue_mean, r->queue_p99, r->dropped,
           r->bytes);
    if (r->share > 0)
        printf("  share %.2f both %.2f", r->share, r->both);
    printf("%s\n", r->cut ? "  CUT" : "");
    (void)fflush(stdout);
}

static bool run_cell(const struct options *o, const struct matrix_cell *c)
{
    struct matrix_result sum = {0}, one;
    double worst = 1e9;
    for (unsigned i = 0; i < o->seeds; i++) {
        if (!matrix_run(c, o->first + i, &one)) {
            (void)fprintf(stderr, "%s: skipped, its recording is not there\n", c->link->name);
            return false;
        }
        double percent = one.limit > 0 ? 100 * one.goodput / one.limit : 0;
        worst = percent < worst ? percent : worst;
        add(&sum, &one, 1.0 / o->seeds);
    }
    print(o, c, &sum, worst);
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
        if (!wanted(o->mode, matrix_mode_names[m]) ||
            (reference && c->history >= MATRIX_TWO && c->history != MATRIX_MOVED))
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

int main(int argc, char **argv)
{
    struct options o = {.cell = "all/all", .mode = "tcp", .speed = "turbo", .seeds = 1, .first = 1};
    int code = parse(&o, argc, argv);
    if (code)
        return code > 0 ? code : 0;
    if (run_all(&o) == 0) {
        (void)fprintf(stderr, "sim_matrix: no such cell: %s, %s, %s\n", o.cell, o.mode, o.speed);
        return 2;
    }
    return 0;
}
