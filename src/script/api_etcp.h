/* SPDX-License-Identifier: MIT */
/* Listeners and connectors, which scripts make with skt.api.etcp_*. */
#ifndef SKT_SCRIPT_API_ETCP_H
#define SKT_SCRIPT_API_ETCP_H

#include "io/listener.h"
#include "script/state.h"

#include <stdbool.h>

/* An etcp server (a listener) or an etcp client (a connector). */
struct skt_script_etcp {
    struct skt_script_object base;
    struct skt_list link;
    struct skt_list tcps; /* struct skt_script_tcp */
    bool server;
    unsigned holds;               /* messages of its connections that wait for a session: none is accepted */
    struct skt_listener listener; /* a server's */
};

/* Accepts, or stops to, as the listener is held or not. */
void skt_script_etcp_watch(struct skt_script_etcp *e);

/* Accepts no more connections; those that there are go on. */
void skt_script_etcp_close_listeners(struct skt_script *app);

/* Frees all with their connections, without callbacks into the script. */
void skt_script_etcp_close_all(struct skt_script *app);

#endif
