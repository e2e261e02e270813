/* SPDX-License-Identifier: MIT */
#include "tunnel/taker.h"

#include "base/err.h"
#include "base/log.h"
#include "io/tcp.h"
#include "tunnel/taker_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    BACKLOG = 1024,
    OVERDUE_MAX = 256, /* connections at a time, so that others have their turn */
};

static struct skt_taker_conn *conn_of(struct skt_taker_pair *pair)
{
    return SKT_CONTAINER(pair, struct skt_taker_conn, pair);
}

/* --- packets --- */

/* Back into the TUN, whole as it came out. */
static void write_back(struct skt_taker *t, struct skt_tun_packet *p)
{
    (void)skt_tun_write_any(t->conf.tun, p, t->conf.mtu); /* TCP repeats what is lost */
}

/* What our listener says, for the application. */
static void from_near(struct skt_taker_conn *c, struct skt_tun_packet *p, const struct skt_ippkt *ip)
{
    struct skt_taker *t = c->t;
    c->active = skt_loop_now(t->conf.loop);
    if (c->state == SKT_TAKER_KNOCKING)
        skt_taker_conn_enter(c, SKT_TAKER_SHAKING);
    skt_taker_pairs_to_app(&c->pair, p->data, ip, p->offload.partial);
    write_back(t, p);
}

static bool is_first_syn(const struct skt_ippkt *ip)
{
    return (ip->tcp_flags & (SKT_TCP_SYN | SKT_TCP_ACK | SKT_TCP_RST)) == SKT_TCP_SYN;
}

/* What the application says. False: nobody has a connection of that name, or not any more. */
static bool from_app(struct skt_taker_conn *c, struct skt_tun_packet *p, const struct skt_ippkt *ip)
{
    struct skt_taker *t = c->t;
    bool asking = c->state == SKT_TAKER_ASKING;
    c->active = skt_loop_now(t->conf.loop);
    if (is_first_syn(ip) && (c->state == SKT_TAKER_GONE || (asking && !skt_taker_conn_is_current(c)))) {
        skt_taker_conn_free(c); /* the same ports for another connection; or it asks another server */
        return false;
    }
    if (asking) { /* its SYN is here already */
        if (ip->tcp_flags & SKT_TCP_RST)
            skt_taker_conn_given_up(c);
        return true;
    }
    /* The ports again, while what was said before is still on its way to the server: our socket has heard
     * both ends and would take it for a connection that nobody was asked for. It is repeated in a second. */
    if (is_first_syn(ip) && c->state == SKT_TAKER_OPEN && c->app_ended)
        return true;
    c->app_ended = c->app_ended || (ip->tcp_flags & SKT_TCP_FIN) != 0;
    skt_taker_pairs_to_near(&t->pairs, &c->pair, p->data, ip, p->offload.partial);
    write_back(t, p);
    if (c->state == SKT_TAKER_SHAKING && ip->tcp_flags & SKT_TCP_RST)
        skt_taker_conn_given_up(c);
    return true;
}

/* A network behind this machine is narrower than the TUN: our listener has to know, not the destination. */
static bool take_icmp(struct skt_taker *t, const struct skt_tun_packet *p, const struct skt_ippkt *ip)
{
    uint8_t out[SKT_IPPKT_TOO_BIG_MAX];
    struct skt_tun_packet icmp = {.data = out};
    icmp.len = skt_taker_pairs_too_big(&t->pairs, out, p->data, ip);
    if (icmp.len > 0)
        (void)skt_tun_write(t->conf.tun, &icmp); /* the next segment asks again */
    return icmp.len > 0;
}

static bool take(void *user, struct skt_tun_packet *p, const struct skt_ippkt *ip)
{
    struct skt_taker *t = user;
    if (ip->protocol != SKT_IPPKT_TCP)
        return take_icmp(t, p, ip);
    if (!skt_ippkt_is_plain_tcp(ip))
        return false;
    struct skt_taker_pair *pair = skt_taker_pairs_of_near(&t->pairs, ip);
    if (pair) {
        from_near(conn_of(pair), p, ip);
        return true;
    }
    pair = skt_taker_pairs_of_app(&t->pairs, ip);
    if (pair && from_app(conn_of(pair), p, ip))
        return true;
    return is_first_syn(ip) && skt_taker_conn_begin(t, p, ip);
}

/* Only the TUN itself brings what our listeners are to get. */
static bool is_inside(void *user, const struct skt_ippkt *ip)
{
    const struct skt_taker *t = user;
    return skt_taker_pairs_for_listener(&t->pairs, ip);
}

