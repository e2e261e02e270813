/* SPDX-License-Identifier: MIT */
/* The addresses and networks of the TUN modes, the interface's name and the programs that are run for it. */
#include "config/check_tun.h"

#include "base/addr.h"
#include "base/err.h"
#include "base/ipnet.h"
#include "config/problem.h"
#include "netcfg/limits.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Fails unless the text is a network (family 0: of either kind). */
static struct skt_ipnet check_net(struct config_reader *r, const char *text, int family, const char *expected)
{
    struct skt_ipnet net = {0};
    if (skt_ipnet_parse(&net, text) != SKT_OK || (family && net.family != family))
        skt_config_fail(r, "expected %s, got \"%.60s\"", expected, text);
    return net;
}

/* Of a network of hosts the first address and the last one are no host's. */
static bool is_host_in(const struct skt_ipnet *net, const uint8_t *ip)
{
    uint8_t broadcast[4];
    struct skt_ipnet masked = skt_ipnet_masked(net);
    if (!skt_ipnet_broadcast(net, broadcast))
        return true;
    return memcmp(masked.ip, ip, 4) != 0 && memcmp(broadcast, ip, 4) != 0;
}

static void check_address4(struct config_reader *r)
{
    const struct skt_config_mode_table *t = &r->conf->table;
    struct skt_ipnet net;
    if (!t->tun_ip || !t->tun_mask)
        return;
    if (skt_ipnet_parse_mask(&net, t->tun_ip, t->tun_mask) != SKT_OK) {
        skt_config_enter(r, ".tun_mask");
        skt_config_fail(r, "expected a mask like \"255.255.255.0\", got \"%.60s\"", t->tun_mask);
    }
    if (!is_host_in(&net, net.ip)) {
        skt_config_enter(r, ".tun_ip");
        skt_config_fail(r,
                        "expected the address of a host, got that of the network or its broadcast, \"%.60s\"",
                        t->tun_ip);
    }
}

void skt_config_check_tun(struct config_reader *r, void *arg)
{
    const struct skt_config_mode_table *t = &r->conf->table;
    (void)arg;
    check_address4(r);
    if (!t->tun_ip6)
        return;
    size_t mark = skt_config_enter(r, ".tun_ip6");
    if (check_net(r, t->tun_ip6, 6, "an IPv6 address with its prefix, \"fd00::2/64\"").prefix == 128)
        skt_config_fail(r, "expected an IPv6 address with its prefix, \"fd00::2/64\", got \"%.60s\"",
                        t->tun_ip6);
    skt_config_leave(r, mark);
    if (t->tun_mtu && t->tun_mtu < 1280) {
        skt_config_enter(r, ".tun_mtu");
        skt_config_fail(r, "expected 1280 or more with tun_ip6, got %lld", (long long)t->tun_mtu);
    }
}

/* --- lists: each item by itself --- */

struct item {
    const char *text;
    const char *list; /* "routes" */
    size_t index;     /* from 0 */
};

static void check_route(struct config_reader *r, void *arg)
{
    const struct item *item = arg;
    skt_config_enter(r, ".%s[%zu]", item->list, item->index + 1);
    check_net(r, item->text, 0, "a network like \"10.0.0.0/8\"");
}

static void check_resolver(struct config_reader *r, void *arg)
{
    const struct item *item = arg;
    struct skt_addr addr;
    skt_config_enter(r, ".%s[%zu]", item->list, item->index + 1);
    if (skt_addr_parse(&addr, item->text, 53) != SKT_OK)
        skt_config_fail(r, "expected an IPv4 or IPv6 address, got \"%.60s\"", item->text);
}

/* Where the ticket's address may be: in the server's network, not its own, nobody else's. */
static void check_ticket_address(struct config_reader *r, const struct skt_config_ticket *ticket)
{
    const struct skt_config_mode_table *t = &r->conf->table;
    struct skt_ipnet own, net = check_net(r, ticket->tun_ip, 4, "an IPv4 address");
    if (net.prefix != 32)
        skt_config_fail(r, "expected an IPv4 address, got \"%.60s\"", ticket->tun_ip);
    if (t->tun_ip && t->tun_mask && skt_ipnet_parse_mask(&own, t->tun_ip, t->tun_mask) == SKT_OK) {
        if (memcmp(own.ip, net.ip, 4) == 0)
            skt_config_fail(r, "expected a client's address, got the server's own, \"%.60s\"",
                            ticket->tun_ip);
        if (!skt_ipnet_has(&own, 4, net.ip) || !is_host_in(&own, net.ip))
            skt_config_fail(
                r, "expected an address of a host in the server's network (%s with %s), got \"%.60s\"",
                t->tun_ip, t->tun_mask, ticket->tun_ip);
    }
    for (const struct skt_config_ticket *other = t->tickets; other < ticket; other++) {
        struct skt_ipnet theirs;
        if (other->tun_ip && skt_ipnet_parse(&theirs, other->tun_ip) == SKT_OK &&
            memcmp(theirs.ip, net.ip, 4) == 0)
            skt_config_fail(r, "the ticket of %.40s has \"%.60s\" already", other->name ? other->name : "?",
                            ticket->tun_ip);
    }
}

