/* SPDX-License-Identifier: MIT */
#include "script/source.h"

#include "script/state.h"

bool skt_script_deliver(struct skt_script *app, struct skt_script_source source, enum skt_script_callback cb,
                        const struct skt_script_call_arg *args, int count, lua_Integer *result)
{
    struct skt_script_source outer = app->source;
    app->source = source;
    bool ok = skt_script_call_callback(&app->lua, cb, args, count, result);
    app->source = outer;
    return ok;
}
