/* SPDX-License-Identifier: MIT */
#include "base/reach.h"

#include "base/err.h"

#include <string.h>

enum { NET_TEXT_MAX = SKT_IPNET_TEXT_MAX, PORT_MAX = 65535 };

/* --- reading --- */

/* A port at *text, which moves behind it; 0: none. */
static unsigned take_port(const char **text)
{
    unsigned value = 0;
    const char *at = *text;
    for (; *at >= '0' && *at <= '9' && value <= PORT_MAX; at++)
        value = value * 10 + (unsigned)(*at - '0');
    bool good = at > *text && **text != '0' && value <= PORT_MAX;
    *text = at;
    return good ? value : 0;
}

/* "443", "80-90". */
static int parse_ports(struct skt_reach_rule *rule, const char *text)
{
    unsigned lo = take_port(&text), hi = lo;
    if (*text == '-') {
        text++;
        hi = take_port(&text);
    }
    if (*text || lo == 0 || hi < lo)
        return SKT_ERR_ARG;
    rule->port_lo = (uint16_t)lo;
    rule->port_hi = (uint16_t)hi;
    return SKT_OK;
}

/* Where the network ends: at the bracket, or at the only colon. NULL: it has no ports behind it. */
static const char *end_of_net(const char *text)
{
    if (*text == '[')
        return strchr(text, ']');
    const char *colon = strchr(text, ':');
    return colon && !strchr(colon + 1, ':') ? colon : NULL;
}

int skt_reach_parse(struct skt_reach_rule *rule, const char *text)
{
    struct skt_reach_rule result = {.port_lo = 1, .port_hi = PORT_MAX};
    char net[NET_TEXT_MAX];
    bool bracket = *text == '[';
    const char *end = end_of_net(text), *ports = NULL;
    if (bracket && !end)
        return SKT_ERR_ARG;
    const char *begin = text + bracket;
    size_t len = end ? (size_t)(end - begin) : strlen(begin);
    if (end) {
        ports = end + bracket;
        if (*ports != ':' && (!bracket || *ports))
            return SKT_ERR_ARG;
    }
    if (len >= sizeof net)
        return SKT_ERR_ARG;
    memcpy(net, begin, len);
    net[len] = '\0';
    int err = strcmp(net, "*") == 0 && !bracket ? SKT_OK : skt_ipnet_parse(&result.net, net);
    if (!err && ports && *ports)
        err = parse_ports(&result, ports + 1);
    if (!err)
        *rule = result;
    return err;
}

/* --- judging --- */

struct block {
    uint8_t family; /* 4 or 6 */
    uint8_t prefix; /* bits that count */
    uint8_t ip[16]; /* the first 4 of them for IPv4 */
};

static bool is_in(const struct block *list, size_t n, uint8_t family, const uint8_t *ip)
{
    for (size_t i = 0; i < n; i++) {
        struct skt_ipnet net = {.family = list[i].family, .prefix = list[i].prefix};
        memcpy(net.ip, list[i].ip, sizeof net.ip);
        if (skt_ipnet_has(&net, family, ip))
            return true;
    }
    return false;
}

/* Those of IANA's special-purpose registry that are not globally reachable, but for the networks of
 * documentation, which nobody has; groups; what is reserved. */
static const struct block local4[] = {
    {4, 8, {0}},                 /* this host */
    {4, 8, {10}},                /* private (RFC 1918) */
    {4, 10, {100, 64}},          /* shared by a provider's customers (RFC 6598) */
    {4, 8, {127}},               /* loopback */
    {4, 16, {169, 254}},         /* link-local: also where clouds keep their machines' secrets */
    {4, 12, {172, 16}},          /* private */
    {4, 24, {192, 0, 0}},        /* protocol assignments (RFC 6890) */
    {4, 16, {192, 168}},         /* private */
    {4, 15, {198, 18}},          /* benchmarks (RFC 2544) */
    {4, 3, {224}},               /* groups, reserved, broadcast */
    {4, 32, {168, 63, 129, 16}}, /* Azure's machines ask it for what only they may know */
};

/* Of IPv6 only 2000::/3 is given out; of that these are not hosts. */
static const struct block unicast6 = {6, 3, {0x20}};
static const struct block local6[] = {
    {6, 23, {0x20, 0x01}}, /* protocol assignments, Teredo among them */
};

/* Addresses that stand for one of IPv4: where that one begins in them. */
static const struct coat {
    struct block block; /* addresses that are of IPv6 outside */
    uint8_t at;         /* byte at which the one of IPv4 begins */
} coats[] = {
    {{6, 96, {[1] = 0x64, [2] = 0xff, [3] = 0x9b}}, 12}, /* 64:ff9b::/96, NAT64 (RFC 6052) */
    {{6, 16, {0x20, 0x02}}, 2},                          /* 2002::/16, 6to4 (RFC 3056) */
};

static bool is_mapped(const struct skt_addr *a)
{
    static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
    return a->family == 6 && memcmp(a->ip, prefix, sizeof prefix) == 0;
}

struct skt_addr skt_reach_plain(const struct skt_addr *addr)
{
    struct skt_addr plain = *addr;
    if (!is_mapped(addr))
        return plain;
    plain.family = 4;
    memset(plain.ip, 0, sizeof plain.ip);
    memcpy(plain.ip, addr->ip + 12, 4);
    return plain;
}

bool skt_reach_is_local(const struct skt_addr *addr)
{
    struct skt_addr a = skt_reach_plain(addr);
    if (a.family == 4)
        return is_in(local4, sizeof local4 / sizeof *local4, 4, a.ip);
    if (a.family != 6)
        return true;
    for (size_t i = 0; i < sizeof coats / sizeof *coats; i++)
        if (is_in(&coats[i].block, 1, 6, a.ip))
            return is_in(local4, sizeof local4 / sizeof *local4, 4, a.ip + coats[i].at);
    return !is_in(&unicast6, 1, 6, a.ip) || is_in(local6, sizeof local6 / sizeof *local6, 6, a.ip);
}

static bool names(const struct skt_reach_rules *rules, const struct skt_addr *a)
{
    for (size_t i = 0; i < rules->n; i++) {
        const struct skt_reach_rule *rule = &rules->at[i];
        if (a->port >= rule->port_lo && a->port <= rule->port_hi &&
            (rule->net.family == 0 || skt_ipnet_has(&rule->net, a->family, a->ip)))
            return true;
    }
    return false;
}

enum skt_reach_verdict skt_reach_judge(const struct skt_reach *r, const struct skt_addr *addr)
{
    struct skt_addr a = skt_reach_plain(addr);
    if (names(&r->deny, &a))
        return SKT_REACH_DENIED;
    if (names(&r->allow, &a))
        return SKT_REACH_NAMED;
    if (skt_reach_is_local(&a))
        return SKT_REACH_LOCAL;
    return r->any ? SKT_REACH_ANY : SKT_REACH_NOT_NAMED;
}

const char *skt_reach_words(enum skt_reach_verdict verdict)
{
    switch (verdict) {
    case SKT_REACH_NAMED:
    case SKT_REACH_ANY:
        break;
    case SKT_REACH_DENIED:
        return "`deny` names it";
    case SKT_REACH_LOCAL:
        return "it is a private or local address, and `allow` does not name it";
    case SKT_REACH_NOT_NAMED:
        return "`allow` does not name it";
    }
    return "it is allowed";
}
