/* SPDX-License-Identifier: MIT */
#include "netcfg/dns.h"

#include "base/err.h"
#include "io/net.h"
#include "netcfg/dns_file.h"
#include "netcfg/hook.h"
#include "netcfg/say.h"
#include "netcfg/state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TARGET_MAX = 256 }; /* of a link; those of resolved and resolvconf are short */

/* --- systemd-resolved --- */

static int run(const char *const *argv, const char *input, struct skt_netcfg_helper *h)
{
    char text[SKT_HOOK_TEXT_MAX];
    int err = skt_hook_run(&(struct skt_hook){.argv = argv, .input = input, .limit_s = SKT_HOOK_TOOL_LIMIT_S},
                           text);
    return err ? skt_netcfg_say_tool(h, err, "dns", text) : err;
}

int skt_netcfg_dns_resolved_undo(struct skt_netcfg_helper *h, const char *rest)
{
    char dev[16];
    if (sscanf(rest, "%15s", dev) != 1 || !skt_netcfg_is_ifname(dev) || skt_net_ifindex(dev) == 0)
        return SKT_OK; /* resolved has forgotten the servers with their interface */
    const char *argv[] = {"resolvectl", "revert", dev, NULL};
    return run(argv, NULL, h);
}

static int by_resolved(struct skt_netcfg_helper *h, const struct skt_ipnet *servers, size_t n)
{
    char ips[SKT_NETCFG_DNS_MAX][SKT_IPNET_TEXT_MAX];
    const char *dns[SKT_NETCFG_DNS_MAX + 4] = {"resolvectl", "dns", h->ifname};
    const char *domain[] = {"resolvectl", "domain", h->ifname, "~.", NULL};
    for (size_t i = 0; i < n; i++)
        dns[3 + i] = skt_ipnet_text(&servers[i], false, ips[i]);
    int err = skt_netcfg_record(h, "dns-resolved %s", h->ifname);
    if (!err)
        err = run(dns, NULL, h);
    return err ? err : run(domain, NULL, h); /* all names, before other interfaces' servers */
}

/* --- resolvconf --- */

int skt_netcfg_dns_resolvconf_undo(struct skt_netcfg_helper *h, const char *rest)
{
    char name[40];
    if (sscanf(rest, "%39s", name) != 1 || !skt_netcfg_is_name(name, "tun.", ".skcptun"))
        return SKT_OK; /* no line of ours */
    const char *argv[] = {"resolvconf", "-d", name, NULL};
    return run(argv, NULL, h);
}

static int by_resolvconf(struct skt_netcfg_helper *h, const struct skt_ipnet *servers, size_t n)
{
    char name[40], input[SKT_NETCFG_DNS_MAX * (SKT_IPNET_TEXT_MAX + 16)] = "", ip[SKT_IPNET_TEXT_MAX];
    size_t len = 0;
    snprintf(name, sizeof name, "tun.%s.skcptun",
             h->ifname); /* resolvconf asks servers of "tun*" first, as it comes */
    for (size_t i = 0; i < n; i++)
        len += (size_t)snprintf(input + len, sizeof input - len, "nameserver %s\n",
                                skt_ipnet_text(&servers[i], false, ip));
    const char *argv[] = {"resolvconf", "-a", name, NULL};
    int err = skt_netcfg_record(h, "dns-resolvconf %s", name);
    return err ? err : run(argv, input, h);
}

/* --- which of them --- */

enum owner { OWNER_NONE, OWNER_RESOLVED, OWNER_RESOLVCONF, OWNER_UNKNOWN };

/* Who writes the file is told by where it leads, or by its first line. OWNER_UNKNOWN with errno: it can't be
 * read now. */
static enum owner find_owner(const char *path)
{
    char target[TARGET_MAX] = "", start[128] = "";
    ssize_t n = readlink(path, target, sizeof target - 1);
    if (n > 0 && strstr(target, "systemd/resolve") && skt_hook_exists("resolvectl"))
        return OWNER_RESOLVED;
    char *text = skt_netcfg_dns_file_read(path);
    if (!text && skt_err_is_passing(errno))
        return OWNER_UNKNOWN;
    if (text)
        snprintf(start, sizeof start, "%s", text);
    free(text);
    bool resolvconf = (n > 0 && strstr(target, "resolvconf")) || strstr(start, "enerated by resolvconf");
    return resolvconf && skt_hook_exists("resolvconf") ? OWNER_RESOLVCONF : OWNER_NONE;
}

int skt_netcfg_dns_set(struct skt_netcfg_helper *h, const struct skt_ipnet *servers, size_t n)
{
    if (n > SKT_NETCFG_DNS_MAX)
        return skt_netcfg_say(h, SKT_ERR_ARG, "more than %d name servers", SKT_NETCFG_DNS_MAX);
    memmove(h->dns.servers, servers, n * sizeof *servers);
    h->dns.n = n;
    int err = skt_netcfg_undo_all(h, "dns-");
    if (err || n == 0)
        return err;
    switch (find_owner(h->dns.resolv_conf)) {
    case OWNER_RESOLVED:
        err = by_resolved(h, servers, n);
        break;
    case OWNER_UNKNOWN:
        return skt_netcfg_say_errno(h, SKT_ERR_IO, "%s", h->dns.resolv_conf);
    case OWNER_RESOLVCONF:
        err = by_resolvconf(h, servers, n);
        break;
    default:
        err = skt_netcfg_dns_file_set(h, servers, n);
        break;
    }
    if (err) {
        char why[SKT_NETCFG_TEXT_MAX];
        memcpy(why, h->text, sizeof why);
        (void)skt_netcfg_undo_all(h, "dns-");
        memcpy(h->text, why, sizeof why);
    }
    return err;
}

int skt_netcfg_dns_again(struct skt_netcfg_helper *h)
{
    return skt_netcfg_dns_set(h, h->dns.servers, h->dns.n);
}
