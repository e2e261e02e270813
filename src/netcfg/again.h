/* SPDX-License-Identifier: MIT */
/* In the helper: what failed for a cause that passes (no memory, a full queue, a netlink answer that was
 * lost) is tried again with growing pauses, until it is done or no longer wanted. Who asked has been told of
 * the failure; that it is done then, or that it goes on, is said here. */
#ifndef SKT_NETCFG_AGAIN_H
#define SKT_NETCFG_AGAIN_H

#include "base/clock.h"
#include "base/ipnet.h"
#include "netcfg/journal.h"

#include <stdbool.h>
#include <stddef.h>

struct skt_netcfg_helper;

/* Room is there from the start: it is needed when there is no memory. Other arguments are where the last
 * request has left them (the helper's servers, pins, variables; the watch's networks of NAT). */
struct skt_netcfg_again {
    bool passing; /* since it was cleared: something failed for such a cause */
    struct skt_netcfg_owed {
        struct skt_ipnet net;
        bool add; /* else it is to be removed */
    } routes[SKT_JOURNAL_LINES_MAX];
    size_t route_count;
    size_t mtu; /* 0: not owed */
    bool dns, nat, forward4, forward6, up;
    bool pins, look; /* some of the pins; what is looked after */
    unsigned tries;  /* in a row that did not bring all */
    skt_us due;      /* the next one; SKT_NEVER: nothing is owed */
};

/* What a request was about. */
enum skt_netcfg_what {
    SKT_NETCFG_ROUTE,
    SKT_NETCFG_UNROUTE,
    SKT_NETCFG_PIN,
    SKT_NETCFG_DNS,
    SKT_NETCFG_NAT,
    SKT_NETCFG_FORWARD4,
    SKT_NETCFG_FORWARD6,
    SKT_NETCFG_MTU,
    SKT_NETCFG_UP,
    SKT_NETCFG_LOOK,
};

/* The end of an attempt: owed where it failed for a cause that passes (the answer's text then says so), else
 * no longer. net: of a route; mtu: of MTU. Returns err. Clear h->again.passing before the attempt. */
int skt_netcfg_again_note(struct skt_netcfg_helper *h, enum skt_netcfg_what what, int err,
                          const struct skt_ipnet *net, size_t mtu);

/* Is the way of a host that this network holds still owed? Its packets would go in circles. */
bool skt_netcfg_again_owes_pin(const struct skt_netcfg_helper *h, const struct skt_ipnet *net);

/* Nothing is wanted any more. */
void skt_netcfg_again_forget(struct skt_netcfg_helper *h);

/* How long serve may wait, in ms; -1: for ever. */
int skt_netcfg_again_wait_ms(const struct skt_netcfg_helper *h);

/* Tries what is owed where it is time to. */
void skt_netcfg_again_turn(struct skt_netcfg_helper *h);

/* Undoes lines as skt_netcfg_undo_all does, at once and where it failed for such a cause a few times more,
 * within 1.5 s. */
int skt_netcfg_again_undo(struct skt_netcfg_helper *h, const char *start);

#endif