/* One network inside another's is fine: the longer prefix counts. The same one can't be behind two clients.
 */
static void check_free(struct config_reader *r, const struct skt_config_ticket *ticket,
                       const struct skt_ipnet *net, const char *text)
{
    struct skt_ipnet ours = skt_ipnet_masked(net);
    for (const struct skt_config_ticket *other = r->conf->table.tickets; other < ticket; other++) {
        for (size_t i = 0; i < other->subnets.count; i++) {
            struct skt_ipnet theirs;
            if (skt_ipnet_parse(&theirs, other->subnets.items[i]) != SKT_OK)
                continue;
            theirs = skt_ipnet_masked(&theirs);
            if (theirs.family == ours.family && theirs.prefix == ours.prefix &&
                memcmp(theirs.ip, ours.ip, sizeof ours.ip) == 0)
                skt_config_fail(r, "the ticket of %.40s has \"%.60s\" already",
                                other->name ? other->name : "?", text);
        }
    }
}

static void check_ticket(struct config_reader *r, void *arg)
{
    const struct skt_config_ticket *ticket = arg;
    skt_config_enter(r, ".tickets[ticket of %.40s]", ticket->name ? ticket->name : "?");
    size_t mark = skt_config_enter(r, ".tun_ip");
    if (ticket->tun_ip)
        check_ticket_address(r, ticket);
    skt_config_leave(r, mark);
    for (size_t j = 0; j < ticket->subnets.count; j++) {
        mark = skt_config_enter(r, ".subnets[%zu]", j + 1);
        struct skt_ipnet net = check_net(r, ticket->subnets.items[j], 0, "a network like \"192.168.1.0/24\"");
        check_free(r, ticket, &net, ticket->subnets.items[j]);
        skt_config_leave(r, mark);
    }
}

static void check_kill_switch(struct config_reader *r, void *arg)
{
    const struct skt_config_mode_table *t = &r->conf->table;
    (void)arg;
    skt_config_enter(r, ".kill_switch");
#ifndef __linux__
    if (t->kill_switch)
        skt_config_fail(r, "expected none: it works on Linux only");
#endif
    if (t->kill_switch && t->routes.count == 0)
        skt_config_fail(r, "expected `routes` beside it: it holds shut what goes into the tunnel by them");
}

static void check_relay(struct config_reader *r, void *arg)
{
    (void)r;
    (void)arg;
#ifndef __linux__
    skt_config_enter(r, ".relay_tcp");
    if (r->conf->table.relay_tcp)
        skt_config_fail(r, "expected none: it works on Linux only");
#endif
}

void skt_config_check_nets(struct config_reader *r, void *arg)
{
    const struct skt_config_mode_table *t = &r->conf->table;
    (void)arg;
    for (size_t i = 0; i < t->routes.count; i++)
        (void)skt_config_try(r, check_route, &(struct item){t->routes.items[i], "routes", i});
    (void)skt_config_try(r, check_kill_switch, NULL);
    (void)skt_config_try(r, check_relay, NULL);
    for (size_t i = 0; i < t->dns.count; i++)
        (void)skt_config_try(r, check_resolver, &(struct item){t->dns.items[i], "dns", i});
    for (size_t i = 0; i < t->ticket_count; i++)
        (void)skt_config_try(r, check_ticket, &t->tickets[i]);
}

/* --- name and programs --- */

static void check_program(struct config_reader *r, const char *field, const char *path)
{
    struct stat st;
    if (!path)
        return;
    size_t mark = skt_config_enter(r, ".%s", field);
    if (path[0] != '/')
        skt_config_fail(r, "expected an absolute path, got \"%.200s\"", path);
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || !(st.st_mode & 0111))
        skt_config_fail(r, "expected a program that is there and may be run, got \"%.200s\"", path);
    skt_config_leave(r, mark);
}

static void check_down(struct config_reader *r, void *arg)
{
    (void)arg;
    check_program(r, "down", r->conf->table.down);
}

void skt_config_check_hooks(struct config_reader *r, void *arg)
{
    const struct skt_config_mode_table *t = &r->conf->table;
    const char *name = t->tun_name;
    (void)arg;
    (void)skt_config_try(r, check_down, NULL);
    check_program(r, "up", t->up);
    /* It becomes a word of commands, and part of the names of tables. */
    if (name && name[0] && !skt_netcfg_is_ifname(name)) {
        skt_config_enter(r, ".tun_name");
        skt_config_fail(
            r, "expected the name of an interface, up to 15 letters, digits and \"_-.@\", got \"%.60s\"",
            name);
    }
}
