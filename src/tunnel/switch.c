/* SPDX-License-Identifier: MIT */
#include "tunnel/switch.h"

#include "base/err.h"
#include "tunnel/switch_forward.h"
#include "tunnel/switch_internal.h"
#include "tunnel/switch_port.h"

#include <stdlib.h>
#include <string.h>

#define MEMORY_DEFAULT ((size_t)16 * 1024 * 1024) /* four full queues, or many short ones */

enum { JOIN_OFFLOADS = SKT_TUN_CSUM | SKT_TUN_TSO }; /* what a TUN must take for packets that were joined */

static void on_packet(void *user, struct skt_tun_packet *p)
{
    skt_switch_from_device(user, p);
}

static void free_buffers(struct skt_switch *sw)
{
    free(sw->message);
    free(sw->piece);
    free(sw->joined);
}

int skt_switch_new(struct skt_switch **out, const struct skt_switch_conf *conf)
{
    struct skt_switch *sw = calloc(1, sizeof *sw);
    if (!sw)
        return SKT_ERR_NOMEM;
    sw->conf = *conf;
    if (sw->conf.memory == 0)
        sw->conf.memory = MEMORY_DEFAULT;
    skt_list_init(&sw->ports);
    skt_switch_routes_init(&sw->routes);
    sw->sources = (struct skt_switch_sources){.tun = skt_tun_name(conf->tun),
                                              .own = {conf->address4, conf->address6},
                                              .routes = conf->routes,
                                              .route_count = conf->route_count};
    sw->has_broadcast = conf->address4.family == 4 && skt_ipnet_broadcast(&conf->address4, sw->broadcast);
    sw->message = malloc(SKT_SWITCH_MESSAGE_MAX);
    sw->piece = malloc(conf->mtu);
    if ((skt_tun_offloads(conf->tun) & JOIN_OFFLOADS) == JOIN_OFFLOADS)
        sw->joined = malloc(SKT_JOIN_LEN_MAX); /* without memory each goes by itself */
    skt_join_init(&sw->join, sw->joined, skt_tun_offloads(conf->tun) & SKT_TUN_USO);
    if (!sw->message || !sw->piece) {
        free_buffers(sw);
        free(sw);
        return SKT_ERR_NOMEM;
    }
    skt_tun_set_reader(conf->tun, on_packet, sw);
    *out = sw;
    return SKT_OK;
}

static void add_stats(struct skt_aqm_stats *to, const struct skt_aqm_stats *from)
{
    to->dropped += from->dropped;
    to->marked += from->marked;
    to->overflow += from->overflow;
}

static void free_port(struct skt_switch_port *port)
{
    struct skt_switch *sw = port->sw;
    sw->stats.overflow += port->queue.packets;
    add_stats(&sw->ended, &port->queue.stats);
    skt_aqm_dispose(&port->queue);
    skt_switch_port_count(port);
    free(port->nets);
    free(port);
}

void skt_switch_drop_left(struct skt_switch *sw, skt_us older)
{
    if (!sw->left || skt_loop_now(sw->conf.loop) - sw->left_at < older)
        return;
    free_port(sw->left);
    sw->left = NULL;
}

/* What waits for the session in use is kept for the next one: it comes at once where the server was only
 * started again. */
static void end_port(struct skt_switch_port *port)
{
    struct skt_switch *sw = port->sw;
    bool used = sw->active == port;
    skt_endpoint_set_packets(port->ep, port->session, NULL);
    skt_switch_routes_remove(&sw->routes, port);
    skt_list_remove(&port->link);
    if (!used) {
        free_port(port);
        return;
    }
    skt_switch_drop_left(sw, 0);
    port->ep = NULL;
    port->session = NULL;
    sw->active = NULL;
    sw->left = port;
    sw->left_at = skt_loop_now(sw->conf.loop);
}

void skt_switch_free(struct skt_switch *sw)
{
    if (!sw)
        return;
    skt_tun_set_reader(sw->conf.tun, NULL, NULL);
    while (!skt_list_empty(&sw->ports))
        end_port(SKT_CONTAINER(sw->ports.next, struct skt_switch_port, link));
    skt_switch_drop_left(sw, 0);
    skt_switch_routes_dispose(&sw->routes);
    free_buffers(sw);
    free(sw);
}

void skt_switch_set_script(struct skt_switch *sw, skt_switch_script_fn fn, void *user)
{
    sw->script = fn;
    sw->script_user = user;
}

void skt_switch_set_taker(struct skt_switch *sw, const struct skt_switch_taker *taker)
{
    sw->taker = taker ? *taker : (struct skt_switch_taker){0};
}

bool skt_switch_active(const struct skt_switch *sw, struct skt_endpoint **ep, uint32_t *cid)
{
    if (!sw->active)
        return false;
    *ep = sw->active->ep;
    *cid = sw->active->cid;
    return true;
}

int skt_switch_write(struct skt_switch *sw, const uint8_t *packet, size_t len)
{
    struct skt_ippkt ip;
    if (skt_ippkt_parse(&ip, packet, len) != SKT_OK)
        return SKT_ERR_MALFORMED;
    struct iovec iov = {.iov_base = (void *)(uintptr_t)packet, .iov_len = len};
    struct skt_offload none = {.gso = SKT_GSO_NONE};
    int err = skt_tun_writev(sw->conf.tun, &none, &iov, 1);
    if (err == SKT_OK) {
        sw->stats.packets_out++;
        sw->stats.bytes_out += len;
    }
    return err;
}

