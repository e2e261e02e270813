/* SPDX-License-Identifier: MIT */
/* What the life of a connection (tcp.c) and its making (tcp_dial.c) share. */
#ifndef SKT_SCRIPT_TCP_INTERNAL_H
#define SKT_SCRIPT_TCP_INTERNAL_H

#include "script/tcp.h"

/* Stops to connect, where it does. */
void skt_script_tcp_drop_dial(struct skt_script_tcp *c);

/* Without a connection yet. NULL: no memory. */
struct skt_script_tcp *skt_script_tcp_new(struct skt_script_etcp *etcp);

/* It is connected: it has its connection from now on, and its limits begin. */
void skt_script_tcp_up(struct skt_script_tcp *c, struct skt_tcp_conn *conn);

/* Writes what is queued, as far as there is room. */
void skt_script_tcp_flush(struct skt_script_tcp *c);

/* It could not be made. */
void skt_script_tcp_fail(struct skt_script_tcp *c);

#endif
