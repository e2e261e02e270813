/* SPDX-License-Identifier: MIT */
/* TCP connections that the script makes: the name, then one address after the other until one answers. */
#include "base/err.h"
#include "base/log.h"
#include "io/tcp.h"
#include "script/tcp_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Tries those that are left, each for its share of the time that is left; false: none was. */
static bool try_next(struct skt_script_tcp *c)
{
    while (c->addr_count > 0) {
        struct skt_addr to = c->addrs[0];
        memmove(c->addrs, c->addrs + 1, --c->addr_count * sizeof *c->addrs);
        int fd = skt_tcp_connect(&to);
        if (fd >= 0) {
            skt_us now = skt_loop_now(c->app->loop);
            skt_us share = (skt_us_max(c->connect_by, now) - now) / (skt_us)(c->addr_count + 1);
            skt_script_tcp_attach(c, fd);
            c->phase = SKT_TCP_CONNECTING;
            (void)skt_loop_timer_set(c->app->loop, &c->timer, now + share);
            skt_script_tcp_watch(c);
            return true;
        }
        char text[SKT_ADDR_TEXT_MAX];
        skt_debug("tcp: connect to %s: %s", skt_addr_text(&to, text), strerror(errno));
    }
    return false;
}

/* This address is out of the question; the next one, or the end. */
static void give_up(struct skt_script_tcp *c)
{
    if (c->fd >= 0) {
        skt_loop_io_set(c->app->loop, &c->io, 0);
        close(c->fd);
        c->fd = -1;
    }
    c->phase = SKT_TCP_RESOLVING;
    if (!try_next(c))
        skt_script_tcp_fail(c);
}

void skt_script_tcp_on_connect_timeout(struct skt_script_tcp *c)
{
    give_up(c);
}

void skt_script_tcp_on_connect_ready(struct skt_script_tcp *c)
{
    int rc = skt_tcp_connect_result(c->fd);
    if (rc == SKT_ERR_AGAIN)
        return;
    if (rc != SKT_OK) {
        give_up(c);
        return;
    }
    skt_loop_timer_stop(c->app->loop, &c->timer);
    skt_script_tcp_up(c);
    free(c->addrs);
    c->addrs = NULL;
    skt_script_tcp_flush(c);
    skt_script_tcp_watch(c);
}

static void on_resolved(void *user, const struct skt_addr *addrs, size_t n, const char *error)
{
    struct skt_script_tcp *c = user;
    c->resolve = NULL;
    c->addrs = n > 0 ? malloc(n * sizeof *addrs) : NULL;
    if (c->addrs) {
        memcpy(c->addrs, addrs, n * sizeof *addrs);
        c->addr_count = n;
    } else {
        skt_debug("tcp: connect: %s", n > 0 ? "out of memory" : error);
    }
    if (!try_next(c))
        skt_script_tcp_fail(c);
}

int skt_script_tcp_dial(struct skt_script_etcp *etcp, const char *host, uint16_t port,
                        struct skt_script_tcp **out)
{
    struct skt_script_tcp *c = skt_script_tcp_new(etcp, -1, SKT_TCP_RESOLVING);
    if (!c)
        return SKT_ERR_NOMEM;
    int rc = skt_resolve_start(&c->resolve, c->app->loop, host, port, on_resolved, c);
    if (rc != SKT_OK) {
        c->resolve = NULL;
        skt_script_tcp_abort(c);
        return rc;
    }
    struct skt_script *app = c->app;
    c->connect_by =
        skt_loop_now(app->loop) + (skt_us)(app->conf->table.tcp_recv_timeout * (double)SKT_US_PER_SEC);
    (void)skt_loop_timer_set(app->loop, &c->timer, c->connect_by);
    *out = c;
    return SKT_OK;
}
