/* SPDX-License-Identifier: MIT */
/* In the helper, beneath the kinds of changes: the list of what failed for a cause that passes (no memory, a
 * full queue, a netlink answer that was lost), and is to be tried again (again.h). Who asked has been told
 * so. */
#ifndef SKT_NETCFG_OWED_H
#define SKT_NETCFG_OWED_H

#include "base/clock.h"
#include "base/ipnet.h"
#include "netcfg/journal.h"

#include <stdbool.h>
#include <stddef.h>

struct skt_netcfg_helper;

/* What may be owed beside routes, in the order in which it is tried. What it is about is where the last
 * request has left it, with the noun. */
enum skt_netcfg_kind {
    SKT_NETCFG_PINS, /* some of them */
    SKT_NETCFG_MTU,
    SKT_NETCFG_DNS,
    SKT_NETCFG_NAT,
    SKT_NETCFG_UP,   /* the script, which was not started */
    SKT_NETCFG_LOOK, /* some of what is looked after */
    SKT_NETCFG_KINDS,
};

/* Room is there from the start: it is needed when there is no memory. */
struct skt_netcfg_owed {
    bool is[SKT_NETCFG_KINDS];                      /* by kind: it is owed */
    struct skt_ipnet routes[SKT_JOURNAL_LINES_MAX]; /* networks that are to go through the tunnel */
    size_t route_count;                             /* of them */
    unsigned tries;                                 /* in a row that did not bring all */
    skt_us due;                                     /* the next try; SKT_NEVER: nothing is owed */
};

/* The end of an attempt: owed where it failed for a cause that passes (h->passing; the answer's text then
 * says so), else no longer. Returns err. */
int skt_netcfg_owed_note(struct skt_netcfg_helper *h, enum skt_netcfg_kind kind, int err);

/* The same of a network's route through the tunnel. */
int skt_netcfg_owed_note_route(struct skt_netcfg_helper *h, const struct skt_ipnet *net, int err);

/* Nothing is wanted any more. */
void skt_netcfg_owed_forget(struct skt_netcfg_helper *h);

/* How long to wait after so many tries in a row: 100 ms, doubled each time, at most 12.8 s. */
skt_us skt_netcfg_owed_pause(unsigned tries);

/* A try of all that is owed is over: says when the next one is due. */
void skt_netcfg_owed_tried(struct skt_netcfg_helper *h);

/* How long until the next try, in ms; -1: for ever. */
int skt_netcfg_owed_wait_ms(const struct skt_netcfg_helper *h);

#endif
