/* SPDX-License-Identifier: MIT */
/* In the helper: what it may be asked for. The process that asks may have been taken over by whoever it talks
 * with, while the helper is root: so everything is told at the start, before the first packet, and compared
 * from then on. Lines of the journal, which may be as old as the file, are held to the same forms. */
#ifndef SKT_NETCFG_LIMITS_H
#define SKT_NETCFG_LIMITS_H

#include "base/ipnet.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    SKT_NETCFG_IFNAME_MAX = 16,   /* bytes of an interface's name, the end included (IFNAMSIZ) */
    SKT_NETCFG_PATH_MAX = 4096,   /* bytes of a path, the end included */
    SKT_NETCFG_VARIABLES_MAX = 3, /* of a hook script, beside SKT_TUN and SKT_EVENT */
    SKT_NETCFG_VARIABLE_MAX = 80, /* bytes of one, name and end included */
};

/* A list of networks that grows. */
struct skt_netcfg_nets {
    struct skt_ipnet *at; /* owned */
    size_t n;             /* of them */
};

/* What the configuration named at the start. */
struct skt_netcfg_may {
    bool anything;                      /* whatever is valid: for tests, where nothing was said */
    bool any_host;                      /* any host may stay outside: a server is given by its name */
    bool nat;                           /* NAT and forwarding */
    char ifname[SKT_NETCFG_IFNAME_MAX]; /* the only interface; "": any */
    struct skt_netcfg_nets routes;      /* into the tunnel */
    struct skt_netcfg_nets hosts;       /* that may stay outside */
    struct skt_netcfg_nets dns;         /* name servers */
    struct skt_netcfg_nets from;        /* networks to be hidden */
    char variables[SKT_NETCFG_VARIABLES_MAX][SKT_NETCFG_VARIABLE_MAX]; /* "NAME=value"; "": none */
};

/* Takes over one line of the start ("may-route 10.0.0.0/8"); SKT_ERR_NOTFOUND: none of these; SKT_ERR_ARG,
 * SKT_ERR_FULL, SKT_ERR_NOMEM. */
int skt_netcfg_may_add(struct skt_netcfg_may *may, const char *verb, const char *rest);

/* Adds a network, as text; errors as above. */
int skt_netcfg_nets_add(struct skt_netcfg_nets *list, const char *text);

void skt_netcfg_may_dispose(struct skt_netcfg_may *may);

/* Is each of these networks one of the list? */
bool skt_netcfg_nets_have(const struct skt_netcfg_nets *list, const struct skt_ipnet *nets, size_t n);

/* Could an interface be called so, and does the name mean nothing else to a program that gets it? */
bool skt_netcfg_is_ifname(const char *name);

/* The MTU that a text names; 0: it names none. */
size_t skt_netcfg_read_mtu(const char *text);

/* Is it "PREFIX" IFNAME "SUFFIX"? For the names of tables and chains. */
bool skt_netcfg_is_name(const char *name, const char *prefix, const char *suffix);

/* Is it one of the switches that we set, and are both values some of its own? */
bool skt_netcfg_is_switch(const char *name, const char *old, const char *value);

/* May a hook script get this variable? One of our names, with a value of its kind; and what was told at the
 * start, where something was. */
bool skt_netcfg_may_set(const struct skt_netcfg_may *may, const char *variable);

#endif
