/* SPDX-License-Identifier: MIT */
/* Datagrams as fast as one socket sends them, or at a fixed rate, and how many of them arrive each 100 ms. */
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    BIN_US = 100000,
    BATCH = 64,         /* datagrams taken in at once */
    ROOM = 16 << 20,    /* of the receiver's socket: what comes while it has no turn */
    BREAK_NS = 1000000, /* at a fixed rate: sleep, then send what is due */
};

/* Sends until it is told "no room" or n are out; how many are out. */
static uint64_t send_some(int fd, size_t size, uint64_t n)
{
    uint64_t sent = 0;
    while (sent < n && send(fd, load_data(), size, 0) == (ssize_t)size)
        sent++;
    return sent;
}

int load_flood(const struct load_options *o)
{
    int fd = load_connect(o, NULL);
    int64_t start = load_now_us(), end = start + o->seconds * INT64_C(1000000), now;
    uint64_t sent = 0;
    while ((now = load_now_us()) < end) {
        uint64_t due = o->pps ? (uint64_t)(now - start) * o->pps / 1000000 : sent + BATCH;
        sent += send_some(fd, o->size, due > sent ? due - sent : 0);
        if (o->pps) {
            struct timespec ts = {.tv_nsec = BREAK_NS};
            nanosleep(&ts, NULL);
        }
    }
    printf("{\"start_us\":%lld,\"seconds\":%u,\"sent\":%llu}\n", (long long)start, o->seconds,
           (unsigned long long)sent);
    close(fd);
    return 0;
}

static int bound(const struct load_options *o)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)o->port)};
    int fd = load_socket(o, SOCK_DGRAM), room = ROOM;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    if (bind(fd, (struct sockaddr *)&in, sizeof in) < 0) {
        perror("skt-load: bind");
        exit(1);
    }
    return fd;
}

/* How many came; waits for the first until `end`. */
static unsigned take(int fd, int64_t end, int64_t now)
{
    static uint8_t scrap[BATCH][64];
    struct iovec iov[BATCH];
    struct mmsghdr m[BATCH] = {0};
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (poll(&p, 1, (int)((end - now) / 1000) + 1) <= 0)
        return 0;
    for (int i = 0; i < BATCH; i++) {
        iov[i] = (struct iovec){scrap[i], sizeof scrap[i]};
        m[i].msg_hdr = (struct msghdr){.msg_iov = &iov[i], .msg_iovlen = 1};
    }
    int n = recvmmsg(fd, m, BATCH, MSG_DONTWAIT, NULL);
    return n > 0 ? (unsigned)n : 0;
}

int load_count(const struct load_options *o)
{
    size_t bins = o->seconds * (size_t)(1000000 / BIN_US);
    uint64_t *count = calloc(bins, sizeof *count), total = 0;
    int fd = bound(o);
    int64_t start = load_now_us(), end = start + o->seconds * INT64_C(1000000), now;
    if (!count)
        return 1;
    while ((now = load_now_us()) < end) {
        unsigned n = take(fd, end, now);
        size_t bin = (size_t)((load_now_us() - start) / BIN_US);
        if (bin < bins)
            count[bin] += n;
        total += n;
    }
    printf("{\"start_us\":%lld,\"total\":%llu,\"per_100ms\":[", (long long)start, (unsigned long long)total);
    for (size_t i = 0; i < bins; i++)
        printf("%s%llu", i ? "," : "", (unsigned long long)count[i]);
    puts("]}");
    free(count);
    close(fd);
    return 0;
}
