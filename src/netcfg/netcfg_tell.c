/* SPDX-License-Identifier: MIT */
/* What the helper is told before it begins (netcfg/options.h reads it). */
#include "base/err.h"
#include "netcfg/netcfg_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

struct telling {
    int fd;  /* the helper's end */
    int err; /* the first that could not be said; nothing is after it */
};

static void tell(struct telling *t, const char *verb, const char *value)
{
    char line[SKT_NETCFG_REQUEST_MAX];
    int len = snprintf(line, sizeof line, "%s%s%s\n", verb, value ? " " : "", value ? value : "");
    if (t->err)
        return;
    if (len < 0 || (size_t)len >= sizeof line || strchr(line, '\n') != line + len - 1)
        t->err = SKT_ERR_ARG;
    for (const char *at = line; !t->err && len > 0;) {
        ssize_t n = send(t->fd, at, (size_t)len, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR)
            t->err = SKT_ERR_IO;
        at += n > 0 ? n : 0;
        len -= n > 0 ? (int)n : 0;
    }
}

static void tell_nets(struct telling *t, const char *verb, const struct skt_ipnet *nets, size_t n)
{
    char text[SKT_IPNET_TEXT_MAX];
    for (size_t i = 0; i < n; i++)
        tell(t, verb, skt_ipnet_text(&nets[i], true, text));
}

static void tell_hosts(struct telling *t, const char *verb, const struct skt_addr *hosts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (hosts[i].family != 4 && hosts[i].family != 6)
            continue;
        struct skt_ipnet net = skt_ipnet_host(hosts[i].family, hosts[i].ip);
        tell_nets(t, verb, &net, 1);
    }
}

static void tell_limits(struct telling *t, const struct skt_netcfg_limits *limits)
{
    if (!limits) {
        tell(t, "may-anything", NULL);
        return;
    }
    if (limits->ifname)
        tell(t, "may-interface", limits->ifname);
    tell_nets(t, "may-route", limits->routes, limits->route_count);
    tell_hosts(t, "may-pin", limits->hosts, limits->host_count);
    tell_hosts(t, "may-dns", limits->dns, limits->dns_count);
    tell_nets(t, "may-nat-from", limits->nat_from, limits->nat_count);
    if (limits->any_host)
        tell(t, "may-pin-any", NULL);
    if (limits->nat)
        tell(t, "may-nat", NULL);
    for (size_t i = 0; i < limits->variable_count; i++)
        tell(t, "may-set", limits->variables[i]);
}

int skt_netcfg_tell_options(int fd, const struct skt_netcfg_options *options)
{
    struct telling t = {fd, SKT_OK};
    char limit[32];
    snprintf(limit, sizeof limit, "%ld", (long)(options->hook_limit_s * 1000));
    if (options->log_file)
        tell(&t, "log", options->log_file);
    tell(&t, "journal", options->journal);
    if (options->up)
        tell(&t, "up", options->up);
    if (options->down)
        tell(&t, "down", options->down);
    if (options->resolv_conf)
        tell(&t, "resolv-conf", options->resolv_conf);
    tell(&t, "limit-ms", limit);
    tell_nets(&t, "address", options->addresses, options->address_count);
    tell_nets(&t, "shut", options->shut, options->shut_count);
    tell_limits(&t, options->limits);
    tell(&t, "begin", NULL);
    return t.err;
}
