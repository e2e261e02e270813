/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* unshare */
#endif
#include "demo/plain.h"

#include "cli/cli.h"
#include "demo/report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static _Noreturn void give_up(int report_fd, const char *what, int error)
{
    struct skt_demo_report report = {.kind = SKT_DEMO_DOWN, .way = SKT_DEMO_PLAIN, .count = (uint64_t)error};
    snprintf(report.text, sizeof report.text, "%s", what);
    skt_demo_report(report_fd, &report);
    for (;;)
        pause();
}

#ifdef __linux__

#include "base/addr.h"
#include "base/err.h"
#include "demo/http.h"
#include "demo/load.h"
#include "io/tcp.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

enum {
    PACKET_MAX = 65536, /* bytes: any packet fits */
    BATCH = 64,         /* packets taken before those that are due have their turn */
    TX_QUEUE = 10000,   /* packets: what is lost is lost by the line, not on the way to it */
    IP_HEADER_MIN = 20, /* bytes */
    PORTS_LEN = 4,      /* bytes at the front of a segment: its source and destination port */
    MTU = 1500,         /* bytes, as on Ethernet */
    BACKLOG = 64,       /* connections that wait to be accepted */
    WEB_PORT = 80,      /* in a namespace of its own nothing else has it */
};
static const double report_every_s = 0.2;
/* Both in a subnet that the namespace alone has; nobody is at the peer's but the line. */
static const char own_ip[] = "10.255.0.1", peer_ip[] = "10.255.0.2", mask_ip[] = "255.255.255.0";

/* A namespace of one's own: root can have it as it is, others with a user namespace where the system lets
 * them. */
static bool enter_namespace(void)
{
    return unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
}

static void put_ip(struct sockaddr *to, const char *text)
{
    struct sockaddr_in sin = {.sin_family = AF_INET};
    (void)inet_pton(AF_INET, text, &sin.sin_addr);
    memcpy(to, &sin, sizeof sin);
}

/* Gives the interface its address and switches it on. */
static bool set_up(struct ifreq *ifr)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    put_ip(&ifr->ifr_addr, own_ip);
    bool good = ioctl(fd, SIOCSIFADDR, ifr) == 0;
    put_ip(&ifr->ifr_netmask, mask_ip);
    good = good && ioctl(fd, SIOCSIFNETMASK, ifr) == 0;
    ifr->ifr_mtu = MTU;
    good = good && ioctl(fd, SIOCSIFMTU, ifr) == 0;
    ifr->ifr_qlen = TX_QUEUE;
    (void)ioctl(fd, SIOCSIFTXQLEN, ifr); /* not allowed in a user namespace: 500 then */
    ifr->ifr_flags = IFF_UP | IFF_RUNNING;
    good = good && ioctl(fd, SIOCSIFFLAGS, ifr) == 0;
    close(fd);
    return good;
}

/* Musl's ioctl takes an int, whose sign bit some machines use; glibc's an unsigned long. */
#ifdef __GLIBC__
typedef unsigned long request;
#else
typedef int request;
#endif

/* The device, or SKT_ERR_IO with errno. */
static int open_tun(void)
{
    struct ifreq ifr = {0};
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return SKT_ERR_IO;
    ifr.ifr_flags = IFF_TUN | IFF_NO_PI;
    if (ioctl(fd, (request)TUNSETIFF, &ifr) == 0 && set_up(&ifr))
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return SKT_ERR_IO;
}

/* Runs fn in a process that ends with this one. */
static void run_beside(void (*fn)(const struct skt_demo_plain_conf *conf, int web_fd),
                       const struct skt_demo_plain_conf *conf, int web_fd)
{
    pid_t parent = getpid(), pid = fork();
    if (pid < 0)
        give_up(conf->report_fd, "another process", errno);
    if (pid > 0)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(SKT_EXIT_FAILURE);
    fn(conf, web_fd);
    _exit(SKT_EXIT_FAILURE);
}

static struct skt_demo_load load_of_peer(void)
{
    struct skt_demo_load load = {.way = SKT_DEMO_PLAIN};
    (void)skt_addr_parse(&load.addr, peer_ip, WEB_PORT);
    return load;
}

static void run_web(const struct skt_demo_plain_conf *conf, int web_fd)
{
    (void)conf;
    skt_demo_http_serve(web_fd);
}

static void run_gets(const struct skt_demo_plain_conf *conf, int web_fd)
{
    struct skt_demo_load load = load_of_peer();
    close(web_fd);
    skt_demo_load_gets(&load, 1, conf->report_fd);
}

