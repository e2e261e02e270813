/* SPDX-License-Identifier: MIT */
#include "config/read_relay.h"

#include "base/err.h"
#include "config/problem.h"
#include "config/types.h"

#include <lua.h>
#include <stddef.h>

static void read_rules(struct config_reader *r, const struct config_field *f, void *at)
{
    struct skt_reach_rules *rules = at;
    skt_config_check_list(r, f, "a list of networks");
    for (lua_Integer i = 1; skt_config_list_item(r, i); i++) {
        struct config_field item = {.flags = 0};
        size_t mark = skt_config_enter(r, "[%lld]", (long long)i);
        struct skt_reach_rule *rule = skt_config_append(r, &rules->at, &rules->n, sizeof *rules->at);
        if (lua_type(r->L, -1) != LUA_TSTRING || skt_reach_parse(rule, lua_tostring(r->L, -1)) != SKT_OK)
            skt_config_fail_got(r, &item,
                                "a network, with ports if need be: \"10.0.0.0/8\", \"10.0.0.5:443\", "
                                "\"[fd00::/8]:80-90\", \"*:25\"");
        skt_config_leave(r, mark);
        lua_pop(r->L, 1);
    }
}

#define REACH(field)                                                                                         \
    offsetof(struct skt_config_relay, reach.field), sizeof(((struct skt_config_relay *)0)->reach.field)

static const struct config_field fields[] = {
    {"any", skt_config_read_bool, REACH(any), 0, 0, 0, 0, 0},
    {"allow", read_rules, REACH(allow), 0, 0, 0, 0, 0},
    {"deny", read_rules, REACH(deny), 0, 0, 0, 0, 0},
    {0},
};

void skt_config_read_relay(struct config_reader *r, const struct config_field *f, void *at)
{
    struct skt_config_relay *relay = at;
    int type = lua_type(r->L, -1);
    if (type != LUA_TTABLE && type != LUA_TBOOLEAN)
        skt_config_fail_got(r, f, "true, false, or { any =, allow = {...}, deny = {...} }");
    relay->set = true;
    relay->on = type == LUA_TTABLE || lua_toboolean(r->L, -1);
    relay->reach.any = relay->on;
    if (type == LUA_TTABLE)
        skt_config_read_table(r, fields, 0, relay, 0);
    if (relay->on && !relay->reach.any && relay->reach.allow.n == 0)
        skt_config_fail(r, "expected `allow` beside any = false: nothing could be reached");
}
