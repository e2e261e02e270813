/* SPDX-License-Identifier: MIT */
/* The switch of the TUN modes: packets between the TUN and the sessions. On a client all that the TUN has
 * goes to one session, which may send from anywhere but here (tunnel/switch_source.h); on a server each
 * packet goes to the session that has its destination, and a session may only send from addresses that it
 * has. Each session has a managed queue (proto/queue/aqm.h) before it. */
#ifndef SKT_TUNNEL_SWITCH_H
#define SKT_TUNNEL_SWITCH_H

#include "base/ipnet.h"
#include "base/ippkt.h"
#include "io/tun.h"
#include "proto/queue/aqm.h"
#include "tunnel/endpoint.h"

struct skt_switch;

struct skt_switch_conf {
    struct skt_loop *loop; /* that the TUN and the endpoints run on */
    struct skt_tun *tun;   /* outlives the switch; its reader is the switch's */
    bool server;           /* packets go to the session that has their destination; else to the one in use */
    struct skt_ipnet address4; /* the TUN's own IPv4 address with its network; family 0: none */
    struct skt_ipnet address6; /* the TUN's own IPv6 address with its network; family 0: none */
    size_t mtu;                /* of plain packets, the most that any session may have */
    /* A session's MTU is what goes in one datagram on its path, from SKT_SWITCH_MTU_MIN to mtu; else mtu. */
    bool follow_path;
    void (*on_mtu)(void *user, size_t mtu); /* client, with follow_path: of the session in use; or NULL */
    void *user;                             /* for on_mtu */
    const struct skt_ipnet
        *routes;        /* client: networks that the configuration sends into the TUN; the owner's */
    size_t route_count; /* of `routes` */
    uint64_t hash_key;  /* random: keeps others from finding flows that collide */
    size_t memory;      /* bytes that may wait in all queues together; 0: 16 MiB */
};

/* What follow_path goes down to: the least that IPv6 allows (RFC 8200, 5). On narrower paths packets are cut
 * in two by KCP. */
enum { SKT_SWITCH_MTU_MIN = 1280 };

struct skt_switch_stats {
    uint64_t packets_in;  /* read from the TUN */
    uint64_t bytes_in;    /* of packets_in */
    uint64_t packets_out; /* written to the TUN */
    uint64_t bytes_out;   /* of packets_out */
    uint64_t forwarded;   /* from one session to another */
    uint64_t malformed;   /* not an IP packet, or a message that is none */
    uint64_t spoofed;     /* from an address that the session does not have, or can't have */
    uint64_t group;       /* to a multicast, broadcast or link-local address */
    uint64_t no_route;    /* nobody has the destination, or no session is there */
    uint64_t too_big;     /* longer than the MTU allows; carried in pieces where it can be */
    uint64_t overflow;    /* no memory, or the TUN did not take it */
    uint64_t dropped;     /* by the managed queues */
    uint64_t marked;      /* by the managed queues, with congestion experienced (ECN) */
};

/* A packet for a script: plain, at most mtu bytes, checksums complete. */
typedef void (*skt_switch_script_fn)(void *user, const uint8_t *packet, size_t len);

/* Begins to read the TUN. SKT_ERR_NOMEM. */
int skt_switch_new(struct skt_switch **out, const struct skt_switch_conf *conf);

/* All sessions are detached; the TUN is not read any more. NULL is allowed. */
void skt_switch_free(struct skt_switch *sw);

/* Hands what the TUN has to a script instead; NULL fn: to the sessions again. */
void skt_switch_set_script(struct skt_switch *sw, skt_switch_script_fn fn, void *user);

/* Who takes packets out of what the TUN has (tunnel/taker.h). */
struct skt_switch_taker {
    /* A packet of TCP or ICMP. True: it was taken, and may have been changed; the switch has nothing more to
     * do with it. */
    bool (*take)(void *user, struct skt_tun_packet *p, const struct skt_ippkt *ip);
    /* May this packet of TCP come from this machine only? Then no session brings it in. */
    bool (*is_inside)(void *user, const struct skt_ippkt *ip);
    void *user; /* handed to both */
};

/* Offers packets of TCP and ICMP to a taker first; copied; NULL: to nobody. */
void skt_switch_set_taker(struct skt_switch *sw, const struct skt_switch_taker *taker);

/* A plain packet as if the TUN had it, not offered to a taker. */
void skt_switch_send(struct skt_switch *sw, uint8_t *packet, size_t len);

/* Client: the session that the TUN's packets go to. False: none. */
bool skt_switch_active(const struct skt_switch *sw, struct skt_endpoint **ep, uint32_t *cid);

/* Writes a plain packet to the TUN. SKT_ERR_MALFORMED, SKT_ERR_AGAIN, SKT_ERR_CLOSED, SKT_ERR_IO. */
int skt_switch_write(struct skt_switch *sw, const uint8_t *packet, size_t len);

/* --- sessions --- */

/* Takes a session's packets. SKT_ERR_NOTFOUND: no such cid; SKT_ERR_NOMEM. Again: nothing changes. */
int skt_switch_attach(struct skt_switch *sw, struct skt_endpoint *ep, uint32_t cid);

/* Lets go of a session and its addresses, at the latest in the endpoint's on_close. Harmless for others. */
void skt_switch_detach(struct skt_switch *sw, struct skt_endpoint *ep, uint32_t cid);

/* Server: the session has this network (a host: full prefix). SKT_ERR_NOTFOUND: it is not attached;
 * SKT_ERR_FULL: another one has it; SKT_ERR_NOMEM. */
int skt_switch_add(struct skt_switch *sw, struct skt_endpoint *ep, uint32_t cid, const struct skt_ipnet *net);

/* Client: what the TUN has goes to this session from now on, and what waits for the one before, also where
 * that ended less than a second ago. What that one has sent already stays with it. SKT_ERR_NOTFOUND: it is
 * not attached. */
int skt_switch_use(struct skt_switch *sw, struct skt_endpoint *ep, uint32_t cid);

/* Who has exactly this network? False: nobody. */
bool skt_switch_owner(const struct skt_switch *sw, const struct skt_ipnet *net, struct skt_endpoint **ep,
                      uint32_t *cid);

/* Has a session this address, itself or in one of its networks? */
bool skt_switch_has(const struct skt_switch *sw, uint8_t family, const uint8_t *ip);

/* --- for the status --- */

/* The i-th network of a session (its own address is the first), or NULL. */
const struct skt_ipnet *skt_switch_net(const struct skt_switch *sw, const struct skt_endpoint *ep,
                                       uint32_t cid, size_t i);

/* The MTU of a session; 0: it is not attached. */
size_t skt_switch_mtu(const struct skt_switch *sw, const struct skt_endpoint *ep, uint32_t cid);

void skt_switch_stats(const struct skt_switch *sw, struct skt_switch_stats *out);

/* What waits before a session and what was taken from there so far. False: it is not attached. */
struct skt_switch_queue {
    size_t bytes;     /* that wait */
    uint32_t packets; /* that wait */
    uint64_t dropped; /* so far, for want of room, too */
    uint64_t marked;  /* so far, with congestion experienced (ECN) */
};
bool skt_switch_queue(const struct skt_switch *sw, const struct skt_endpoint *ep, uint32_t cid,
                      struct skt_switch_queue *out);

/* Bytes that wait in all queues. */
size_t skt_switch_waiting(const struct skt_switch *sw);

#endif
