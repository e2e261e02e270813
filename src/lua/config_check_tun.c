/* SPDX-License-Identifier: MIT */
/* The addresses and networks of the TUN modes. */
#include "base/addr.h"
#include "base/err.h"
#include "base/ipnet.h"
#include "lua/config_check.h"

/* Fails unless the text is a network (family 0: of either kind). */
static struct skt_ipnet check_net(struct config_reader *r, const char *text, int family, const char *expected)
{
    struct skt_ipnet net = {0};
    if (skt_ipnet_parse(&net, text) != SKT_OK || (family && net.family != family))
        config_fail(r, "expected %s, got \"%.60s\"", expected, text);
    return net;
}

static void check_tun_address(struct config_reader *r)
{
    const struct skt_config_mode_table *t = &r->conf->table;
    struct skt_ipnet net;
    if (t->tun_ip && t->tun_mask && skt_ipnet_parse_mask(&net, t->tun_ip, t->tun_mask) != SKT_OK) {
        config_enter(r, ".tun_mask");
        config_fail(r, "expected a mask like \"255.255.255.0\", got \"%.60s\"", t->tun_mask);
    }
    if (!t->tun_ip6)
        return;
    size_t mark = config_enter(r, ".tun_ip6");
    net = check_net(r, t->tun_ip6, 6, "an IPv6 address with its prefix, \"fd00::2/64\"");
    if (net.prefix == 128)
        config_fail(r, "expected an IPv6 address with its prefix, \"fd00::2/64\", got \"%.60s\"", t->tun_ip6);
    if (t->tun_mtu && t->tun_mtu < 1280) {
        config_leave(r, mark);
        config_enter(r, ".tun_mtu");
        config_fail(r, "expected 1280 or more with tun_ip6, got %lld", (long long)t->tun_mtu);
    }
    config_leave(r, mark);
}

/* Networks and addresses of the TUN modes, so that nothing of them can fail later. */
static void check_nets(struct config_reader *r)
{
    const struct skt_config_mode_table *t = &r->conf->table;
    struct skt_addr addr;
    for (size_t i = 0; i < t->routes.count; i++) {
        size_t mark = config_enter(r, ".routes[%zu]", i + 1);
        check_net(r, t->routes.items[i], 0, "a network like \"10.0.0.0/8\"");
        config_leave(r, mark);
    }
    for (size_t i = 0; i < t->dns.count; i++) {
        size_t mark = config_enter(r, ".dns[%zu]", i + 1);
        if (skt_addr_parse(&addr, t->dns.items[i], 53) != SKT_OK)
            config_fail(r, "expected an IPv4 or IPv6 address, got \"%.60s\"", t->dns.items[i]);
        config_leave(r, mark);
    }
    for (size_t i = 0; i < t->ticket_count; i++) {
        const struct skt_config_ticket *ticket = &t->tickets[i];
        size_t mark = config_enter(r, ".tickets[ticket of %.40s]", ticket->name ? ticket->name : "?");
        size_t inner = config_enter(r, ".tun_ip");
        if (ticket->tun_ip && check_net(r, ticket->tun_ip, 4, "an IPv4 address").prefix != 32)
            config_fail(r, "expected an IPv4 address, got \"%.60s\"", ticket->tun_ip);
        config_leave(r, inner);
        for (size_t j = 0; j < ticket->subnets.count; j++) {
            inner = config_enter(r, ".subnets[%zu]", j + 1);
            check_net(r, ticket->subnets.items[j], 0, "a network like \"192.168.1.0/24\"");
            config_leave(r, inner);
        }
        config_leave(r, mark);
    }
}

void config_check_tun(struct config_reader *r)
{
    check_tun_address(r);
    check_nets(r);
}
