/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
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

/* As JSON; 0: out of memory. The caller frees *text. */
static size_t report(const struct bulk *b, unsigned seconds, char **text)
{
    size_t len = 0;
    FILE *out = open_memstream(text, &len);
    if (!out)
        return 0;
    fprintf(out,
            "{\"start_us\":%lld,\"seconds\":%u,\"bytes\":%llu,\"total\":%llu,\"drained\":%s,\"per_100ms\":[",
            (long long)b->start_us, seconds, (unsigned long long)b->within, (unsigned long long)b->total,
            b->drained ? "true" : "false");
    for (size_t i = 0; i < b->bin_count; i++)
        fprintf(out, "%s%llu", i ? "," : "", (unsigned long long)b->bins[i]);
    fputs("]}\n", out);
    return fclose(out) == 0 ? len : 0;
}

static bool wait_for(int fd, short events, int64_t end, int64_t now)
{
    struct pollfd p = {.fd = fd, .events = events};
    return poll(&p, 1, (int)((end - now) / 1000) + 1) > 0;
}

/* Counts what comes until it ends, or until `end`; then the report, as above. */
static size_t receive(int fd, int64_t start_us, unsigned seconds, unsigned drain_s, char **text)
{
    uint8_t *buf = malloc(READ_MAX);
    struct bulk b = {.start_us = start_us, .bin_count = seconds * (size_t)(1000000 / BIN_US)};
    b.bins = calloc(b.bin_count, sizeof *b.bins);
    int64_t end = start_us + (seconds + drain_s) * INT64_C(1000000), now;
    size_t len = 0;
    while (buf && b.bins && (now = load_now_us()) < end) {
        if (!wait_for(fd, POLLIN, end, now))
            continue;
        ssize_t n = recv(fd, buf, READ_MAX, 0);
        if (n <= 0) {
            b.drained = n == 0;
            if (n < 0)
                perror("skt-load: bulk");
            break;
        }
        count(&b, load_now_us(), (size_t)n);
    }
    if (buf && b.bins)
        len = report(&b, seconds, text);
    free(b.bins);
    free(buf);
    return len;
}

void load_sink(int fd, const struct load_hello *hello)
{
    char *text = NULL, scrap[4096];
    size_t len = receive(fd, hello->start_us, hello->seconds, hello->drain_s, &text);
    if (len && send(fd, text, len, 0) == (ssize_t)len)
        shutdown(fd, SHUT_WR);
    free(text);
    /* Closing before all is read would reset the connection, and the report with it. */
    while (recv(fd, scrap, sizeof scrap, 0) > 0)
        ;
}

static int upload(const struct load_options *o)
{
    struct load_hello hello = {.kind = LOAD_SINK,
                               .seconds = (uint16_t)o->seconds,
                               .drain_s = (uint16_t)o->drain_s,
                               .start_us = load_now_us()};
    int fd = load_connect(o, &hello);
    int64_t end = hello.start_us + o->seconds * INT64_C(1000000), now;
    while ((now = load_now_us()) < end) {
        if (wait_for(fd, POLLOUT, end, now) && send(fd, load_data(), LOAD_CHUNK, MSG_DONTWAIT) < 0 &&
            errno != EAGAIN) {
            perror("skt-load: bulk");
            return 1;
        }
    }
    shutdown(fd, SHUT_WR);
    char text[4096];
    size_t got = 0;
    for (ssize_t n; (n = recv(fd, text, sizeof text, 0)) > 0; got += (size_t)n)
        fwrite(text, 1, (size_t)n, stdout);
    close(fd);
    if (!got)
        fputs("skt-load: bulk: no report came back\n", stderr);
    return got ? 0 : 1;
}

int load_bulk(const struct load_options *o)
{
    if (o->up)
        return upload(o);
    const struct load_hello hello = {.kind = LOAD_SOURCE, .seconds = (uint16_t)o->seconds};
    char *text = NULL;
    int64_t start_us = load_now_us();
    int fd = load_connect(o, &hello);
    bool done = receive(fd, start_us, o->seconds, o->drain_s, &text) > 0;
    if (done)
        fputs(text, stdout);
    free(text);
    close(fd);
    return done ? 0 : 1;
}
