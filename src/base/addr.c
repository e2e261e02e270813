/* SPDX-License-Identifier: MIT */
#include "base/addr.h"

#include "base/err.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

bool skt_addr_same_ip(const struct skt_addr *a, const struct skt_addr *b)
{
    return a->family == b->family && a->scope == b->scope && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

bool skt_addr_equal(const struct skt_addr *a, const struct skt_addr *b)
{
    return a->port == b->port && a->via == b->via && skt_addr_same_ip(a, b) &&
           memcmp(a->local, b->local, sizeof a->local) == 0;
}

const char *skt_addr_text(const struct skt_addr *a, char buf[SKT_ADDR_TEXT_MAX])
{
    char ip[INET6_ADDRSTRLEN];
    if (a->family == 4 && inet_ntop(AF_INET, a->ip, ip, sizeof ip))
        snprintf(buf, SKT_ADDR_TEXT_MAX, "%s:%u", ip, a->port);
    else if (a->family == 6 && inet_ntop(AF_INET6, a->ip, ip, sizeof ip))
        snprintf(buf, SKT_ADDR_TEXT_MAX, "[%s]:%u", ip, a->port);
    else
        snprintf(buf, SKT_ADDR_TEXT_MAX, "none");
    return buf;
}

int skt_addr_parse(struct skt_addr *a, const char *ip, uint16_t port)
{
    struct skt_addr parsed = {.port = port};
    if (inet_pton(AF_INET, ip, parsed.ip) == 1)
        parsed.family = 4;
    else if (inet_pton(AF_INET6, ip, parsed.ip) == 1)
        parsed.family = 6;
    else
        return SKT_ERR_ARG;
    *a = parsed;
    return SKT_OK;
}
