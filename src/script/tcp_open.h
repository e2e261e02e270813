/* SPDX-License-Identifier: MIT */
/* How a script's TCP connection begins: a listener has accepted it, or the script makes it. */
#ifndef SKT_SCRIPT_TCP_OPEN_H
#define SKT_SCRIPT_TCP_OPEN_H

#include "script/tcp.h"

/* A connection that was accepted becomes the script's, which is told (on_tcp_accept); reset where there is no
 * memory. */
void skt_script_tcp_accept(struct skt_script_etcp *etcp, struct skt_tcp_conn *conn);

/* Begins to connect, without blocking; *out is a connection for the script at once, its socket comes later.
 * SKT_ERR_ARG (host), SKT_ERR_NOMEM, SKT_ERR_IO. */
int skt_script_tcp_dial(struct skt_script_etcp *etcp, const char *host, uint16_t port,
                        struct skt_script_tcp **out);

#endif
