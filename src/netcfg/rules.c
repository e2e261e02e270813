/* SPDX-License-Identifier: MIT */
#include "netcfg/rules.h"

#include "netcfg/limits.h"

#include <ctype.h>
#include <stdio.h>

void skt_netcfg_rules_name(char name[SKT_NETCFG_RULES_NAME_MAX], const char *ifname)
{
    snprintf(name, SKT_NETCFG_RULES_NAME_MAX, "skcptun_%.15s", ifname);
    for (char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '_' && *c != '-' && *c != '.')
            *c = '_';
}

bool skt_netcfg_rules_is_name(const char *name)
{
    return skt_netcfg_is_name(name, "skcptun_", "");
}

bool skt_netcfg_rules_have(const struct skt_ipnet *from, size_t n, uint8_t family)
{
    for (size_t i = 0; i < n; i++)
        if (from[i].family == family)
            return true;
    return false;
}
