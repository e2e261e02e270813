/* SPDX-License-Identifier: MIT */
#include "matrix/floors.h"

#include "matrix/matrix.h"

#include <stdio.h>
#include <string.h>

enum { LINE_MAX_LEN = 256 };

struct floor {
    struct matrix_cell cell;
    double percent; /* of the limit, at least */
    double delay;   /* mean of a thin flow, or else of the queue, ms, at most */
    double bytes;   /* a byte of payload, at most */
};

static int index_of(const char *const *names, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

static bool parse(const char *line, struct floor *f)
{
    char link[32], history[32], mode[8], speed[8];
    int n = sscanf(line, "%31[^,],%31[^,],%7[^,],%7[^,],%lf,%lf,%lf", link, history, mode, speed, &f->percent,
                   &f->delay, &f->bytes);
    if (n != 7)
        return false;
    int h = index_of(matrix_history_names, MATRIX_HISTORIES, history),
        m = index_of(matrix_mode_names, MATRIX_MODES, mode);
    f->cell = (struct matrix_cell){.link = matrix_link_named(link), .normal = strcmp(speed, "normal") == 0};
    if (!f->cell.link || h < 0 || m < 0)
        return false;
    f->cell.history = (enum matrix_history)h;
    f->cell.mode = (enum matrix_mode)m;
    return true;
}

/* 1: below; 0: not, or left out. */
static int check(const struct floor *f, uint64_t seed, unsigned *ran)
{
    struct matrix_result r;
    if (!matrix_run(&f->cell, seed, &r))
        return 0;
    ++*ran;
    double percent = 100 * r.goodput / r.limit, delay = r.thin_count ? r.thin_mean : r.queue_mean;
    bool cut = r.cut && f->percent > 0; /* where it never was is nothing to fall */
    if (!cut && percent >= f->percent && delay <= f->delay && r.bytes <= f->bytes)
        return 0;
    printf("%s/%s %s %s: %.1f %% of the limit (at least %.1f), delay %.1f ms (at most %.0f), %.3f bytes a "
           "byte (at most "
           "%.2f)%s\n",
           f->cell.link->name, matrix_history_names[f->cell.history], matrix_mode_names[f->cell.mode],
           f->cell.normal ? "normal" : "turbo", percent, f->percent, delay, f->delay, r.bytes, f->bytes,
           r.cut ? ", cut" : "");
    (void)fflush(stdout);
    return 1;
}

int matrix_check_floors(const char *path, const char *mode, unsigned every, uint64_t seed)
{
    FILE *file = fopen(path, "r");
    if (!file) {
        perror(path);
        return -1;
    }
    char line[LINE_MAX_LEN];
    unsigned number = 1, seen = 0, ran = 0;
    int below = 0;
    bool good = fgets(line, sizeof line, file) != NULL; /* the head */
    while (good && fgets(line, sizeof line, file)) {
        struct floor f;
        number++;
        good = parse(line, &f);
        if (good && (strcmp(mode, "all") == 0 || strcmp(mode, matrix_mode_names[f.cell.mode]) == 0) &&
            seen++ % every == 0)
            below += check(&f, seed, &ran);
    }
    (void)fclose(file);
    if (!good) {
        (void)fprintf(stderr, "%s: line %u: no such cell\n", path, number);
        return -1;
    }
    printf("%u of %u cells were run, %d fell below their floor\n", ran, seen, below);
    return below;
}