static void run_downloads(const struct skt_demo_plain_conf *conf, int web_fd)
{
    struct skt_demo_load load = load_of_peer();
    close(web_fd);
    skt_demo_load_downloads(&load, conf->report_fd);
}

/* Both ends are this namespace's own address: what is sent to the peer's comes back as from there. The sum in
 * the headers stays right, since it does not mind the order. Which way, or none for what is not ours. */
static int turn_around(uint8_t *packet, size_t len)
{
    size_t header = (size_t)(packet[0] & 15) * 4;
    uint8_t source[4];
    if (len < IP_HEADER_MIN || packet[0] >> 4 != 4 || packet[9] != IPPROTO_TCP || len < header + PORTS_LEN)
        return SKT_DEMO_LINE_WAYS;
    memcpy(source, packet + 12, 4);
    memmove(packet + 12, packet + 16, 4);
    memcpy(packet + 16, source, 4);
    bool to_server = packet[header + 2] == WEB_PORT >> 8 && packet[header + 3] == (WEB_PORT & 255);
    return to_server ? SKT_DEMO_TO_SERVER : SKT_DEMO_TO_CLIENT;
}

static void read_packets(struct skt_demo_line *line, int tun)
{
    static uint8_t buf[PACKET_MAX];
    for (int i = 0; i < BATCH; i++) {
        ssize_t n = read(tun, buf, sizeof buf);
        if (n <= 0)
            return;
        int way = turn_around(buf, (size_t)n);
        if (way < SKT_DEMO_LINE_WAYS)
            skt_demo_line_take(line, (enum skt_demo_line_way)way, buf, (size_t)n, 0, skt_cli_now());
    }
}

static void write_packets(struct skt_demo_line *line, int tun)
{
    struct skt_demo_packet *p;
    for (int way = 0; way < SKT_DEMO_LINE_WAYS; way++) {
        while ((p = skt_demo_line_give(line, (enum skt_demo_line_way)way, skt_cli_now()))) {
            (void)!write(tun, p->data, p->len);
            free(p);
        }
    }
}

static void report_up(const struct skt_demo_plain_conf *conf, int web_fd)
{
    struct skt_demo_report report = {.kind = SKT_DEMO_UP, .way = SKT_DEMO_PLAIN};
    socklen_t len = sizeof report.text - 1;
    if (getsockopt(web_fd, IPPROTO_TCP, TCP_CONGESTION, report.text, &len))
        snprintf(report.text, sizeof report.text, "?");
    skt_demo_report(conf->report_fd, &report);
}

static _Noreturn void carry(const struct skt_demo_plain_conf *conf, int tun)
{
    static struct skt_demo_line line;
    double report_at = 0;
    skt_demo_line_init(&line, &conf->line);
    for (;;) {
        read_packets(&line, tun);
        write_packets(&line, tun);
        double now = skt_cli_now();
        if (now >= report_at) {
            skt_demo_report(conf->report_fd, &(struct skt_demo_report){.kind = SKT_DEMO_LINE,
                                                                       .way = SKT_DEMO_PLAIN,
                                                                       .count = line.seen,
                                                                       .lost = line.lost});
            report_at = now + report_every_s;
        }
        double left = skt_demo_line_next(&line, report_at) - now;
        struct timespec limit = {0, left > 0 ? (long)(left * 1e9) : 0};
        struct pollfd p = {.fd = tun, .events = POLLIN};
        (void)ppoll(&p, 1, &limit, NULL);
    }
}

_Noreturn void skt_demo_plain_run(const struct skt_demo_plain_conf *conf)
{
    struct skt_addr web;
    if (!enter_namespace())
        give_up(conf->report_fd, "a network namespace", errno);
    int tun = open_tun();
    if (tun < 0)
        give_up(conf->report_fd, "/dev/net/tun", errno);
    int err = skt_addr_parse(&web, own_ip, WEB_PORT);
    int web_fd = err == SKT_OK ? skt_tcp_listen(&web, BACKLOG) : err;
    if (web_fd < 0)
        give_up(conf->report_fd, "a web server there", errno);
    report_up(conf, web_fd);
    run_beside(run_web, conf, web_fd);
    run_beside(run_gets, conf, web_fd);
    run_beside(run_downloads, conf, web_fd);
    close(web_fd);
    carry(conf, tun);
}

#else

_Noreturn void skt_demo_plain_run(const struct skt_demo_plain_conf *conf)
{
    give_up(conf->report_fd, "network namespaces", ENOSYS);
}

#endif
