/* SPDX-License-Identifier: MIT */
/* In the helper: its state, a struct for each noun that keeps something, declared where that noun is. Every
 * function of the helper is handed the whole, and changes its own part; others' it reads by their functions.
 */
#ifndef SKT_NETCFG_STATE_H
#define SKT_NETCFG_STATE_H

#include "netcfg/dns.h"
#include "netcfg/interface.h"
#include "netcfg/journal.h"
#include "netcfg/limits.h"
#include "netcfg/nat.h"
#include "netcfg/owed.h"
#include "netcfg/pins.h"
#include "netcfg/request.h"
#include "netcfg/script.h"
#include "netcfg/undo.h"
#include "netcfg/watch.h"

#include <stdbool.h>

struct skt_netcfg_helper {
    int fd;                             /* to the main process */
    char ifname[SKT_NETCFG_IFNAME_MAX]; /* of the tunnel; "" until it was named */
    char text[SKT_NETCFG_TEXT_MAX];     /* what goes with the answer (say.h) */
    bool passing;               /* something failed for a cause that passes, since this was cleared (say.h) */
    struct skt_journal journal; /* what was changed and stands */
    const struct skt_netcfg_undoer *undoers; /* how each kind of line of the journal is undone (undo.h) */
    const char *keep; /* lines of the journal that begin so stay, whoever undoes all; NULL: none do */
    struct skt_netcfg_may may;             /* what it may be asked for */
    struct skt_netcfg_owed owed;           /* what is to be tried again */
    struct skt_netcfg_interface interface; /* the tunnel's own */
    struct skt_netcfg_nets shut;           /* networks that go into the tunnel or nowhere (shut.h) */
    struct skt_netcfg_pins pins;           /* hosts outside the tunnel */
    struct skt_netcfg_dns dns;             /* name servers */
    struct skt_netcfg_nat nat;             /* what is hidden */
    struct skt_netcfg_scripts scripts;     /* up and down */
    struct skt_netcfg_watch watch;         /* looks after what was set */
};

#endif
