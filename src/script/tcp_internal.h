/* SPDX-License-Identifier: MIT */
/* What the life of a connection (tcp.c) and its making (tcp_dial.c) share. */
#ifndef SKT_SCRIPT_TCP_INTERNAL_H
#define SKT_SCRIPT_TCP_INTERNAL_H

#include "script/tcp.h"

/* Stops to connect, where it does. */
void skt_script_tcp_drop_dial(struct skt_script_tcp *c);

/* A descriptor of -1: none yet. NULL: no memory. */
struct skt_script_tcp *skt_script_tcp_new(struct skt_script_etcp *etcp, int fd,
                                          enum skt_script_tcp_phase phase);
void skt_script_tcp_attach(struct skt_script_tcp *c, int fd);
void skt_script_tcp_up(struct skt_script_tcp *c); /* it is connected: its limits begin */
void skt_script_tcp_flush(struct skt_script_tcp *c);
void skt_script_tcp_fail(struct skt_script_tcp *c);

#endif