/* --- connections --- */

static void on_connection(struct skt_listener *l, int fd)
{
    struct skt_taker *t = SKT_CONTAINER(l, struct skt_taker_listener, listener)->t;
    struct skt_addr peer;
    struct skt_taker_pair *pair =
        skt_tcp_peer(fd, &peer) == SKT_OK ? skt_taker_pairs_from(&t->pairs, &peer) : NULL;
    struct skt_taker_conn *c = pair ? conn_of(pair) : NULL;
    if (c && (c->state == SKT_TAKER_KNOCKING || c->state == SKT_TAKER_SHAKING))
        skt_taker_conn_accepted(c, fd);
    else
        skt_tcp_reset(fd); /* somebody who knows the port */
}

static int open_listener(struct skt_taker *t, const struct skt_ipnet *address)
{
    struct skt_taker_listener *l = &t->listeners[address->family == 6];
    struct skt_addr *at = &t->pairs.listeners[address->family == 6], want = {.family = address->family};
    if (address->family == 0)
        return SKT_ERR_ARG;
    memcpy(want.ip, address->ip, sizeof want.ip);
    int fd = skt_tcp_listen(&want, BACKLOG);
    if (fd < 0)
        return fd;
    int err = skt_tcp_local(fd, at);
    if (err) {
        *at = (struct skt_addr){0};
        skt_tcp_reset(fd);
        return err;
    }
    l->t = t;
    skt_listener_init(&l->listener, t->conf.loop, fd, "connections of the TUN", on_connection);
    skt_listener_watch(&l->listener, true);
    return SKT_OK;
}

static int open_listeners(struct skt_taker *t)
{
    int err4 = open_listener(t, &t->conf.address4), error = errno;
    int err6 = open_listener(t, &t->conf.address6);
    if (!err4 && t->conf.address6.family && err6)
        skt_warn("relay_tcp is off for IPv6: listening on the TUN's address: %s", strerror(errno));
    if (!err4 || !err6)
        return SKT_OK;
    if (err4 != SKT_ERR_ARG)
        errno = error;
    return err4 != SKT_ERR_ARG ? err4 : err6;
}

/* --- life --- */

static void on_timer(struct skt_loop_timer *timer, skt_us now)
{
    struct skt_taker *t = SKT_CONTAINER(timer, struct skt_taker, timer);
    unsigned n = 0;
    for (int i = 0; i < SKT_TAKER_STATES; i++) {
        while (!skt_list_empty(&t->conns[i]) && n < OVERDUE_MAX) {
            struct skt_taker_conn *c = SKT_CONTAINER(t->conns[i].next, struct skt_taker_conn, link);
            if (c->due > now)
                break;
            n++;
            skt_taker_conn_overdue(c);
        }
    }
    if (n == OVERDUE_MAX)
        skt_loop_timer_set(t->conf.loop, timer, now);
}

int skt_taker_new(struct skt_taker **out, const struct skt_taker_conf *conf)
{
    struct skt_taker *t = calloc(1, sizeof *t);
    if (!t)
        return SKT_ERR_NOMEM;
    t->conf = *conf;
    for (int i = 0; i < SKT_TAKER_STATES; i++)
        skt_list_init(&t->conns[i]);
    skt_loop_timer_init(&t->timer, on_timer);
    int err = skt_taker_pairs_init(&t->pairs, conf->hash_key);
    if (!err)
        err = open_listeners(t);
    if (err) {
        skt_taker_free(t);
        return err;
    }
    skt_switch_set_taker(conf->sw, &(struct skt_switch_taker){take, is_inside, t});
    *out = t;
    return SKT_OK;
}

void skt_taker_free(struct skt_taker *t)
{
    if (!t)
        return;
    skt_switch_set_taker(t->conf.sw, NULL);
    for (size_t i = 0; i < 2; i++)
        skt_listener_close(&t->listeners[i].listener);
    for (int i = 0; i < SKT_TAKER_STATES; i++)
        while (!skt_list_empty(&t->conns[i]))
            skt_taker_conn_free(SKT_CONTAINER(t->conns[i].next, struct skt_taker_conn, link));
    skt_loop_timer_stop(t->conf.loop, &t->timer);
    skt_taker_pairs_dispose(&t->pairs);
    free(t);
}

void skt_taker_stats(const struct skt_taker *t, struct skt_taker_stats *out)
{
    *out = t->stats;
    out->open = t->pairs.count - t->counts[SKT_TAKER_GONE];
}
