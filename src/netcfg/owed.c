/* SPDX-License-Identifier: MIT */
#include "netcfg/owed.h"

#include "netcfg/state.h"

#include <stdio.h>
#include <string.h>

enum {
    FIRST_MS = 100,    /* a queue of the kernel's or a look-up that was lost is there again by then */
    DOUBLINGS_MAX = 7, /* 12.8 s: who has no memory for longer is not helped by asking more often */
};

skt_us skt_netcfg_owed_pause(unsigned tries)
{
    return (skt_us)FIRST_MS * SKT_US_PER_MS << (tries < DOUBLINGS_MAX ? tries : DOUBLINGS_MAX);
}

/* Says that it is tried again, and sees to it. */
static void announce(struct skt_netcfg_helper *h)
{
    size_t len = strlen(h->text);
    snprintf(h->text + len, sizeof h->text - len, "; it is tried again");
    if (h->owed.due == SKT_NEVER)
        h->owed.due = skt_clock_now() + skt_netcfg_owed_pause(h->owed.tries);
}

int skt_netcfg_owed_note(struct skt_netcfg_helper *h, enum skt_netcfg_kind kind, int err)
{
    h->owed.is[kind] = err && h->passing;
    if (h->owed.is[kind])
        announce(h);
    return err;
}

static void drop_route(struct skt_netcfg_owed *o, const struct skt_ipnet *net)
{
    size_t kept = 0;
    for (size_t i = 0; i < o->route_count; i++)
        if (memcmp(&o->routes[i], net, sizeof *net) != 0)
            o->routes[kept++] = o->routes[i];
    o->route_count = kept;
}

int skt_netcfg_owed_note_route(struct skt_netcfg_helper *h, const struct skt_ipnet *net, int err)
{
    struct skt_netcfg_owed *o = &h->owed;
    drop_route(o, net);
    if (err && h->passing && o->route_count < SKT_JOURNAL_LINES_MAX) {
        o->routes[o->route_count++] = *net;
        announce(h);
    }
    return err;
}

void skt_netcfg_owed_forget(struct skt_netcfg_helper *h)
{
    h->owed = (struct skt_netcfg_owed){.due = SKT_NEVER};
}

static bool is_any(const struct skt_netcfg_owed *o)
{
    bool any = o->route_count > 0;
    for (int i = 0; i < SKT_NETCFG_KINDS; i++)
        any = any || o->is[i];
    return any;
}

void skt_netcfg_owed_tried(struct skt_netcfg_helper *h)
{
    struct skt_netcfg_owed *o = &h->owed;
    bool more = is_any(o);
    o->tries = more ? o->tries + 1 : 0;
    o->due = more ? skt_clock_now() + skt_netcfg_owed_pause(o->tries) : SKT_NEVER;
}

int skt_netcfg_owed_wait_ms(const struct skt_netcfg_helper *h)
{
    skt_us now = skt_clock_now(), due = h->owed.due;
    if (due == SKT_NEVER)
        return -1;
    return due <= now ? 0 : (int)((due - now + SKT_US_PER_MS - 1) / SKT_US_PER_MS);
}
