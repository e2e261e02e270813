/* SPDX-License-Identifier: MIT */
#include "io/ask.h"

#include "base/dnsmsg.h"
#include "base/err.h"
#include "io/nameservers.h"
#include "io/net.h"
#include "io/sockaddr.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A question or its answer is taken for lost; resolvers answer within some 100 ms. */
#define REPEAT (1 * SKT_US_PER_SEC)

enum {
    TRIES = 5,          /* 5 s: as long as libc waits for one server */
    ADDRS_MAX = 8,      /* as many as a look-up by libc brings (io/resolve.h) */
    MESSAGE_MAX = 1500, /* answers over UDP have 512 bytes where no more was offered */
    FAMILIES = 2,       /* one question for A, one for AAAA */
};

/* One server, asked from a socket of its own: its port is chosen at random by the system. */
struct asked {
    struct skt_loop_io io;  /* its socket */
    struct skt_ask *ask;    /* what it is asked for */
    struct skt_addr server; /* where it is */
};

struct skt_ask {
    struct skt_loop *loop;                            /* from which fn is called */
    struct skt_loop_timer timer;                      /* the next repetition, or the end */
    skt_ask_fn fn;                                    /* gets the answer */
    void *user;                                       /* handed to fn */
    uint16_t port;                                    /* of the answer's addresses */
    unsigned tries;                                   /* times that the questions were sent */
    uint8_t question[FAMILIES][SKT_DNS_QUESTION_MAX]; /* by family: what is sent */
    size_t question_len[FAMILIES];                    /* by family: bytes of it */
    bool answered[FAMILIES];                          /* by family: by any server */
    struct skt_addr addrs[ADDRS_MAX];                 /* what was found */
    size_t n;                                         /* of addrs */
    struct asked servers[SKT_NAMESERVERS_MAX];        /* who is asked, all at once */
    size_t server_count;                              /* of servers */
};

/* --- the way --- */

/* Sends by that interface, whatever more specific routes lead elsewhere. Needs no privilege. */
static void bind_to_interface(int fd, uint8_t family, unsigned ifindex)
{
#ifdef IP_UNICAST_IF
    uint32_t index = htonl(ifindex);
    if (family == 4)
        (void)setsockopt(fd, IPPROTO_IP, IP_UNICAST_IF, &index, sizeof index);
#ifdef IPV6_UNICAST_IF
    else
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_IF, &index, sizeof index);
#endif
#elif defined(IP_BOUND_IF) && defined(IPV6_BOUND_IF)
    if (family == 4)
        (void)setsockopt(fd, IPPROTO_IP, IP_BOUND_IF, &ifindex, sizeof ifindex);
    else
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_BOUND_IF, &ifindex, sizeof ifindex);
#else
    (void)fd;
    (void)family;
    (void)ifindex;
#endif
}

static int open_socket(const struct skt_addr *server, unsigned without)
{
    struct skt_ipnet host = skt_ipnet_host(server->family, server->ip);
    struct skt_net_route way;
    int fd = socket(server->family == 4 ? AF_INET : AF_INET6, SOCK_DGRAM, 0);
    if (fd >= 0 && skt_fd_prepare(fd)) {
        close(fd);
        return -1;
    }
    if (fd >= 0 && without && skt_net_route_find(&host, without, &way) == SKT_OK)
        bind_to_interface(fd, server->family, way.ifindex);
    return fd;
}

/* --- asking --- */

void skt_ask_cancel(struct skt_ask *ask)
{
    if (!ask)
        return;
    skt_loop_timer_stop(ask->loop, &ask->timer);
    for (size_t i = 0; i < ask->server_count; i++) {
        skt_loop_io_set(ask->loop, &ask->servers[i].io, 0);
        close(ask->servers[i].io.w.fd);
    }
    free(ask);
}

static void finish(struct skt_ask *ask)
{
    struct skt_addr addrs[ADDRS_MAX];
    size_t n = ask->n;
    skt_ask_fn fn = ask->fn;
    void *user = ask->user;
    memcpy(addrs, ask->addrs, sizeof addrs);
    skt_ask_cancel(ask);
    fn(user, addrs, n);
}

