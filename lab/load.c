/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "load.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
    "usage: skt-load serve --port N                   the other end of all of these\n"
    "       skt-load rtt   --addr A --port N [--conns N] [--size BYTES] [--answer BYTES] "
    "[--interval-ms N] [--count N] [--udp 1]\n"
    "       skt-load bulk  --addr A --port N [--seconds N] [--drain N] [--up 1]\n"
    "       skt-load turns --addr A --port N [--size BYTES] [--count N]\n"
    "       skt-load flood --addr A --port N [--size BYTES] [--seconds N] [--pps N]   UDP to:\n"
    "       skt-load count --port N [--seconds N]\n"
    "       each with [--cc NAME]: congestion control of its TCP connections\n";

int64_t load_now_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * INT64_C(1000000) + ts.tv_nsec / 1000;
}

/* xorshift64 (Marsaglia 2003) */
const uint8_t *load_data(void)
{
    static uint8_t data[LOAD_CHUNK];
    static bool filled;
    uint64_t x = UINT64_C(0x9e3779b97f4a7c15);
    for (size_t i = 0; !filled && i < sizeof data; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        data[i] = (uint8_t)(x >> 32);
    }
    filled = true;
    return data;
}

int load_socket(const struct load_options *o, int type)
{
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    bool ours = o->cc && type == SOCK_STREAM;
    if (fd < 0 ||
        (ours && setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, o->cc, (socklen_t)strlen(o->cc)) < 0)) {
        perror(ours ? o->cc : "skt-load: socket");
        exit(1);
    }
    return fd;
}

int load_connect(const struct load_options *o, const struct load_hello *hello)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)o->port)};
    if (inet_pton(AF_INET, o->addr, &in.sin_addr) != 1) {
        fprintf(stderr, "skt-load: bad address %s\n", o->addr);
        exit(2);
    }
    int fd = load_socket(o, hello ? SOCK_STREAM : SOCK_DGRAM), one = 1;
    if (connect(fd, (struct sockaddr *)&in, sizeof in) < 0) {
        perror("skt-load: connect");
        exit(1);
    }
    if (!hello)
        return fd;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (send(fd, hello, sizeof *hello, MSG_NOSIGNAL) != (ssize_t)sizeof *hello) {
        perror("skt-load: hello");
        exit(1);
    }
    return fd;
}

/* NULL, or what is wrong. */
static const char *set_option(struct load_options *o, const char *key, const char *value)
{
    if (strcmp(key, "--addr") == 0 || strcmp(key, "--cc") == 0) {
        *(key[2] == 'a' ? &o->addr : &o->cc) = value;
        return NULL;
    }
    const struct {
        const char *name;
        unsigned *at, lo, hi;
    } numbers[] = {
        {"--port", &o->port, 1, 65535},     {"--conns", &o->conns, 1, 1000},
        {"--size", &o->size, 8, 65536},     {"--count", &o->count, 1, 1000000},
        {"--seconds", &o->seconds, 1, 600}, {"--interval-ms", &o->interval_ms, 1, 60000},
        {"--drain", &o->drain_s, 0, 600},   {"--answer", &o->answer, 4, 16 << 20},
        {"--pps", &o->pps, 0, 10000000},
    };
    char *end;
    unsigned long v = strtoul(value, &end, 10);
    if (*end || end == value)
        return "not a number";
    if (strcmp(key, "--udp") == 0 || strcmp(key, "--up") == 0) {
        *(key[3] == 'd' ? &o->udp : &o->up) = v != 0;
        return NULL;
    }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (strcmp(key, numbers[i].name) != 0)
            continue;
        if (v < numbers[i].lo || v > numbers[i].hi)
            return "out of range";
        *numbers[i].at = (unsigned)v;
        return NULL;
    }
    return "unknown option";
}

static const struct {
    const char *name;
    int (*run)(const struct load_options *o);
} programs[] = {
    {"serve", load_serve}, {"rtt", load_rtt},     {"bulk", load_bulk},
    {"turns", load_turns}, {"flood", load_flood}, {"count", load_count},
};

int main(int argc, char **argv)
{
    struct load_options o = {
        .addr = "127.0.0.1", .conns = 1, .size = 64, .count = 1000, .interval_ms = 100, .seconds = 15};
    for (int i = 2; i < argc; i += 2) {
        const char *wrong = i + 1 < argc ? set_option(&o, argv[i], argv[i + 1]) : "value missing";
        if (wrong) {
            fprintf(stderr, "skt-load: %s: %s\n%s", argv[i], wrong, usage);
            return 2;
        }
    }
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_TIMERSLACK, 1000L);
    for (size_t i = 0; argc > 1 && o.port && i < sizeof programs / sizeof programs[0]; i++)
        if (strcmp(argv[1], programs[i].name) == 0)
            return programs[i].run(&o);
    fputs(usage, stderr);
    return 2;
}
