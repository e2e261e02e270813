/* SPDX-License-Identifier: MIT */
/* Tells the script what has happened to a session. */
#ifndef SKT_SCRIPT_SKCP_TELL_H
#define SKT_SCRIPT_SKCP_TELL_H

#include "script/skcp.h"
#include "script/source.h"

/* skt_script_deliver for a handler of the endpoint, which is not freed meanwhile. */
bool skt_script_skcp_deliver(struct skt_script_skcp *k, struct skt_script_source source,
                             enum skt_script_callback cb, const struct skt_script_call_arg *args, int count,
                             lua_Integer *result);

/* Calls a callback that has the endpoint and the cid as its arguments. */
void skt_script_skcp_tell(struct skt_script_skcp *k, enum skt_script_callback cb, uint32_t cid);

/* Calls on_skcp_close; while it runs the session can still be used. */
void skt_script_skcp_tell_close(struct skt_script_skcp *k, uint32_t cid);

#endif
