/* SPDX-License-Identifier: MIT */
/* In the helper: what was set is looked after. Others take it away (`ip link set down`, a DHCP client that
 * flushes addresses and routes, `nft flush ruleset`, `sysctl --system`); it is put back soon, and said. Who
 * takes it away again and again is left alone with it for a while. */
#ifndef SKT_NETCFG_WATCH_H
#define SKT_NETCFG_WATCH_H

#include "base/clock.h"

#include <stdbool.h>
#include <stddef.h>

struct skt_netcfg_helper;

enum { SKT_NETCFG_WATCHED_MAX = 8 }; /* kinds of things that are looked after */

struct skt_netcfg_watch {
    int network;        /* tells of changed routes, addresses and links; -1: none */
    int rules;          /* tells of changed nftables; -1: none */
    int file;           /* tells of changes in the folder of the name server file; -1: none */
    bool rules_changed; /* since the last look, or nothing tells of it */
    skt_us due;         /* the next look; SKT_NEVER: none */
    struct skt_netcfg_fight {
        unsigned count;               /* times that it was put back since `since` */
        skt_us since;                 /* the first of these times */
        skt_us rest_until;            /* it is left alone till then */
    } fights[SKT_NETCFG_WATCHED_MAX]; /* by kind */
};

/* All is closed yet. */
void skt_netcfg_watch_init(struct skt_netcfg_helper *h);

void skt_netcfg_watch_open(struct skt_netcfg_helper *h);

/* Looks now. */
void skt_netcfg_watch_look(struct skt_netcfg_helper *h);

/* How long serve may wait for descriptors, in ms; -1: for ever. */
int skt_netcfg_watch_wait_ms(const struct skt_netcfg_helper *h);

/* A turn of serve: which descriptors had news. Looks where it is time to. */
void skt_netcfg_watch_turn(struct skt_netcfg_helper *h, bool network, bool rules, bool file);

#endif
