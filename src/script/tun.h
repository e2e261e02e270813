/* SPDX-License-Identifier: MIT */
/* The TUN of an instance: the interface, the switch between it and the sessions, and what it changes in the
 * system (routes, DNS, NAT). One for an app in a TUN mode. Here is what it is, and its life; the rest is in
 * tun_*.h. */
#ifndef SKT_SCRIPT_TUN_H
#define SKT_SCRIPT_TUN_H

#include "io/loop.h"
#include "io/nameservers.h"
#include "io/tun.h"
#include "netcfg/netcfg.h"
#include "proto/wire.h"
#include "tunnel/endpoint.h"
#include "tunnel/switch.h"
#include "tunnel/taker.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct skt_script;

/* What a client asks for in ATTACH, between its ticket's check and its session's first callback
 * (tun_admit.h). */
struct skt_script_tun_wish {
    const struct skt_endpoint *ep; /* where it asks */
    uint32_t cid;                  /* its session; 0: not accepted yet */
    struct skt_ipnet ip4;          /* its address; family 0: none */
    struct skt_ipnet ip6;          /* its address; family 0: none */
};

/* What the configuration changes in the system (tun_system.h). */
struct skt_script_tun_setup {
    bool configured;     /* routes, dns, nat and up are in, or asked for */
    bool asking;         /* for what the configuration wants, from `step` on */
    size_t step;         /* the next one of those in tun_system.c */
    size_t asked_routes; /* routes that were asked for in this round */
    bool owes_pins;      /* the servers' routes could not be asked for yet */
    bool owes_around;    /* the name servers' routes could not be asked for yet */
};

/* With kill_switch: name servers outside of the tunnel. */
struct skt_script_tun_around {
    struct skt_addr servers[SKT_NAMESERVERS_MAX]; /* those that have a way past the tunnel */
    size_t count;                                 /* of `servers` */
};

/* The interface was lost (tun_remake.h). */
struct skt_script_tun_remakes {
    bool under_way; /* it is to be made anew */
    bool reopened;  /* its descriptor is there again, and it is to be raised */
    unsigned count; /* of those since `since` */
    skt_us since;   /* the first of these */
};

/* What could not be done at once (tun_owed.h). */
struct skt_script_tun_owed {
    struct skt_loop_timer timer; /* it is tried again */
    unsigned tries;              /* in a row */
    size_t mtu;                  /* that could not be set yet; 0: none */
};

struct skt_script_tun_unit {
    struct skt_script *app;                        /* whose it is */
    struct skt_tun *dev;                           /* the interface */
    struct skt_switch *sw;                         /* NULL until all of it is open */
    struct skt_taker *taker;                       /* client: of relay_tcp; NULL: none */
    struct skt_netcfg *nc;                         /* NULL: nothing to change */
    uint32_t number;                               /* the handle shown to scripts */
    bool server;                                   /* mode tun_server */
    struct skt_ipnet address4;                     /* with its network; family 0: none */
    struct skt_ipnet address6;                     /* with its network; family 0: none */
    struct skt_ipnet *routes;                      /* client: those of the configuration, parsed */
    size_t route_count;                            /* of `routes` */
    size_t mtu;                                    /* of the interface */
    struct skt_script_tun_setup setup;             /* what is changed in the system */
    struct skt_script_tun_around around;           /* name servers outside of the tunnel */
    struct skt_script_tun_remakes remake;          /* after it was lost */
    struct skt_script_tun_owed owed;               /* what could not be done at once */
    struct skt_script_tun_wish wish;               /* of the client that is being let in */
    uint8_t extensions[SKT_ATTACH_EXTENSIONS_MAX]; /* client: what it asks for in ATTACH */
    size_t extensions_len;                         /* of `extensions` */
};

/* Opens and raises the interface of an app in a TUN mode (nothing in others). why: one line on failure. */
int skt_script_tun_unit_open(struct skt_script *app, char *why, size_t why_cap);

/* Undoes what was changed in the system; before the sessions close. */
void skt_script_tun_unit_undo(struct skt_script *app);

/* Ends the interface; after all endpoints have gone. */
void skt_script_tun_unit_close(struct skt_script *app);

/* Bits of enum skt_feature that the interface can serve. */
uint32_t skt_script_tun_unit_features(const struct skt_script *app);

#endif
