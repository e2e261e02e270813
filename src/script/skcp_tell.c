/* SPDX-License-Identifier: MIT */
#include "script/skcp_tell.h"

bool skt_script_skcp_deliver(struct skt_script_skcp *k, struct skt_script_source source,
                             enum skt_script_callback cb, const struct skt_script_call_arg *args, int count,
                             lua_Integer *result)
{
    k->depth++;
    bool ok = skt_script_deliver(k->base.app, source, cb, args, count, result);
    k->depth--;
    return ok;
}

void skt_script_skcp_tell(struct skt_script_skcp *k, enum skt_script_callback cb, uint32_t cid)
{
    struct skt_script_call_arg args[] = {skt_arg_handle(k), skt_arg_integer(cid)};
    struct skt_script_source source = {.kind = cb == SKT_CB_SKCP_ROOM ? SKT_SOURCE_NONE : SKT_SOURCE_EVENT};
    skt_script_skcp_deliver(k, source, cb, args, 2, NULL);
}

void skt_script_skcp_tell_close(struct skt_script_skcp *k, uint32_t cid)
{
    uint32_t outer = k->closing_cid;
    k->closing_cid = cid;
    skt_script_skcp_tell(k, SKT_CB_SKCP_CLOSE, cid);
    k->closing_cid = outer;
}
