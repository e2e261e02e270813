/* SPDX-License-Identifier: MIT */
#include "config/metrics.h"

#include "base/err.h"
#include "config/problem.h"

#include <stdlib.h>
#include <string.h>

int skt_config_metrics_addr(const char *text, struct skt_addr *out)
{
    char host[SKT_ADDR_TEXT_MAX];
    const char *colon = strrchr(text, ':');
    size_t len = colon ? (size_t)(colon - text) : sizeof host;
    if (len >= sizeof host || strlen(colon + 1) > 5 || strspn(colon + 1, "0123456789") != strlen(colon + 1))
        return SKT_ERR_ARG;
    memcpy(host, text, len);
    host[len] = 0;
    bool brackets = len >= 2 && host[0] == '[' && host[len - 1] == ']';
    if (brackets) {
        memmove(host, host + 1, len);
        host[len - 2] = 0;
    }
    unsigned long port = strtoul(colon + 1, NULL, 10);
    if (port < 1 || port > 65535 || skt_addr_parse(out, len ? host : "127.0.0.1", (uint16_t)port) != SKT_OK)
        return SKT_ERR_ARG;
    return brackets == (out->family == 6) ? SKT_OK : SKT_ERR_ARG;
}

static bool is_loopback(const struct skt_addr *a)
{
    static const uint8_t one[16] = {[15] = 1};
    return a->family == 4 ? a->ip[0] == 127 : memcmp(a->ip, one, sizeof one) == 0;
}

void skt_config_check_metrics(struct config_reader *r, void *arg)
{
    const char *text = r->conf->metrics_addr;
    struct skt_addr addr;
    (void)arg;
    if (!text)
        return;
    skt_config_enter(r, "metrics_addr");
    if (skt_config_metrics_addr(text, &addr) != SKT_OK)
        skt_config_fail(
            r, "expected \":9100\" or \"ADDRESS:9100\" with an IPv4 or [IPv6] address, got \"%.60s\"", text);
    if (!is_loopback(&addr))
        skt_config_warn_here(r,
                             "whoever reaches %s reads who is connected from where, and how much is "
                             "carried: there is no password and no encryption",
                             text);
}
