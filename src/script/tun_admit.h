/* SPDX-License-Identifier: MIT */
/* Which address a client of a TUN gets, and its way to the switch. */
#ifndef SKT_SCRIPT_TUN_ADMIT_H
#define SKT_SCRIPT_TUN_ADMIT_H

#include "script/skcp.h"
#include "tunnel/endpoint.h"

/* The endpoint's check_attach. */
int skt_script_tun_check_attach(struct skt_script_skcp *k, const struct skt_attach_request *req, char *text);

/* The session that was just checked has got its cid; on_close. */
void skt_script_tun_on_accept(struct skt_script_skcp *k, uint32_t cid);
void skt_script_tun_on_close(struct skt_script_skcp *k, uint32_t cid);

/* Attaches a session to the switch; on a server with its addresses, which it takes over from older sessions
 * of its ticket. SKT_ERR_NOTFOUND, SKT_ERR_NOMEM; SKT_ERR_FULL: another ticket's session has one of them. */
int skt_script_tun_attach(struct skt_script_skcp *k, uint32_t cid);

#endif
