/* SPDX-License-Identifier: MIT */
#include "netcfg/request.h"

#include "base/err.h"

#include <string.h>

static const char *const names[SKT_NETCFG_REQUESTS] = {
    [SKT_NETCFG_REQUEST_INTERFACE] = "interface",
    [SKT_NETCFG_REQUEST_MTU] = "mtu",
    [SKT_NETCFG_REQUEST_PIN] = "pin",
    [SKT_NETCFG_REQUEST_UNPIN] = "unpin",
    [SKT_NETCFG_REQUEST_ROUTE] = "route",
    [SKT_NETCFG_REQUEST_DNS] = "dns",
    [SKT_NETCFG_REQUEST_NAT] = "nat",
    [SKT_NETCFG_REQUEST_HOOK] = "hook",
    [SKT_NETCFG_REQUEST_UNDO] = "undo",
    [SKT_NETCFG_REQUEST_OPEN] = "open",
};

const char *skt_netcfg_request_name(enum skt_netcfg_request request)
{
    return names[request];
}

int skt_netcfg_request_find(const char *name)
{
    for (int i = 0; i < SKT_NETCFG_REQUESTS; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return SKT_ERR_NOTFOUND;
}
