/* SPDX-License-Identifier: MIT */
/* What a tunnel changes in the system beside its interface: routes, DNS, NAT, hook scripts. All of it is done
 * by a helper process that keeps the privileges the main process had when it was started, in order, one
 * request after another; so nothing here blocks, and it works after the main process became another user.
 * Whatever others take away meanwhile is put back (netcfg/watch.h).
 * Whatever is done is written to a journal first and undone when asked, when the main process ends in
 * whatever way, and, should the helper have been killed too, at the next start with the same journal. */
#ifndef SKT_NETCFG_NETCFG_H
#define SKT_NETCFG_NETCFG_H

#include "base/addr.h"
#include "base/ipnet.h"
#include "io/loop.h"
#include "netcfg/request.h"

#include <stdbool.h>
#include <stddef.h>

struct skt_netcfg;

/* What the helper may be asked for later: what the configuration named at the start. It compares each
 * request with this and refuses the rest, since who asks may have been taken over meanwhile. Arrays may be
 * NULL where their count is 0; all is copied. */
struct skt_netcfg_limits {
    const char *ifname;               /* the tunnel's interface; NULL: any */
    const struct skt_ipnet *routes;   /* networks that may be sent through the tunnel */
    size_t route_count;               /* of routes */
    const struct skt_addr *hosts;     /* hosts that may be kept outside the tunnel */
    size_t host_count;                /* of hosts */
    bool any_host;                    /* whatever host may be kept outside: a server is given by its name */
    const struct skt_addr *dns;       /* name servers that may be set */
    size_t dns_count;                 /* of dns */
    bool nat;                         /* NAT and forwarding may be switched on */
    const struct skt_ipnet *nat_from; /* networks that may be hidden */
    size_t nat_count;                 /* of nat_from */
    const char *const *variables;     /* "SKT_TUN_IP=10.0.0.1", "SKT_TUN_IP6=...": what scripts get */
    size_t variable_count;            /* of variables */
};

struct skt_netcfg_options {
    const char *journal;     /* path of the journal, "/run/skcptun/NAME.tun"; its folder is made if missing */
    const char *up;          /* hook script, or NULL; no other program can be asked for later */
    const char *down;        /* the same for the end */
    const char *log_file;    /* where the helper's own log goes; NULL: stderr */
    double hook_limit_s;     /* a script is ended after that; 0: 10 s */
    const char *resolv_conf; /* NULL: /etc/resolv.conf (for tests) */
    const struct skt_ipnet
        *addresses;               /* of the interface, IPv4 and IPv6, put back where others remove them */
    size_t address_count;         /* of addresses */
    const struct skt_ipnet *shut; /* networks that go into the tunnel or nowhere, see skt_netcfg_open */
    size_t shut_count;            /* of shut */
    const struct skt_netcfg_limits *limits; /* NULL: whatever is well-formed (for tests) */
};

/* The end of a request. err: SKT_OK or SKT_ERR_*; text: one line for people where it failed, or a remark
 * (""); gone after the call. */
typedef void (*skt_netcfg_done)(void *user, int err, const char *text);

/* Starts the helper, while the process still has its privileges and before it has threads. First undoes what
 * an earlier run left (waits up to 5 s for that run's helper). why: one line on failure. SKT_ERR_FULL:
 * another instance uses the journal; SKT_ERR_IO, SKT_ERR_NOMEM. */
int skt_netcfg_new(struct skt_netcfg **out, struct skt_loop *loop, const struct skt_netcfg_options *options,
                   char *why, size_t why_cap);

/* The end that follows is an orderly one: what `shut` holds is opened with the rest. Without this it stays,
 * until a start with the same journal, so that nothing leaves in the clear meanwhile. */
void skt_netcfg_open(struct skt_netcfg *nc);

/* Undoes everything, runs `down` if `up` was run, and ends the helper; waits until it has, but no longer than
 * 5 s (it goes on by itself then). Requests under way are not answered. Close the TUN after this: routes and
 * DNS then are gone before the interface. NULL is allowed. */
void skt_netcfg_free(struct skt_netcfg *nc);

/* --- requests: answered once each by `done` (may be NULL), in order, from the loop. SKT_ERR_NOMEM,
 * SKT_ERR_FULL (many wait for their answers): to be asked again a little later; SKT_ERR_CLOSED (the helper is
 * gone), SKT_ERR_ARG. All: not sent, `done` is not called.
 * What failed for a cause that passes is tried again by the helper (netcfg/owed.h), and its text says so.
 * --- */

/* Names the interface that all else is about; first of all. */
int skt_netcfg_interface(struct skt_netcfg *nc, const char *name, skt_netcfg_done done, void *user);

/* Sets the interface's MTU. */
int skt_netcfg_mtu(struct skt_netcfg *nc, size_t mtu, skt_netcfg_done done, void *user);

/* Keeps a host's packets outside the tunnel: a host route as its packets go without the tunnel's routes.
 * Follows that route when the network changes. The servers' addresses go first, then the routes. */
int skt_netcfg_pin(struct skt_netcfg *nc, const struct skt_addr *host, skt_netcfg_done done, void *user);
int skt_netcfg_unpin(struct skt_netcfg *nc, const struct skt_addr *host, skt_netcfg_done done, void *user);

/* Sends a network through the tunnel. 0.0.0.0/0 and ::/0 become two halves each, so that the default route
 * itself stays. */
int skt_netcfg_route(struct skt_netcfg *nc, const struct skt_ipnet *net, skt_netcfg_done done, void *user);

/* Makes these the system's name servers; n = 0 puts back what was before. */
int skt_netcfg_dns(struct skt_netcfg *nc, const struct skt_addr *servers, size_t n, skt_netcfg_done done,
                   void *user);

/* Forwarding on, and masquerade. from: networks whose packets are hidden behind this machine's address where
 * they leave by another interface than the tunnel (a server's NAT). n = 0: all that leaves through the tunnel
 * is hidden behind the tunnel's address (a client's NAT). Done again it replaces what was. */
int skt_netcfg_nat(struct skt_netcfg *nc, const struct skt_ipnet *from, size_t n, skt_netcfg_done done,
                   void *user);

/* Runs the hook script `up` (or `down`) with these variables: SKT_TUN_IP, SKT_TUN_IP6, SKT_TUN_MTU and no
 * others (SKT_TUN is set to the interface's name, SKT_EVENT to "up" or "down"). `down` gets those of the last
 * `up` and runs by itself at the end, if it was not run since. Each of them waits for the other: a second
 * `up` is refused, a second `down` does nothing. Without such a script it is answered at once. */
int skt_netcfg_hook(struct skt_netcfg *nc, bool up, const char *const *variables, size_t n,
                    skt_netcfg_done done, void *user);

/* Undoes routes, pins, DNS, NAT and forwarding; the helper stays. */
int skt_netcfg_undo(struct skt_netcfg *nc, skt_netcfg_done done, void *user);

#endif
