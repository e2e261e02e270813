/* SPDX-License-Identifier: MIT */
/* An etcp server (a listener) or an etcp client (a connector), which scripts make with skt.api.etcp_*. */
#ifndef SKT_SCRIPT_ETCP_H
#define SKT_SCRIPT_ETCP_H

#include "base/addr.h"
#include "base/list.h"
#include "io/listener.h"
#include "script/handle.h"
#include "script/source.h"

#include <stdbool.h>

struct skt_script_etcp {
    struct skt_script_object base;   /* what its handle stands for */
    struct skt_list link;            /* in app->etcps */
    struct skt_list tcps;            /* struct skt_script_tcp: its connections that scripts know */
    struct skt_script_feeder feeder; /* a server's: while it is held none is accepted */
    struct skt_listener listener;    /* a server's */
    bool server;                     /* else a connector */
};

/* NULL: no memory. No handle yet. */
struct skt_script_etcp *skt_script_etcp_new(struct skt_script *app, bool server);

/* Listens, for a server that was just made. SKT_ERR_IO with errno, SKT_ERR_ARG. */
int skt_script_etcp_listen(struct skt_script_etcp *e, const struct skt_addr *at);

/* Resets its connections, without callbacks; its handle is stale afterwards. The structure lives on until the
 * app ends: its own callbacks may be running. */
void skt_script_etcp_end(struct skt_script_etcp *e);

/* Accepts no more connections; those that there are go on. */
void skt_script_etcp_close_listeners(struct skt_script *app);

/* Frees all with their connections, without callbacks into the script. */
void skt_script_etcp_close_all(struct skt_script *app);

#endif
