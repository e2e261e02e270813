/* SPDX-License-Identifier: MIT */
/* Which addresses somebody else may have us connect to. He names an address, we are the ones who connect:
 * from here much can be reached that is nobody's business outside, and that asks for no password because it
 * knows only neighbours. So what is not plainly a host of the Internet is refused unless a rule names it. */
#ifndef SKT_BASE_REACH_H
#define SKT_BASE_REACH_H

#include "base/addr.h"
#include "base/ipnet.h"

/* A network, and ports in it. */
struct skt_reach_rule {
    struct skt_ipnet net; /* family 0: every address */
    uint16_t port_lo;     /* the lowest port */
    uint16_t port_hi;     /* the highest, included */
};

struct skt_reach_rules {
    struct skt_reach_rule *at; /* in the order of the text; owned */
    size_t n;                  /* of them */
};

struct skt_reach {
    bool any;                     /* every host of the Internet; else only what `allow` names */
    struct skt_reach_rules allow; /* beside that: private and local addresses, too */
    struct skt_reach_rules deny;  /* goes before all else */
};

enum skt_reach_verdict {
    SKT_REACH_NAMED,     /* `allow` names it */
    SKT_REACH_ANY,       /* a host of the Internet, and every one is allowed. Our own addresses may be among
                          * these: the caller knows them */
    SKT_REACH_DENIED,    /* `deny` names it */
    SKT_REACH_LOCAL,     /* private, local to a link or a machine, nobody's, or a group: not named */
    SKT_REACH_NOT_NAMED, /* `allow` does not name it, and not every address is allowed */
};

/* "10.0.0.0/8", "10.0.0.5:443", "[fd00::/8]:80-90", "*:25" (every address). SKT_ERR_ARG. */
int skt_reach_parse(struct skt_reach_rule *rule, const char *text);

/* The address in the form that is judged, and connected to: IPv4's in the coat of IPv6 (::ffff:10.0.0.1) is
 * IPv4's. */
struct skt_addr skt_reach_plain(const struct skt_addr *addr);

/* addr: plain, with its port. */
enum skt_reach_verdict skt_reach_judge(const struct skt_reach *r, const struct skt_addr *addr);

/* "a rule denies it", ... */
const char *skt_reach_words(enum skt_reach_verdict verdict);

/* Is it no host of the Internet? Private, local and shared networks, groups, addresses that are nobody's or
 * reserved, and those of IPv6 that carry such a one of IPv4 (RFC 6890 and the IANA's registries). Tests call
 * it: a verdict shows it only where no rule decides before. */
bool skt_reach_is_local(const struct skt_addr *addr);

#endif
