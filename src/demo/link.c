/* SPDX-License-Identifier: MIT */
#include "demo/link.h"

#include "base/err.h"
#include "cli/cli.h"
#include "demo/report.h"
#include "io/sockaddr.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    DATAGRAM_MAX = 65536,            /* bytes: any datagram fits */
    SOCKET_BUFFER = 4 * 1024 * 1024, /* bytes wanted in the kernel: what is lost is lost by the line */
    BATCH = 64,                      /* datagrams taken before the other direction has its turn */
    IP_UDP_LEN = 28,                 /* headers of a datagram on the wire */
};
static const double report_every_s = 0.2;

struct link {
    struct skt_demo_link_conf conf; /* as given */
    struct skt_demo_line line;      /* what is under way */
    int server_fd;                  /* a UDP socket, connected to the server */
    union skt_sockaddr client;      /* where its last packet came from */
    socklen_t client_len;           /* 0: none came yet */
    double report_at;               /* when the next report is due, by skt_cli_now() */
};

static void give(struct link *l, double now)
{
    struct skt_demo_packet *p;
    while ((p = skt_demo_line_give(&l->line, SKT_DEMO_TO_SERVER, now))) {
        (void)!send(l->server_fd, p->data, p->len, MSG_DONTWAIT);
        free(p);
    }
    while ((p = skt_demo_line_give(&l->line, SKT_DEMO_TO_CLIENT, now))) {
        if (l->client_len > 0)
            (void)!sendto(l->conf.client_fd, p->data, p->len, MSG_DONTWAIT, &l->client.sa, l->client_len);
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
        skt_demo_line_take(&l->line, SKT_DEMO_TO_SERVER, buf, (size_t)n, IP_UDP_LEN, skt_cli_now());
    }
}

static void read_server(struct link *l)
{
    static uint8_t buf[DATAGRAM_MAX];
    for (int i = 0; i < BATCH; i++) {
        ssize_t n = recv(l->server_fd, buf, sizeof buf, MSG_DONTWAIT);
        if (n < 0)
            return;
        skt_demo_line_take(&l->line, SKT_DEMO_TO_CLIENT, buf, (size_t)n, IP_UDP_LEN, skt_cli_now());
    }
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
    skt_demo_line_init(&l.line, &conf->line);
    l.server_fd = open_server_side(conf->server_port);
    if (l.server_fd < 0)
        _exit(SKT_EXIT_FAILURE);
    widen_buffers(conf->client_fd);
    widen_buffers(l.server_fd);
    l.report_at = skt_cli_now();
    for (;;) {
        read_client(&l);
        read_server(&l);
        double now = skt_cli_now();
        give(&l, now);
        if (now >= l.report_at) {
            skt_demo_report(conf->report_fd, &(struct skt_demo_report){.kind = SKT_DEMO_LINE,
                                                                       .way = SKT_DEMO_TUNNEL,
                                                                       .count = l.line.seen,
                                                                       .lost = l.line.lost});
            l.report_at = now + report_every_s;
        }
        sleep_until(&l, skt_demo_line_next(&l.line, l.report_at));
    }
}
