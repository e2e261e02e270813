/* SPDX-License-Identifier: MIT */
#include "netcfg/watch.h"

#include "base/err.h"
#include "base/log.h"
#include "io/net.h"
#include "netcfg/dns_file.h"
#include "netcfg/forward.h"
#include "netcfg/say.h"
#include "netcfg/shut.h"
#include "netcfg/state.h"
#include "netcfg/through.h"

#include <errno.h>

/* A change of the network comes in many pieces; a look at each would put back what is about to be replaced.
 */
#define SETTLE (300 * SKT_US_PER_MS)
/* What tells by no descriptor (iptables; whatever on macOS) is looked at this often. */
#define RARELY (30 * SKT_US_PER_SEC)
/* More than FIGHT_MAX times in FIGHT_TIME is no accident. */
#define FIGHT_TIME (60 * SKT_US_PER_SEC)
#define REST_TIME  (600 * SKT_US_PER_SEC)

enum { FIGHT_MAX = 5 };

static int put_nat(struct skt_netcfg_helper *h)
{
    return h->watch.rules_changed ? skt_netcfg_nat_restore(h) : 0;
}

/* What is looked after. put: 1: something was missing and is there again; 0: nothing was; negative: it can't
 * be put back. */
static const struct {
    const char *what;                        /* has happened, in words */
    int (*put)(struct skt_netcfg_helper *h); /* puts it back */
} kinds[] = {
    {"the interface was taken down", skt_netcfg_interface_restore_link},
    {"its address was removed", skt_netcfg_interface_restore_addresses},
    {"the route of its network was removed", skt_netcfg_interface_restore_networks},
    {"the routes that hold it shut were removed", skt_netcfg_shut_restore},
    {"routes were removed", skt_netcfg_through_restore},
    {"forwarding was switched off", skt_netcfg_forward_restore},
    {"the rules for NAT were removed", put_nat},
    {"the name servers were changed", skt_netcfg_dns_file_restore},
};

enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* Says what happened, and whether it will be put back the next time. */
static void note(struct skt_netcfg_helper *h, size_t kind, int result, skt_us now)
{
    struct skt_netcfg_fight *f = &h->watch.fights[kind];
    if (f->count == 0 || now - f->since > FIGHT_TIME) {
        f->since = now;
        f->count = 0;
    }
    f->count++;
    if (result < 0) {
        f->rest_until = now + REST_TIME;
        skt_error("%s: %s by somebody else, and it can't be put back%s%s", h->ifname, kinds[kind].what,
                  h->text[0] ? ": " : "", h->text);
    } else if (f->count > FIGHT_MAX) {
        f->rest_until = now + REST_TIME;
        skt_error("%s: %s by somebody else %u times within a minute; the next time it stays so, for 10 min",
                  h->ifname, kinds[kind].what, f->count);
    } else {
        skt_warn("%s: %s by somebody else; put back", h->ifname, kinds[kind].what);
    }
}

/* No fight: there was no memory for it, or the like. */
static int put_later(const struct skt_netcfg_helper *h, size_t kind, int result)
{
    SKT_LOG_LIMITED(SKT_LOG_STEADY, SKT_LOG_WARN, kind + 1, "%s: %s, maybe; it can't be put back yet: %s",
                    h->ifname, kinds[kind].what, h->text);
    return result;
}

static void check(struct skt_netcfg_helper *h, skt_us now)
{
    if (!h->ifname[0])
        return;
    int owed = SKT_OK;
    errno = 0;
    /* The main process makes it anew. */
    bool gone = skt_net_ifindex(h->ifname) == 0 && !skt_err_is_passing(errno);
    for (size_t i = 0; i < KINDS; i++) {
        if (now < h->watch.fights[i].rest_until || (gone && kinds[i].put != skt_netcfg_shut_restore))
            continue;
        skt_netcfg_say_nothing(h);
        int result = kinds[i].put(h);
        if (result < 0 && h->passing)
            owed = put_later(h, i, result);
        else if (result)
            note(h, i, result, now);
    }
    h->passing = owed != SKT_OK;
    (void)skt_netcfg_owed_note(h, SKT_NETCFG_LOOK, owed);
    h->watch.rules_changed = h->watch.rules_changed && owed;
    skt_netcfg_say_nothing(h);
    (void)skt_netcfg_owed_note(h, SKT_NETCFG_PINS, skt_netcfg_pins_update(h));
    h->text[0] = '\0';
}

void skt_netcfg_watch_look(struct skt_netcfg_helper *h)
{
    check(h, skt_clock_now());
}

/* --- when --- */

void skt_netcfg_watch_init(struct skt_netcfg_helper *h)
{
    h->watch = (struct skt_netcfg_watch){.network = -1, .rules = -1, .file = -1, .due = SKT_NEVER};
}

void skt_netcfg_watch_open(struct skt_netcfg_helper *h)
{
    h->watch.network = skt_net_monitor_open();
    h->watch.rules = skt_net_rules_monitor_open();
    h->watch.file = skt_net_file_monitor_open(h->dns.resolv_conf);
    h->watch.due = SKT_NEVER;
}

/* Was something set that no descriptor tells of when it changes? */
static bool needs_looking(const struct skt_netcfg_helper *h)
{
    return skt_journal_find(&h->journal, "iptables ") >= 0 ||
           skt_journal_find(&h->journal, "ip6tables ") >= 0 ||
           (h->watch.rules < 0 && skt_journal_find(&h->journal, "nft ") >= 0) ||
           (h->watch.file < 0 && skt_journal_find(&h->journal, "dns-file ") >= 0);
}

int skt_netcfg_watch_wait_ms(const struct skt_netcfg_helper *h)
{
    skt_us now = skt_clock_now(), at = h->watch.due;
    if (at == SKT_NEVER)
        return needs_looking(h) ? (int)(RARELY / SKT_US_PER_MS) : -1;
    return at <= now ? 0 : (int)((at - now + SKT_US_PER_MS - 1) / SKT_US_PER_MS);
}

void skt_netcfg_watch_turn(struct skt_netcfg_helper *h, bool network, bool rules, bool file)
{
    struct skt_netcfg_watch *w = &h->watch;
    skt_us now = skt_clock_now();
    bool none = !network && !rules && !file;
    if (network)
        skt_net_monitor_drain(h->watch.network);
    if (rules)
        skt_net_monitor_drain(w->rules);
    if (file)
        skt_net_monitor_drain(w->file);
    if (rules || (none && w->due == SKT_NEVER))
        w->rules_changed = true;
    if (!none && w->due == SKT_NEVER)
        w->due = now + SETTLE;
    if (now >= w->due || (none && w->due == SKT_NEVER)) {
        w->due = SKT_NEVER;
        check(h, now);
    }
}
