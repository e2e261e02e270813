/* SPDX-License-Identifier: MIT */
/* In the helper: hosts that are kept outside the tunnel, each by a host route that follows the way its
 * packets take without the tunnel. */
#ifndef SKT_NETCFG_PINS_H
#define SKT_NETCFG_PINS_H

#include "base/ipnet.h"
#include "io/net.h"

#include <stdbool.h>
#include <stddef.h>

struct skt_netcfg_helper;

enum { SKT_NETCFG_PINS_MAX = 64 }; /* servers of all entries, with several addresses each, and name servers */

struct skt_netcfg_pin {
    struct skt_ipnet host;      /* what stays outside */
    bool set;                   /* by `route`, which is ours and in the journal */
    bool owed;                  /* its route is not as it should be, for a cause that passes */
    bool leaving;               /* unpinned, but its route could not be removed yet */
    struct skt_net_route route; /* where `set` */
};

struct skt_netcfg_pins {
    struct skt_netcfg_pin at[SKT_NETCFG_PINS_MAX]; /* in no order */
    size_t n;                                      /* of them */
};

/* Adds one, or lets it follow its way again; takes one out. An error has the text set; pins stay all the
 * same, and follow when the network changes. */
int skt_netcfg_pins_add(struct skt_netcfg_helper *h, const struct skt_ipnet *host);
int skt_netcfg_pins_remove(struct skt_netcfg_helper *h, const struct skt_ipnet *host);

/* The end of such an attempt, of one of them: others may be owed all the same. Returns err. */
int skt_netcfg_pins_note(struct skt_netcfg_helper *h, int err);

/* All follow their ways; the last error that passes. */
int skt_netcfg_pins_update(struct skt_netcfg_helper *h);

/* Is the way of a host that this network holds still owed? */
bool skt_netcfg_pins_wait_in(const struct skt_netcfg_helper *h, const struct skt_ipnet *net);

/* Forgets them all, without a change of routes: those are undone by the journal. */
void skt_netcfg_pins_forget(struct skt_netcfg_helper *h);

#endif
