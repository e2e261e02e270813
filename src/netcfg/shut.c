/* SPDX-License-Identifier: MIT */
#include "netcfg/shut.h"

#include "base/err.h"
#include "netcfg/route.h"
#include "netcfg/say.h"
#include "netcfg/state.h"

#include <stdio.h>
#include <string.h>

/* Worse than any route that is to be used: DHCP clients and network managers count in hundreds and thousands.
 */
enum { SHUT_METRIC = 4294 * 1000 };

static struct skt_net_route nowhere(const struct skt_ipnet *net)
{
    return (struct skt_net_route){.dst = skt_ipnet_masked(net), .metric = SHUT_METRIC, .nowhere = true};
}

static void shut_line(char line[SKT_JOURNAL_LINE_MAX], const struct skt_net_route *r)
{
    char dst[SKT_IPNET_TEXT_MAX];
    snprintf(line, SKT_JOURNAL_LINE_MAX, SKT_NETCFG_SHUT_LINE "%s", skt_ipnet_text(&r->dst, true, dst));
}

int skt_netcfg_shut_undo(struct skt_netcfg_helper *h, const char *rest)
{
    struct skt_ipnet net;
    if (skt_ipnet_parse(&net, rest))
        return SKT_OK;
    struct skt_net_route r = nowhere(&net);
    int err = skt_net_route_delete(&r);
    if (err == SKT_ERR_NOTFOUND)
        err = SKT_OK;
    return err ? skt_netcfg_say_errno(h, err, "opening %.60s", rest) : err;
}

/* Is it a route that h->shut asks for? */
static bool is_to_be_shut(const struct skt_netcfg_helper *h, const char *line)
{
    struct skt_ipnet nets[2];
    char wanted[SKT_JOURNAL_LINE_MAX];
    for (size_t i = 0; i < h->shut.n; i++) {
        size_t n = skt_netcfg_route_halves(nets, &h->shut.at[i]);
        for (size_t k = 0; k < n; k++) {
            struct skt_net_route r = nowhere(&nets[k]);
            shut_line(wanted, &r);
            if (strcmp(line, wanted) == 0)
                return true;
        }
    }
    return false;
}

static int shut_one(struct skt_netcfg_helper *h, const struct skt_ipnet *net)
{
    char line[SKT_JOURNAL_LINE_MAX];
    struct skt_net_route r = nowhere(net);
    shut_line(line, &r);
    int err = skt_journal_has(&h->journal, line) ? SKT_OK : skt_netcfg_record(h, "%s", line);
    if (err)
        return err;
    err = skt_net_route_add(&r);
    if (err == SKT_ERR_FULL)
        return SKT_OK;
    return err ? skt_netcfg_say_errno(h, err, "kill_switch: %.60s", line) : 1;
}

int skt_netcfg_shut_restore(struct skt_netcfg_helper *h)
{
    struct skt_ipnet nets[2];
    int err = 0;
    for (size_t i = 0; i < h->shut.n; i++) {
        size_t n = skt_netcfg_route_halves(nets, &h->shut.at[i]);
        for (size_t k = 0; k < n; k++) {
            int one = shut_one(h, &nets[k]);
            err = one && err >= 0 ? one : err;
        }
    }
    return err;
}

int skt_netcfg_shut_begin(struct skt_netcfg_helper *h)
{
    size_t start = strlen(SKT_NETCFG_SHUT_LINE);
    for (size_t i = h->journal.count; i-- > 0;) {
        char line[SKT_JOURNAL_LINE_MAX];
        snprintf(line, sizeof line, "%s", h->journal.lines[i]);
        if (strncmp(line, SKT_NETCFG_SHUT_LINE, start) != 0 || is_to_be_shut(h, line))
            continue;
        if (skt_netcfg_shut_undo(h, line + start) == SKT_OK)
            (void)skt_journal_remove(&h->journal, line);
    }
    int err = skt_netcfg_shut_restore(h);
    return err < 0 ? err : SKT_OK;
}
