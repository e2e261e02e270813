/* SPDX-License-Identifier: MIT */
#include "config/ports.h"

#include "config/problem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { RANGE_MAX = 256 }; /* ports of a range: a socket each */

/* Reads 1..65535 at *s and moves it on; 0: there is none. */
static unsigned long parse_port(const char **s)
{
    if (!isdigit((unsigned char)**s))
        return 0;
    char *end;
    unsigned long v = strtoul(*s, &end, 10);
    if (v > 65535 || end - *s > 5)
        return 0;
    *s = end;
    return v;
}

void skt_config_read_port_range(struct config_reader *r, const struct config_field *f, void *at)
{
    struct skt_config_ports *ports = at;
    static const char expected[] = "1..65535";
    int exact = 0;
    if (lua_type(r->L, -1) == LUA_TNUMBER) {
        lua_Integer v = lua_tointegerx(r->L, -1, &exact);
        if (!exact || v < 1 || v > 65535)
            skt_config_fail_got(r, f, expected);
        ports->lo = ports->hi = (uint16_t)v;
        return;
    }
    const char *s = lua_type(r->L, -1) == LUA_TSTRING ? lua_tostring(r->L, -1) : "";
    unsigned long lo = parse_port(&s), hi = lo;
    if (lo && *s == '-') {
        s++;
        hi = parse_port(&s);
    }
    if (!lo || !hi || *s)
        skt_config_fail_got(r, f, expected);
    if (hi < lo)
        skt_config_fail_got(r, f, "a range from the lower to the higher port");
    if (hi - lo >= RANGE_MAX)
        skt_config_fail_got(r, f, "a range of at most 256 ports");
    ports->lo = (uint16_t)lo;
    ports->hi = (uint16_t)hi;
}

void skt_config_parse_host_port(struct config_reader *r, const struct config_field *f, char **host,
                                uint16_t *port)
{
    static const char expected[] = "\"host:port\"";
    if (lua_type(r->L, -1) != LUA_TSTRING)
        skt_config_fail_got(r, f, expected);
    *host = skt_config_take_string(r, f);
    char *colon = strrchr(*host, ':');
    if (!colon || colon == *host)
        skt_config_fail_got(r, f, expected);
    const char *text = colon + 1;
    unsigned long v = parse_port(&text);
    if (!v || *text)
        skt_config_fail_got(r, f, expected);
    *port = (uint16_t)v;
    *colon = 0;
    size_t len = strlen(*host);
    if (**host == '[' && len > 2 && (*host)[len - 1] == ']') {
        (*host)[len - 1] = 0;
        memmove(*host, *host + 1, len - 1);
    } else if (strchr(*host, ':')) {
        skt_config_fail_got(r, f, "\"host:port\", an IPv6 address in [ ]");
    }
}