/* --- sessions --- */

static struct skt_switch_port *port_of(const struct skt_switch *sw, const struct skt_endpoint *ep,
                                       uint32_t cid)
{
    for (struct skt_list *l = sw->ports.next; l != &sw->ports; l = l->next) {
        struct skt_switch_port *port = SKT_CONTAINER(l, struct skt_switch_port, link);
        if (port->ep == ep && port->cid == cid)
            return port;
    }
    return NULL;
}

int skt_switch_attach(struct skt_switch *sw, struct skt_endpoint *ep, uint32_t cid)
{
    struct skt_session *s = skt_endpoint_session(ep, cid);
    if (!s)
        return SKT_ERR_NOTFOUND;
    if (port_of(sw, ep, cid))
        return SKT_OK;
    struct skt_switch_port *port = calloc(1, sizeof *port);
    if (!port)
        return SKT_ERR_NOMEM;
    port->owner.pump = skt_switch_port_pump;
    port->sw = sw;
    port->ep = ep;
    port->session = s;
    port->cid = cid;
    port->mtu = sw->conf.mtu;
    skt_aqm_init(&port->queue, SKT_FLOWS_MAX, SKT_SWITCH_QUEUE_MAX);
    skt_list_append(&sw->ports, &port->link);
    skt_endpoint_set_packets(ep, s, &port->owner);
    return SKT_OK;
}

void skt_switch_detach(struct skt_switch *sw, struct skt_endpoint *ep, uint32_t cid)
{
    struct skt_switch_port *port = port_of(sw, ep, cid);
    if (port)
        end_port(port);
}

int skt_switch_add(struct skt_switch *sw, struct skt_endpoint *ep, uint32_t cid, const struct skt_ipnet *net)
{
    struct skt_switch_port *port = port_of(sw, ep, cid);
    if (!port)
        return SKT_ERR_NOTFOUND;
    if (skt_switch_routes_exact(&sw->routes, net) == port)
        return SKT_OK;
    void *nets = realloc(port->nets, (port->net_count + 1) * sizeof *port->nets);
    if (!nets)
        return SKT_ERR_NOMEM;
    port->nets = nets;
    int err = skt_switch_routes_add(&sw->routes, net, port);
    if (!err)
        port->nets[port->net_count++] = *net;
    return err;
}

int skt_switch_use(struct skt_switch *sw, struct skt_endpoint *ep, uint32_t cid)
{
    struct skt_switch_port *port = port_of(sw, ep, cid);
    if (!port)
        return SKT_ERR_NOTFOUND;
    skt_switch_drop_left(sw, SKT_SWITCH_LEFT_TIME);
    struct skt_switch_port *before = sw->active ? sw->active : sw->left;
    sw->active = port;
    if (before && before != port)
        skt_switch_port_move(before, port, skt_loop_now(sw->conf.loop));
    skt_switch_drop_left(sw, 0);
    skt_switch_port_tell_mtu(port);
    return SKT_OK;
}

bool skt_switch_owner(const struct skt_switch *sw, const struct skt_ipnet *net, struct skt_endpoint **ep,
                      uint32_t *cid)
{
    const struct skt_switch_port *port = skt_switch_routes_exact(&sw->routes, net);
    if (!port)
        return false;
    *ep = port->ep;
    *cid = port->cid;
    return true;
}

bool skt_switch_has(const struct skt_switch *sw, uint8_t family, const uint8_t *ip)
{
    return skt_switch_routes_find(&sw->routes, family, ip) != NULL;
}

/* --- for the status --- */

const struct skt_ipnet *skt_switch_net(const struct skt_switch *sw, const struct skt_endpoint *ep,
                                       uint32_t cid, size_t i)
{
    const struct skt_switch_port *port = port_of(sw, ep, cid);
    return port && i < port->net_count ? &port->nets[i] : NULL;
}

size_t skt_switch_mtu(const struct skt_switch *sw, const struct skt_endpoint *ep, uint32_t cid)
{
    const struct skt_switch_port *port = port_of(sw, ep, cid);
    return port ? port->mtu : 0;
}

bool skt_switch_queue(const struct skt_switch *sw, const struct skt_endpoint *ep, uint32_t cid,
                      struct skt_switch_queue *out)
{
    const struct skt_switch_port *port = port_of(sw, ep, cid);
    if (!port)
        return false;
    const struct skt_aqm *q = &port->queue;
    *out = (struct skt_switch_queue){q->bytes, q->packets, q->stats.dropped + q->stats.overflow,
                                     q->stats.marked};
    return true;
}

void skt_switch_stats(const struct skt_switch *sw, struct skt_switch_stats *out)
{
    struct skt_aqm_stats queues = sw->ended;
    for (struct skt_list *l = sw->ports.next; l != &sw->ports; l = l->next)
        add_stats(&queues, &SKT_CONTAINER(l, struct skt_switch_port, link)->queue.stats);
    if (sw->left)
        add_stats(&queues, &sw->left->queue.stats);
    *out = sw->stats;
    out->dropped = queues.dropped;
    out->marked = queues.marked;
    out->overflow += queues.overflow;
}

size_t skt_switch_waiting(const struct skt_switch *sw)
{
    return sw->waiting;
}
