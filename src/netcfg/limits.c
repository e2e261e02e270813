/* SPDX-License-Identifier: MIT */
#include "netcfg/limits.h"

#include "base/err.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NETS_MAX = 16384, /* of a list; 64 of each of 256 tickets, say */
    MTU_MIN = 576,    /* that every IPv4 host takes (RFC 791) */
    MTU_MAX = 65535,  /* the length of an IP packet has 16 bits */
};

/* --- forms --- */

bool skt_netcfg_is_ifname(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len >= SKT_NETCFG_IFNAME_MAX || name[0] == '-' || name[0] == '.')
        return false;
    for (; *name; name++)
        if (!isalnum((unsigned char)*name) && !strchr("_-.@", *name))
            return false;
    return true;
}

bool skt_netcfg_is_name(const char *name, const char *prefix, const char *suffix)
{
    char middle[SKT_NETCFG_IFNAME_MAX];
    size_t len = strlen(name), before = strlen(prefix), after = strlen(suffix);
    if (len <= before + after || len - before - after >= sizeof middle ||
        strncmp(name, prefix, before) != 0 || strcmp(name + len - after, suffix) != 0)
        return false;
    memcpy(middle, name + before, len - before - after);
    middle[len - before - after] = '\0';
    return skt_netcfg_is_ifname(middle);
}

static bool is_digit(const char *text, char most)
{
    return text[0] >= '0' && text[0] <= most && text[1] == '\0';
}

bool skt_netcfg_is_switch(const char *name, const char *old, const char *value)
{
    bool known = strcmp(name, "net/ipv4/ip_forward") == 0 ||
                 strcmp(name, "net/ipv6/conf/all/forwarding") == 0 ||
                 (skt_netcfg_is_name(name, "net/ipv6/conf/", "/accept_ra") && !strstr(name, ".."));
    return known && is_digit(old, '2') && is_digit(value, '2');
}

size_t skt_netcfg_read_mtu(const char *text)
{
    size_t len = strlen(text);
    bool digits = len > 0 && len <= 5 && strspn(text, "0123456789") == len;
    unsigned long mtu = digits ? strtoul(text, NULL, 10) : 0;
    return mtu >= MTU_MIN && mtu <= MTU_MAX ? mtu : 0;
}

static bool is_ip(const char *text, uint8_t family)
{
    struct skt_ipnet net;
    return !strchr(text, '/') && skt_ipnet_parse(&net, text) == SKT_OK && net.family == family;
}

/* The closed list of variables. Of the MTU only the kind is known at the start. */
static bool is_variable(const char *variable, bool *is_fixed)
{
    static const struct {
        const char *name;
        uint8_t family; /* 0: an MTU */
    } kinds[] = {{"SKT_TUN_IP=", 4}, {"SKT_TUN_IP6=", 6}, {"SKT_TUN_MTU=", 0}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        size_t len = strlen(kinds[i].name);
        if (strncmp(variable, kinds[i].name, len) != 0)
            continue;
        *is_fixed = kinds[i].family != 0;
        return kinds[i].family ? is_ip(variable + len, kinds[i].family)
                               : skt_netcfg_read_mtu(variable + len) > 0;
    }
    return false;
}

/* --- what was said at the start --- */

int skt_netcfg_nets_add(struct skt_netcfg_nets *list, const char *text)
{
    struct skt_ipnet net;
    if (skt_ipnet_parse(&net, text))
        return SKT_ERR_ARG;
    if (list->n == NETS_MAX)
        return SKT_ERR_FULL;
    struct skt_ipnet *grown = realloc(list->at, (list->n + 1) * sizeof *grown);
    if (!grown)
        return SKT_ERR_NOMEM;
    list->at = grown;
    grown[list->n++] = skt_ipnet_masked(&net);
    return SKT_OK;
}

static int push_variable(struct skt_netcfg_may *may, const char *text)
{
    bool is_fixed;
    if (!is_variable(text, &is_fixed) || strlen(text) >= SKT_NETCFG_VARIABLE_MAX)
        return SKT_ERR_ARG;
    for (size_t i = 0; i < SKT_NETCFG_VARIABLES_MAX; i++)
        if (!may->variables[i][0]) {
            snprintf(may->variables[i], SKT_NETCFG_VARIABLE_MAX, "%s", text);
            return SKT_OK;
        }
    return SKT_ERR_FULL;
}

int skt_netcfg_may_add(struct skt_netcfg_may *may, const char *verb, const char *rest)
{
    if (strcmp(verb, "may-route") == 0)
        return skt_netcfg_nets_add(&may->routes, rest);
    if (strcmp(verb, "may-pin") == 0)
        return skt_netcfg_nets_add(&may->hosts, rest);
    if (strcmp(verb, "may-dns") == 0)
        return skt_netcfg_nets_add(&may->dns, rest);
    if (strcmp(verb, "may-nat-from") == 0)
        return skt_netcfg_nets_add(&may->from, rest);
    if (strcmp(verb, "may-set") == 0)
        return push_variable(may, rest);
    if (strcmp(verb, "may-interface") == 0) {
        snprintf(may->ifname, sizeof may->ifname, "%s", rest);
        return skt_netcfg_is_ifname(rest) ? SKT_OK : SKT_ERR_ARG;
    }
    bool *flag = strcmp(verb, "may-anything") == 0  ? &may->anything
                 : strcmp(verb, "may-pin-any") == 0 ? &may->any_host
                 : strcmp(verb, "may-nat") == 0     ? &may->nat
                                                    : NULL;
    if (!flag)
        return SKT_ERR_NOTFOUND;
    *flag = true;
    return SKT_OK;
}

void skt_netcfg_may_dispose(struct skt_netcfg_may *may)
{
    free(may->routes.at);
    free(may->hosts.at);
    free(may->dns.at);
    free(may->from.at);
    *may = (struct skt_netcfg_may){0};
}

/* --- judging --- */

static bool has(const struct skt_netcfg_nets *list, const struct skt_ipnet *net)
{
    struct skt_ipnet m = skt_ipnet_masked(net);
    for (size_t i = 0; i < list->n; i++)
        if (list->at[i].family == m.family && list->at[i].prefix == m.prefix &&
            memcmp(list->at[i].ip, m.ip, sizeof m.ip) == 0)
            return true;
    return false;
}

bool skt_netcfg_nets_have(const struct skt_netcfg_nets *list, const struct skt_ipnet *nets, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!has(list, &nets[i]))
            return false;
    return true;
}

bool skt_netcfg_may_set(const struct skt_netcfg_may *may, const char *variable)
{
    bool is_fixed;
    if (!is_variable(variable, &is_fixed))
        return false;
    if (may->anything || !is_fixed)
        return true;
    for (size_t i = 0; i < SKT_NETCFG_VARIABLES_MAX; i++)
        if (strcmp(may->variables[i], variable) == 0)
            return true;
    return false;
}
