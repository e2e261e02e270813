/* SPDX-License-Identifier: MIT */
/* One request after the other's answer, on one connection: what a message costs where no link slows it. */
#define _GNU_SOURCE
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static int by_length(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* false: the connection broke. */
static bool one_turn(int fd, const uint8_t *out, uint8_t *in, size_t size)
{
    return send(fd, out, size, MSG_NOSIGNAL) == (ssize_t)size &&
           recv(fd, in, size, MSG_WAITALL) == (ssize_t)size;
}

int load_turns(const struct load_options *o)
{
    const struct load_hello hello = {.kind = LOAD_ECHO};
    int64_t *took = malloc(o->count * sizeof *took);
    uint8_t *in = malloc(o->size);
    bool good = took && in;
    int fd = load_connect(o, &hello);
    for (unsigned i = 0; good && i < o->count; i++) {
        int64_t start = now_ns();
        good = one_turn(fd, load_data(), in, o->size);
        took[i] = now_ns() - start;
    }
    close(fd);
    if (good) {
        static const unsigned permille[] = {0, 500, 900, 990, 999};
        qsort(took, o->count, sizeof *took, by_length);
        printf("{\"count\":%u", o->count);
        for (size_t i = 0; i < sizeof permille / sizeof permille[0]; i++)
            printf(",\"%u\":%lld", permille[i], (long long)took[(uint64_t)o->count * permille[i] / 1000]);
        puts("}");
    } else {
        perror("skt-load: turns");
    }
    free(in);
    free(took);
    return good ? 0 : 1;
}