static void send_questions(struct skt_ask *ask)
{
    for (size_t i = 0; i < ask->server_count; i++) {
        union skt_sockaddr to;
        socklen_t to_len = skt_sockaddr_of(&to, &ask->servers[i].server);
        for (size_t k = 0; k < FAMILIES; k++)
            if (!ask->answered[k]) /* what can't be sent is asked again */
                (void)sendto(ask->servers[i].io.w.fd, ask->question[k], ask->question_len[k], 0, &to.sa,
                             to_len);
    }
}

static void on_timer(struct skt_loop_timer *t, skt_us now)
{
    struct skt_ask *ask = SKT_CONTAINER(t, struct skt_ask, timer);
    if (ask->tries++ == TRIES) {
        finish(ask);
        return;
    }
    skt_loop_timer_set(ask->loop, t, now + REPEAT);
    send_questions(ask);
}

static void take(struct skt_ask *ask, const uint8_t *msg, size_t len)
{
    for (size_t k = 0; k < FAMILIES; k++) {
        int got = ask->answered[k] ? SKT_ERR_MALFORMED
                                   : skt_dns_read(msg, len, ask->question[k], ask->question_len[k],
                                                  ask->addrs + ask->n, ADDRS_MAX - ask->n);
        if (got < 0)
            continue;
        for (int i = 0; i < got; i++)
            ask->addrs[ask->n++].port = ask->port;
        ask->answered[k] = true;
    }
}

static void on_ready(struct skt_loop_io *io, unsigned ready)
{
    (void)ready;
    struct asked *a = SKT_CONTAINER(io, struct asked, io);
    struct skt_ask *ask = a->ask;
    uint8_t msg[MESSAGE_MAX];
    union skt_sockaddr sa;
    socklen_t sa_len = sizeof sa;
    ssize_t got;
    while ((got = recvfrom(io->w.fd, msg, sizeof msg, 0, &sa.sa, &sa_len)) >= 0) {
        struct skt_addr from;
        skt_sockaddr_read(&from, &sa.sa);
        sa_len = sizeof sa;
        if (from.port == a->server.port && skt_addr_same_ip(&from, &a->server))
            take(ask, msg, (size_t)got);
    }
    if (ask->answered[0] && ask->answered[1])
        finish(ask);
}

static void add_server(struct skt_ask *ask, const struct skt_addr *server, unsigned without)
{
    int fd = open_socket(server, without);
    if (fd < 0)
        return;
    struct asked *a = &ask->servers[ask->server_count++];
    a->ask = ask;
    a->server = *server;
    skt_loop_io_init(&a->io, fd, on_ready);
    skt_loop_io_set(ask->loop, &a->io, SKT_IO_READ);
}

/* Nobody who does not see the questions can guess their numbers. */
static bool read_random(uint16_t ids[FAMILIES])
{
    int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, ids, FAMILIES * sizeof *ids);
    if (fd >= 0)
        close(fd);
    return got == (ssize_t)(FAMILIES * sizeof *ids);
}

int skt_ask_start(struct skt_ask **out, struct skt_loop *loop, const struct skt_addr *servers, size_t n,
                  unsigned without, const char *name, uint16_t port, skt_ask_fn fn, void *user)
{
    uint16_t ids[FAMILIES];
    struct skt_ask *ask = calloc(1, sizeof *ask);
    if (!ask)
        return SKT_ERR_NOMEM;
    ask->loop = loop;
    ask->fn = fn;
    ask->user = user;
    ask->port = port;
    skt_loop_timer_init(&ask->timer, on_timer);
    int err = read_random(ids) ? SKT_OK : SKT_ERR_IO;
    for (size_t k = 0; !err && k < FAMILIES; k++) {
        ask->question_len[k] = skt_dns_ask(ask->question[k], ids[k], name, k == 0 ? SKT_DNS_A : SKT_DNS_AAAA);
        err = ask->question_len[k] ? SKT_OK : SKT_ERR_ARG;
    }
    for (size_t i = 0; !err && i < n && i < SKT_NAMESERVERS_MAX; i++)
        add_server(ask, &servers[i], without);
    if (!err && ask->server_count == 0)
        err = n ? SKT_ERR_IO : SKT_ERR_ARG;
    if (err) {
        skt_ask_cancel(ask);
        return err;
    }
    skt_loop_timer_set(loop, &ask->timer, skt_loop_now(loop));
    *out = ask;
    return SKT_OK;
}
