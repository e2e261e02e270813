/* SPDX-License-Identifier: MIT */
#include "netcfg/nat.h"

#include "base/err.h"
#include "netcfg/forward.h"
#include "netcfg/hook.h"
#include "netcfg/iptables.h"
#include "netcfg/nft.h"
#include "netcfg/rules.h"
#include "netcfg/say.h"
#include "netcfg/state.h"

#include <string.h>

int skt_netcfg_nat_set(struct skt_netcfg_helper *h, const struct skt_ipnet *from, size_t n)
{
    char text[SKT_HOOK_TEXT_MAX] = "";
    (void)skt_netcfg_undo_all(h, "nft ");
    (void)skt_netcfg_undo_all(h, "ip");
    if (n > SKT_NETCFG_FROM_MAX)
        return skt_netcfg_say(h, SKT_ERR_ARG, "NAT: more than %d networks", SKT_NETCFG_FROM_MAX);
    if (n > 0)
        memmove(h->nat.from, from, n * sizeof *from);
    h->nat.n = n;
    bool v4 = n == 0 || skt_netcfg_rules_have(from, n, 4), v6 = skt_netcfg_rules_have(from, n, 6);
    int err = skt_netcfg_forward_set(h, v4, v6);
    if (err)
        return err;
    err = skt_netcfg_nft_set(h, from, n, text);
    if (err == SKT_OK) {
        skt_netcfg_iptables_open_forward(h);
        return SKT_OK;
    }
    if (h->passing) /* nft itself works: it is tried again, and not iptables in its place */
        return skt_netcfg_say(h, err, "NAT: %s", text);
    if (!skt_hook_exists("iptables"))
        return skt_netcfg_say(h, err, "NAT needs nft or iptables: %s", text);
    err = v4 ? skt_netcfg_iptables_set(h, 4, from, n, text) : SKT_OK;
    if (!err && v6)
        err = skt_netcfg_iptables_set(h, 6, from, n, text);
    return err ? skt_netcfg_say_tool(h, err, "NAT", text) : SKT_OK;
}

int skt_netcfg_nat_again(struct skt_netcfg_helper *h)
{
    return skt_netcfg_nat_set(h, h->nat.from, h->nat.n);
}

int skt_netcfg_nat_restore(struct skt_netcfg_helper *h)
{
    for (size_t i = 0; i < h->journal.count; i++)
        if (skt_netcfg_nft_is_missing(h, h->journal.lines[i]) ||
            skt_netcfg_iptables_is_missing(h->journal.lines[i])) {
            int err = skt_netcfg_nat_again(h);
            return err ? err : 1;
        }
    return 0;
}
