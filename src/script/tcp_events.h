/* SPDX-License-Identifier: MIT */
/* What happens to a script's TCP connection: its socket is ready, or nothing was for too long. */
#ifndef SKT_SCRIPT_TCP_EVENTS_H
#define SKT_SCRIPT_TCP_EVENTS_H

#include "script/tcp.h"

/* It is connected: the connection is its from now on, and its limits begin. */
void skt_script_tcp_up(struct skt_script_tcp *c, struct skt_tcp_conn *conn);

#endif
