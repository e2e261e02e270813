/* SPDX-License-Identifier: MIT */
#include "tunnel/endpoint_server.h"

#include "base/err.h"
#include "base/log.h"
#include "tunnel/endpoint_input.h"
#include "tunnel/endpoint_internal.h"
#include "tunnel/endpoint_keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FAMILIES = 2 }; /* IPv4 and IPv6 */

/* "*" and "::" are both families, on a socket each. */
static size_t bind_addresses(const char *text, struct skt_addr addrs[FAMILIES])
{
    static const char *const both[] = {"", "*", "::"};
    for (size_t i = 0; i < sizeof both / sizeof both[0]; i++) {
        if (strcmp(text, both[i]) != 0)
            continue;
        addrs[0] = (struct skt_addr){.family = 4};
        addrs[1] = (struct skt_addr){.family = 6};
        return 2;
    }
    return skt_addr_parse(&addrs[0], text, 0) == SKT_OK ? 1 : 0;
}

static bool is_any(const struct skt_addr *addr)
{
    static const uint8_t zero[16];
    return memcmp(addr->ip, zero, sizeof zero) == 0;
}

static int open_server_socket(struct skt_endpoint *ep, const struct skt_addr *addr)
{
    struct skt_udp **udp = &ep->udp.list[ep->udp.count];
    int err = skt_udp_open(udp, ep->loop, addr, skt_endpoint_on_batch, ep);
    if (err)
        return err;
    ep->udp.count++;
    if (is_any(addr) && skt_udp_track_local(*udp))
        skt_warn(
            "this system can't tell which address a client asked; answers leave from the one that routes "
            "choose");
    return SKT_OK;
}

/* What an errno of opening means where the system has only one family. */
static bool lacks_family(int error)
{
    return error == EAFNOSUPPORT || error == EPROTONOSUPPORT || error == EADDRNOTAVAIL;
}

static int open_server_sockets(struct skt_endpoint *ep)
{
    struct skt_addr addrs[FAMILIES];
    size_t families = bind_addresses(ep->place.address, addrs), opened = 0;
    size_t ports = (size_t)(ep->place.port_hi - ep->place.port_lo) + 1;
    if (families == 0 || ports * families > UINT16_MAX) /* skt_addr.via */
        return SKT_ERR_ARG;
    ep->udp.list = calloc(ports * families, sizeof(struct skt_udp *));
    if (!ep->udp.list)
        return SKT_ERR_NOMEM;
    for (size_t i = 0; i < families; i++) {
        for (size_t port = 0; port < ports; port++) {
            addrs[i].port = (uint16_t)(ep->place.port_lo + port);
            int err = open_server_socket(ep, &addrs[i]);
            if (err == SKT_ERR_IO && port == 0 && lacks_family(errno) && (opened > 0 || i + 1 < families))
                break;
            if (err)
                return err;
            opened++;
        }
    }
    return SKT_OK;
}

static void on_acceptor_timer(struct skt_loop_timer *t, skt_us now)
{
    struct skt_endpoint *ep = SKT_CONTAINER(t, struct skt_endpoint, serving.timer);
    skt_endpoint_keys_expire(ep, now);
    skt_loop_timer_set(ep->loop, t, skt_endpoint_keys_expiry(ep));
}

static const uint8_t *find_ticket(void *user, const uint8_t *id)
{
    struct skt_endpoint *ep = user;
    return ep->handler.find_ticket ? ep->handler.find_ticket(ep->user, ep, id) : NULL;
}

int skt_endpoint_server_init(struct skt_endpoint *ep, const struct skt_endpoint_conf *conf)
{
    skt_loop_timer_init(&ep->serving.timer, on_acceptor_timer);
    uint32_t first_cid; /* random, so that cids of a server's earlier life do not come again */
    int err = ep->ctx.crypto->random(&first_cid, sizeof first_cid);
    if (!err)
        err = open_server_sockets(ep);
    if (err)
        return err;
    skt_acceptor_init(&ep->serving.acceptor, &ep->ctx, NULL, NULL, first_cid, conf->tuning.sessions_max);
    err = skt_endpoint_keys_init(ep, conf);
    if (err)
        return err;
    ep->serving.acceptor.find_ticket = find_ticket;
    ep->serving.acceptor.find_user = ep;
    return SKT_OK;
}

void skt_endpoint_server_dispose(struct skt_endpoint *ep)
{
    if (!ep->serving.acceptor.ctx)
        return;
    skt_acceptor_dispose(&ep->serving.acceptor);
    skt_loop_timer_stop(ep->loop, &ep->serving.timer);
}
