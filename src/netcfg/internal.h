/* SPDX-License-Identifier: MIT */
/* The helper process of netcfg/netcfg.h: its state, and the kinds of changes. What a change made is one line
 * of the journal; undoing is always reading such a line, whoever wrote it. */
#ifndef SKT_NETCFG_INTERNAL_H
#define SKT_NETCFG_INTERNAL_H

#include "io/net.h"
#include "netcfg/again.h"
#include "netcfg/journal.h"
#include "netcfg/limits.h"
#include "netcfg/netcfg.h"
#include "netcfg/watch.h"

#include <stdint.h>

enum {
    SKT_NETCFG_WORDS_MAX = 80,     /* of a request */
    SKT_NETCFG_REQUEST_MAX = 6144, /* a line: as many networks as may be, or a path */
    SKT_NETCFG_PINS_MAX = 64,
    SKT_NETCFG_DNS_MAX = 16,
    SKT_NETCFG_PATH_MAX = 4096,
};

/* A host that is kept outside the tunnel. */
struct skt_netcfg_pin {
    struct skt_ipnet host;
    bool set;     /* by `route`, which is ours and in the journal */
    bool owed;    /* not set, for a cause that passes */
    bool leaving; /* unpinned, but its route could not be removed yet */
    struct skt_net_route route;
};

struct skt_netcfg_helper {
    int fd;      /* to the main process */
    int monitor; /* tells of changed routes; -1: none */
    struct skt_journal journal;
    char ifname[16]; /* of the tunnel; "" until it was named */
    struct skt_netcfg_pin pins[SKT_NETCFG_PINS_MAX];
    size_t pin_count;
    struct skt_netcfg_watch watch;
    struct skt_netcfg_again again;
    struct skt_netcfg_nets shut; /* networks that go into the tunnel or nowhere */
    bool keep_shut;              /* whoever undoes everything leaves that */
    struct skt_netcfg_may may;
    char journal_path[SKT_NETCFG_PATH_MAX];
    char resolv_conf[SKT_NETCFG_PATH_MAX];
    char hooks[2][SKT_NETCFG_PATH_MAX]; /* down, up; "": none */
    double hook_limit_s;
    struct skt_ipnet servers[SKT_NETCFG_DNS_MAX]; /* name servers that were set */
    size_t server_count;
    bool is_up;                                                  /* up was run, down was not since */
    char env[SKT_NETCFG_VARIABLES_MAX][SKT_NETCFG_VARIABLE_MAX]; /* up's variables; "": none */
    char text[SKT_NETCFG_TEXT_MAX];                              /* what goes with the answer */
};

/* Sets the answer's text; returns err. */
int skt_netcfg_say(struct skt_netcfg_helper *h, int err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for a system call that failed, with errno's text at the end. Notes whether the cause passes. */
int skt_netcfg_say_errno(struct skt_netcfg_helper *h, int err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for a program that was run (netcfg/hook.h), by its error and what it said. */
int skt_netcfg_say_tool(struct skt_netcfg_helper *h, int err, const char *what, const char *text);

/* Adds a line to the journal, before the change is made; on an error the change must not be made, and the
 * text is set. */
int skt_netcfg_record(struct skt_netcfg_helper *h, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Monotonic. */
skt_us skt_netcfg_now(void);

/* Does what a line asks for (it is taken apart), as far as it may; the text is set (netcfg/requests.c). */
int skt_netcfg_on_request(struct skt_netcfg_helper *h, char *line);

/* The request "hook EVENT" and its variables. */
int skt_netcfg_on_hook(struct skt_netcfg_helper *h, char *rest);

/* `up`, with the variables of the last request; SKT_ERR_NOMEM: it was not started. */
int skt_netcfg_run_up(struct skt_netcfg_helper *h);

/* `down`, where `up` was run and it was not since. */
int skt_netcfg_run_down(struct skt_netcfg_helper *h);

/* Undoes one line of the journal and takes it out; SKT_OK also where there was nothing left to undo. */
int skt_netcfg_undo_line(struct skt_netcfg_helper *h, const char *line);

/* Undoes all lines that begin so ("": all), the last one first. The first error; goes on after it. */
int skt_netcfg_undo_all(struct skt_netcfg_helper *h, const char *start);

/* --- the kinds of changes. do_*: SKT_OK or an error with the text set; undo_*: with the words of the line
 * after its kind, same result --- */

int skt_netcfg_do_route(struct skt_netcfg_helper *h, const struct skt_ipnet *net);
int skt_netcfg_do_unroute(struct skt_netcfg_helper *h, const struct skt_ipnet *net);
int skt_netcfg_do_pin(struct skt_netcfg_helper *h, const struct skt_ipnet *host);
int skt_netcfg_do_unpin(struct skt_netcfg_helper *h, const struct skt_ipnet *host);
int skt_netcfg_do_mtu(struct skt_netcfg_helper *h, size_t mtu);

/* All pins follow their ways; the last error that passes. */
int skt_netcfg_pins_update(struct skt_netcfg_helper *h);
int skt_netcfg_undo_route(struct skt_netcfg_helper *h, const char *rest);
int skt_netcfg_undo_shut(struct skt_netcfg_helper *h, const char *rest);

/* At the start: h->shut goes nowhere while there are no routes into the tunnel; other networks that an
 * earlier run held shut are opened. */
int skt_netcfg_do_shut(struct skt_netcfg_helper *h);

/* --- restore_*: puts back what should be there by the journal. 1: something was missing; 0: nothing was;
 * negative: it can't be put back, with the text set --- */

int skt_netcfg_restore_routes(struct skt_netcfg_helper *h);
int skt_netcfg_restore_shut(struct skt_netcfg_helper *h);
int skt_netcfg_restore_forward(struct skt_netcfg_helper *h);
int skt_netcfg_restore_dns(struct skt_netcfg_helper *h);

/* Are the rules of the last NAT request there, or is there no such request? */
bool skt_netcfg_nat_is_there(struct skt_netcfg_helper *h);

/* Was something set that no descriptor tells of when it changes? */
bool skt_netcfg_needs_looking(const struct skt_netcfg_helper *h);

int skt_netcfg_do_dns(struct skt_netcfg_helper *h, const struct skt_ipnet *servers, size_t n);
int skt_netcfg_undo_dns_file(struct skt_netcfg_helper *h, const char *rest);
int skt_netcfg_undo_dns_resolved(struct skt_netcfg_helper *h, const char *rest);
int skt_netcfg_undo_dns_resolvconf(struct skt_netcfg_helper *h, const char *rest);

/* Finds a name server file that an earlier run with this journal changed and could not put back (the machine
 * was switched off), and puts it back. */
void skt_netcfg_dns_recover(struct skt_netcfg_helper *h);

int skt_netcfg_do_nat(struct skt_netcfg_helper *h, const struct skt_ipnet *from, size_t n);
int skt_netcfg_do_forward(struct skt_netcfg_helper *h, bool v4, bool v6);
int skt_netcfg_undo_sysctl(struct skt_netcfg_helper *h, const char *rest);
int skt_netcfg_undo_nft(struct skt_netcfg_helper *h, const char *rest);
int skt_netcfg_undo_iptables(struct skt_netcfg_helper *h, const char *rest);

#endif
