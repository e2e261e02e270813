/* SPDX-License-Identifier: MIT */
/* The TUN of an instance: the interface, the switch between it and the sessions, and what it changes in the
 * system (routes, DNS, NAT). One for an app in a TUN mode. */
#ifndef SKT_SCRIPT_TUN_H
#define SKT_SCRIPT_TUN_H

#include "io/nameservers.h"
#include "io/tun.h"
#include "netcfg/netcfg.h"
#include "script/state.h"
#include "tunnel/switch.h"

/* What a client asks for in ATTACH, between its ticket's check and its session's first callback. */
struct skt_script_tun_wish {
    const struct skt_endpoint *ep;
    uint32_t cid; /* 0: not accepted yet */
    struct skt_ipnet ip4, ip6;
};

struct skt_script_tun_unit {
    struct skt_script *app;
    struct skt_tun *dev;
    struct skt_switch *sw;
    struct skt_netcfg *nc;               /* NULL: nothing to change */
    uint32_t number;                     /* the handle shown to scripts */
    struct skt_ipnet address4, address6; /* with their networks; family 0: none */
    struct skt_ipnet *routes;            /* client: those of the configuration, parsed */
    size_t route_count;                  /* of `routes` */
    size_t mtu;                          /* of the interface */
    bool server;
    bool configured; /* routes, dns, nat and up are in, or asked for */
    bool asking;     /* for what the configuration wants, from `step` on */
    size_t step, asked_routes;
    bool owes_pins, owes_around; /* could not be asked for yet */
    bool remaking, reopened;     /* the interface, which was lost; its descriptor is there */
    size_t owed_mtu;             /* that could not be set yet; 0: none */
    struct skt_loop_timer again; /* what could not be done at once is tried then */
    unsigned tries;              /* in a row */
    unsigned remakes;            /* of the interface since remakes_since */
    skt_us remakes_since;
    struct skt_script_tun_wish wish;
    struct skt_addr name_servers[SKT_NAMESERVERS_MAX]; /* kill_switch: those that have a way outside */
    size_t name_server_count;                          /* of name_servers */
    uint8_t extensions[SKT_ATTACH_EXTENSIONS_MAX];     /* client: for ATTACH */
    size_t extensions_len;
};

/* Opens and raises the interface of an app in a TUN mode (nothing in others). why: one line on failure. */
int skt_script_tun_unit_open(struct skt_script *app, char *why, size_t why_cap);

/* Undoes what was changed in the system; before the sessions close. */
void skt_script_tun_unit_undo(struct skt_script *app);

/* Ends the interface; after all endpoints have gone. */
void skt_script_tun_unit_close(struct skt_script *app);

/* Bits of enum skt_feature that the interface can serve. */
uint32_t skt_script_tun_unit_features(const struct skt_script *app);

/* skt.cb.on_tun_read came or went. */
void skt_script_tun_unit_watch_script(struct skt_script *app);

/* Client: a server's addresses stay outside the tunnel. */
void skt_script_tun_unit_pin(struct skt_script *app, const struct skt_addr *addrs, size_t n);

/* The endpoint's check_attach. */
int skt_script_tun_check_attach(struct skt_script_skcp *k, const struct skt_attach_request *req, char *text);

/* The session that was just checked has got its cid; on_close. */
void skt_script_tun_on_accept(struct skt_script_skcp *k, uint32_t cid);
void skt_script_tun_on_close(struct skt_script_skcp *k, uint32_t cid);

/* Attaches a session to the switch; on a server with its addresses, which it takes over from older sessions
 * of its ticket. SKT_ERR_NOTFOUND, SKT_ERR_NOMEM; SKT_ERR_FULL: another ticket's session has one of them. */
int skt_script_tun_attach(struct skt_script_skcp *k, uint32_t cid);

#endif
