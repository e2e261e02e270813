/* SPDX-License-Identifier: MIT */
/* What the helper may be asked for: a closed list that both sides share. A request is one line of text, its
 * name and what it is about, separated by spaces. It is answered by one line, "CODE text". */
#ifndef SKT_NETCFG_REQUEST_H
#define SKT_NETCFG_REQUEST_H

enum {
    SKT_NETCFG_WORDS_MAX = 80, /* networks of one request; NAT for 64 tickets and some of the entry's own */
    SKT_NETCFG_REQUEST_MAX = 6144, /* bytes of a line: as many networks as may be, or a path of the system */
    SKT_NETCFG_TEXT_MAX = 512, /* bytes of an answer's text: one line, with a path and what a program said */
};

enum skt_netcfg_request {
    SKT_NETCFG_REQUEST_INTERFACE, /* NAME: all that follows is about this interface */
    SKT_NETCFG_REQUEST_MTU,       /* NUMBER */
    SKT_NETCFG_REQUEST_PIN,       /* HOST stays outside the tunnel */
    SKT_NETCFG_REQUEST_UNPIN,     /* HOST need not any more */
    SKT_NETCFG_REQUEST_ROUTE,     /* NETWORK goes through the tunnel */
    SKT_NETCFG_REQUEST_DNS,       /* HOST...: the name servers; none: what was before */
    SKT_NETCFG_REQUEST_NAT,       /* NETWORK...: what is hidden; none: all that leaves by the tunnel */
    SKT_NETCFG_REQUEST_HOOK,      /* EVENT, and variables, each behind the unit separator */
    SKT_NETCFG_REQUEST_UNDO,      /* all of it */
    SKT_NETCFG_REQUEST_OPEN,      /* the end that follows also opens what was held shut */
    SKT_NETCFG_REQUESTS,
};

const char *skt_netcfg_request_name(enum skt_netcfg_request request);

/* The request of that name; SKT_ERR_NOTFOUND: there is none. */
int skt_netcfg_request_find(const char *name);

#endif
