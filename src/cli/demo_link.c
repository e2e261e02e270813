/* SPDX-License-Identifier: MIT */
#include "cli/demo_link.h"

#include "base/err.h"
#include "cli/cli.h"
#include "cli/demo_report.h"
#include "io/sockaddr.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    DATAGRAM_MAX = 65536,
    SOCKET_BUFFER = 4 * 1024 * 1024,
    QUEUE_MAX = 64 * 1024 * 1024, /* bytes in flight each way, whatever the delay */
    BATCH = 64,                   /* datagrams taken before the other direction has its turn */
    IP_UDP_LEN = 28,
};
static const double buffer_s = 0.1, report_every_s = 0.2;

struct datagram {
    struct datagram *next;
    double due;
    size_t len;
    uint8_t data[];
};

/* One way. The delay is constant, so what came first is due first. */
struct direction {
    struct datagram *first, **last;
    size_t bytes;
    double free_at; /* when the line has sent what is before the next one */
    int to_fd;
    bool connected; /* to_fd needs no address */
};

struct link {
    struct skt_demo_link_conf conf;
    int server_fd;
    struct direction to_server, to_client;
    union skt_sockaddr client; /* where its last packet came from */
    socklen_t client_len;
    uint64_t random_state;
    uint64_t seen, lost;
    double report_at;
};

/* Uniform in [0, 1): xorshift64* (Vigna 2016). */
static double random_unit(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return (double)((x * UINT64_C(0x2545f4914f6cdd1d)) >> 11) / 9007199254740992.0;
}

static void direction_init(struct direction *d, int to_fd, bool connected)
{
    d->last = &d->first;
    d->to_fd = to_fd;
    d->connected = connected;
}

/* When the line is through with len bytes, or a negative number: no room in its buffer. */
static double line_time(const struct link *l, const struct direction *d, size_t len, double now)
{
    if (l->conf.rate_mbit <= 0)
        return now;
    double start = d->free_at > now ? d->free_at : now;
    if (start - now > buffer_s)
        return -1;
    return start + (double)(len + IP_UDP_LEN) * 8 / (l->conf.rate_mbit * 1e6);
}

static void take(struct link *l, struct direction *d, const uint8_t *data, size_t len, double now)
{
    l->seen++;
    double through = line_time(l, d, len, now);
    struct datagram *p = NULL;
    if (through >= 0) {
        d->free_at = through;
        if (random_unit(&l->random_state) >= l->conf.loss && d->bytes + len <= QUEUE_MAX)
            p = malloc(sizeof *p + len);
    }
    if (!p) {
        l->lost++;
        return;
    }
    p->next = NULL;
    p->due = through + l->conf.delay_s;
    p->len = len;
    memcpy(p->data, data, len);
    *d->last = p;
    d->last = &p->next;
    d->bytes += len;
}

static void give(struct link *l, struct direction *d, double now)
{
    struct datagram *p;
    while ((p = d->first) && p->due <= now) {
        const struct sockaddr *to = d->connected ? NULL : &l->client.sa;
        if (d->connected || l->client_len > 0)
            (void)!sendto(d->to_fd, p->data, p->len, MSG_DONTWAIT, to, d->connected ? 0 : l->client_len);
        d->first = p->next;
        if (!d->first)
            d->last = &d->first;
        d->bytes -= p->len;
        free(p);
    }
}

static void read_client(struct link *l)
{
    static uint8_t buf[DATAGRAM_MAX];
    for (int i = 0; i < BATCH; i++) {
        union skt_sockaddr from;
        socklen_t from_len = sizeof from;
        ssize_t n = recvfrom(l->conf.client_fd, buf, sizeof buf, MSG_DONTWAIT, &from.sa, &from_len);
        if (n < 0)
            return;
        l->client = from;
        l->client_len = from_len;
        take(l, &l->to_server, buf, (size_t)n, skt_cli_now());
    }
}

static void read_server(struct link *l)
{
    static uint8_t buf[DATAGRAM_MAX];
    for (int i = 0; i < BATCH; i++) {
        ssize_t n = recv(l->server_fd, buf, sizeof buf, MSG_DONTWAIT);
        if (n < 0)
            return;
        take(l, &l->to_client, buf, (size_t)n, skt_cli_now());
    }
}

static double earliest_due(const struct link *l)
{
    double at = l->report_at;
    if (l->to_server.first && l->to_server.first->due < at)
        at = l->to_server.first->due;
    if (l->to_client.first && l->to_client.first->due < at)
        at = l->to_client.first->due;
    return at;
}

/* Sleeps until a datagram comes or is due; poll() counts in milliseconds, which is too coarse here. */
static void sleep_until(const struct link *l, double at)
{
    double left = at - skt_cli_now();
    if (left < 0)
        left = 0;
    struct timespec timeout = {(time_t)left, (long)((left - (double)(time_t)left) * 1e9)};
    fd_set readable;
    FD_ZERO(&readable);
    FD_SET(l->conf.client_fd, &readable);
    FD_SET(l->server_fd, &readable);
    int top = l->conf.client_fd > l->server_fd ? l->conf.client_fd : l->server_fd;
    (void)pselect(top + 1, &readable, NULL, NULL, &timeout, NULL);
}

static int open_server_side(uint16_t port)
{
    struct skt_addr addr;
    union skt_sockaddr sa;
    if (skt_addr_parse(&addr, "127.0.0.1", port) < 0)
        return SKT_ERR_ARG;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0)
        return SKT_ERR_IO;
    if (connect(fd, &sa.sa, skt_sockaddr_of(&sa, &addr)) != 0 || fd >= FD_SETSIZE) {
        close(fd);
        return SKT_ERR_IO;
    }
    return fd;
}

static void widen_buffers(int fd)
{
    int len = SOCKET_BUFFER;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &len, sizeof len);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &len, sizeof len);
}

_Noreturn void skt_demo_link_run(const struct skt_demo_link_conf *conf)
{
    static struct link l;
    l.conf = *conf;
    l.random_state = conf->seed ? conf->seed : 1;
    l.server_fd = open_server_side(conf->server_port);
    if (l.server_fd < 0)
        _exit(SKT_EXIT_FAILURE);
    widen_buffers(conf->client_fd);
    widen_buffers(l.server_fd);
    direction_init(&l.to_server, l.server_fd, true);
    direction_init(&l.to_client, conf->client_fd, false);
    l.report_at = skt_cli_now();
    for (;;) {
        read_client(&l);
        read_server(&l);
        double now = skt_cli_now();
        give(&l, &l.to_server, now);
        give(&l, &l.to_client, now);
        if (now >= l.report_at) {
            skt_demo_report(conf->report_fd, &(struct skt_demo_report){
                                                 .kind = SKT_DEMO_LINK, .count = l.seen, .lost = l.lost});
            l.report_at = now + report_every_s;
        }
        sleep_until(&l, earliest_due(&l));
    }
}
