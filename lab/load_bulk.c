/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "load.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { READ_MAX = 256 << 10, BIN_US = 100000 };

struct bulk {
    int64_t start_us;
    uint64_t within, total; /* bytes: in the time that counts, and until the end of the drain */
    uint64_t *bins;         /* bytes in each BIN_US */
    size_t bin_count;
    bool drained; /* the end of the data has come */
};

static void count(struct bulk *b, int64_t now, size_t n)
{
    b->total += n;
    size_t bin = (size_t)((now - b->start_us) / BIN_US);
    if (bin >= b->bin_count)
        return;
    b->bins[bin] += n;
    b->within += n;
}

static void report(const struct bulk *b, const struct load_options *o)
{
    printf("{\"start_us\":%lld,\"seconds\":%u,\"bytes\":%llu,\"total\":%llu,\"drained\":%s,\"per_100ms\":[",
           (long long)b->start_us, o->seconds, (unsigned long long)b->within, (unsigned long long)b->total,
           b->drained ? "true" : "false");
    for (size_t i = 0; i < b->bin_count; i++)
        printf("%s%llu", i ? "," : "", (unsigned long long)b->bins[i]);
    printf("]}\n");
}

int load_bulk(const struct load_options *o)
{
    static uint8_t buf[READ_MAX];
    const struct load_hello hello = {.kind = LOAD_SOURCE, .seconds = (uint16_t)o->seconds};
    struct bulk b = {.start_us = load_now_us(), .bin_count = o->seconds * (size_t)(1000000 / BIN_US)};
    b.bins = calloc(b.bin_count, sizeof *b.bins);
    if (!b.bins)
        return 1;
    int fd = load_connect(o, &hello);
    int64_t end = b.start_us + (o->seconds + o->drain_s) * INT64_C(1000000), now;
    while ((now = load_now_us()) < end) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, (int)((end - now) / 1000) + 1) <= 0)
            continue;
        ssize_t n = recv(fd, buf, sizeof buf, 0);
        if (n <= 0) {
            b.drained = n == 0;
            if (n < 0)
                perror("skt-load: bulk");
            break;
        }
        count(&b, load_now_us(), (size_t)n);
    }
    report(&b, o);
    free(b.bins);
    close(fd);
    return 0;
}
