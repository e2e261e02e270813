/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* strcasestr */
#endif
#include "demo/load.h"

#include "base/addr.h"
#include "base/err.h"
#include "cli/cli.h"
#include "demo/pattern.h"
#include "demo/report.h"
#include "io/sockaddr.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
    SILENCE_LIMIT_S = 30,   /* a download that brings nothing for so long counts as failed */
    CHUNK_LEN = 128 * 1024, /* bytes read and compared at once */
    HEADER_MAX = 4096,      /* bytes of an answer's header; ours has about 100 */
};
static const uint64_t first_len = 64 * 1024, last_len = 16 * 1024 * 1024;
static const double report_every_s = 0.1;
static const useconds_t get_every_us = 100000;

void skt_demo_report(int fd, const struct skt_demo_report *report)
{
    /* A full pipe makes the sender wait; where nobody reads it any more the process ends. */
    ssize_t n;
    do
        n = write(fd, report, sizeof *report);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        _exit(SKT_EXIT_FAILURE);
}

/* Connects to a web server and asks for a path; the socket or SKT_ERR_IO. */
static int http_ask(const struct skt_addr *to, const char *path)
{
    union skt_sockaddr sa;
    char request[256];
    const struct timeval limit = {SILENCE_LIMIT_S, 0};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0)
        return SKT_ERR_IO;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    int len =
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: demo\r\nConnection: close\r\n\r\n", path);
    if (connect(fd, &sa.sa, skt_sockaddr_of(&sa, to)) != 0 || write(fd, request, (size_t)len) != len) {
        close(fd);
        return SKT_ERR_IO;
    }
    return fd;
}

/* Reads an answer's header. The length of its body, with what was read of the body moved to the front of buf
 * (*got bytes), or SKT_ERR_IO. */
static long long http_header(int fd, char *buf, size_t cap, size_t *got)
{
    size_t n = 0;
    char *end = NULL;
    while (!end) {
        ssize_t more = n < HEADER_MAX ? read(fd, buf + n, cap - 1 - n) : 0;
        if (more <= 0)
            return SKT_ERR_IO;
        n += (size_t)more;
        buf[n] = 0;
        end = strstr(buf, "\r\n\r\n");
    }
    *end = 0;
    const char *length = strcasestr(buf, "\ncontent-length:");
    long long len = length ? strtoll(length + 16, NULL, 10) : -1;
    if (strncmp(buf, "HTTP/1.1 200 ", 13) != 0 || len < 0)
        return SKT_ERR_IO;
    end += 4;
    *got = n - (size_t)(end - buf);
    memmove(buf, end, *got);
    return len;
}

/* A whole small answer: its time in seconds, or a negative number. */
static double time_get(const struct skt_addr *to)
{
    char buf[HEADER_MAX * 2];
    size_t got;
    double start = skt_cli_now();
    int fd = http_ask(to, "/ping");
    if (fd < 0)
        return -1;
    long long len = http_header(fd, buf, sizeof buf, &got);
    while (len >= 0 && (long long)got < len) {
        ssize_t n = read(fd, buf + got, sizeof buf - got);
        if (n <= 0)
            len = -1;
        else
            got += (size_t)n;
    }
    bool right = len == 5 && memcmp(buf, "pong\n", 5) == 0;
    double took = skt_cli_now() - start;
    close(fd);
    return right ? took : -1;
}

static void get_and_report(const struct skt_demo_load *to, int report_fd)
{
    double seconds = time_get(&to->addr);
    skt_demo_report(report_fd,
                    &(struct skt_demo_report){.kind = seconds < 0 ? SKT_DEMO_GET_FAILED : SKT_DEMO_GET,
                                              .way = to->way,
                                              .value = seconds});
}

_Noreturn void skt_demo_load_gets(const struct skt_demo_load *to, size_t n, int report_fd)
{
    for (;;) {
        for (size_t i = 0; i < n; i++)
            get_and_report(&to[i], report_fd);
        usleep(get_every_us);
    }
}

struct download {
    int report_fd;     /* gets reports */
    uint32_t way;      /* enum skt_demo_way */
    uint64_t offset;   /* bytes that are right */
    uint64_t reported; /* of these bytes, those that were reported */
    double report_at;  /* when the next one is due, by skt_cli_now() */
};

static void report_progress(struct download *d)
{
    if (d->offset > d->reported)
        skt_demo_report(d->report_fd, &(struct skt_demo_report){.kind = SKT_DEMO_LOADED,
                                                                .way = d->way,
                                                                .count = d->offset - d->reported});
    d->reported = d->offset;
    d->report_at = skt_cli_now() + report_every_s;
}

/* Takes the next bytes of a download; false: they are not what they must be. */
static bool check_piece(struct download *d, const uint8_t *piece, size_t len)
{
    static uint8_t expected[CHUNK_LEN];
    skt_demo_pattern(expected, len, d->offset);
    if (memcmp(piece, expected, len) != 0) {
        size_t i = 0;
        while (piece[i] == expected[i])
            i++;
        d->offset += i;
        return false;
    }
    d->offset += len;
    if (skt_cli_now() >= d->report_at)
        report_progress(d);
    return true;
}

static enum skt_demo_report_kind download(struct download *d, const struct skt_addr *from, uint64_t len)
{
    static char buf[CHUNK_LEN];
    char path[64];
    size_t got = 0;
    snprintf(path, sizeof path, "/bytes/%llu", (unsigned long long)len);
    int fd = http_ask(from, path);
    if (fd < 0)
        return SKT_DEMO_LOAD_FAILED;
    enum skt_demo_report_kind result = SKT_DEMO_LOAD_DONE;
    if (http_header(fd, buf, sizeof buf, &got) != (long long)len)
        result = SKT_DEMO_LOAD_FAILED;
    while (result == SKT_DEMO_LOAD_DONE && d->offset < len) {
        ssize_t n = got > 0 ? (ssize_t)got : read(fd, buf, sizeof buf);
        got = 0;
        if (n <= 0)
            result = SKT_DEMO_LOAD_FAILED;
        else if ((uint64_t)n > len - d->offset || !check_piece(d, (const uint8_t *)buf, (size_t)n))
            result = SKT_DEMO_LOAD_WRONG;
    }
    close(fd);
    return result;
}

_Noreturn void skt_demo_load_downloads(const struct skt_demo_load *from, int report_fd)
{
    uint64_t len = first_len;
    for (;;) {
        struct download d = {
            .report_fd = report_fd, .way = from->way, .report_at = skt_cli_now() + report_every_s};
        enum skt_demo_report_kind result = download(&d, &from->addr, len);
        report_progress(&d);
        skt_demo_report(report_fd, &(struct skt_demo_report){
                                       .kind = (uint32_t)result, .way = from->way, .count = d.offset});
        if (result != SKT_DEMO_LOAD_DONE)
            usleep(500000);
        else if (len < last_len)
            len *= 2;
    }
}
