/* SPDX-License-Identifier: MIT */
/* The inside of the switch, for tun_*.c only. */
#ifndef SKT_TUNNEL_SWITCH_INTERNAL_H
#define SKT_TUNNEL_SWITCH_INTERNAL_H

#include "base/ippkt.h"
#include "base/join.h"
#include "tunnel/switch.h"
#include "tunnel/switch_routes.h"
#include "tunnel/switch_source.h"

enum {
    SKT_TUN_QUEUE_MAX = 4 * 1024 * 1024, /* bytes that wait for one session at most */
    SKT_TUN_MESSAGE_MAX = SKT_FLOW_HEADER_MAX + SKT_IPPKT_LEN_MAX,
};

#define SKT_TUN_LEFT_TIME SKT_US_PER_SEC /* packets without a session wait so long for the next one */

/* ICMP errors that were sent in a second. */
struct skt_switch_errors {
    skt_us since;  /* when the second began */
    unsigned sent; /* in it */
};

/* A session that is attached. */
struct skt_switch_port {
    struct skt_packet_owner owner; /* the endpoint's packet owner */
    struct skt_list link;          /* in sw->ports */
    struct skt_switch *sw;
    struct skt_endpoint *ep;
    struct skt_session *session;
    uint32_t cid;
    struct skt_aqm queue;
    size_t counted; /* of queue.bytes in sw->waiting */
    struct skt_ipnet *nets;
    size_t net_count;
    size_t mtu;                      /* of plain packets */
    bool followed;                   /* mtu is what the path was found to carry */
    struct skt_switch_errors errors; /* to what comes out of the session */
};

struct skt_switch {
    struct skt_switch_conf conf;
    struct skt_list ports;
    struct skt_switch_port *active; /* client: where the TUN's packets go */
    struct skt_switch_port *left;   /* the one before, whose session has ended, for what waits in its queue */
    skt_us left_at;
    struct skt_switch_routes routes;
    uint8_t broadcast[4];
    bool has_broadcast;
    size_t waiting; /* bytes in all queues */
    struct skt_switch_stats stats;
    struct skt_aqm_stats ended;        /* of queues that are gone */
    struct skt_switch_errors errors;   /* to what comes out of the TUN */
    struct skt_switch_sources sources; /* client: what it takes from its server */
    skt_tun_script_fn script;
    void *script_user;
    uint8_t *message; /* SKT_TUN_MESSAGE_MAX bytes: the message being read */
    uint8_t *piece;   /* mtu bytes: a packet being cut */
    struct skt_join join;
    uint8_t *joined; /* its buffer; NULL: the TUN takes no large packets */
};

/* --- tunnel/switch.c --- */

/* Takes over what the search for the path's datagram size has ended with; cheap. */
void skt_switch_port_follow(struct skt_switch_port *port);

/* Drops what waits for the next session for `older` or longer. */
void skt_switch_drop_left(struct skt_switch *sw, skt_us older);

/* --- tunnel/switch_port.c --- */

/* Queues a packet for the port's session, in the form that its peer takes; the port is driven at the end of
 * the turn. SKT_ERR_FULL: it is longer than the MTU and can't be cut; it was dropped, as with
 * SKT_ERR_MALFORMED. Anything else that happens to it is counted. */
int skt_switch_port_queue(struct skt_switch_port *port, skt_us now, struct skt_tun_packet *p,
                          const struct skt_ippkt *ip);

/* Moves what waits for one port to another, but for what its peer does not take. */
void skt_switch_port_move(struct skt_switch_port *from, struct skt_switch_port *to, skt_us now);

/* The endpoint's pump: messages out of the session, packets into it. */
void skt_switch_port_pump(struct skt_packet_owner *owner, struct skt_session *s, skt_us now);

/* Keeps sw->waiting right after any change of the port's queue. */
void skt_switch_port_count(struct skt_switch_port *port);

/* --- tunnel/switch_forward.c --- */

/* A packet from the TUN. */
void skt_switch_from_device(struct skt_switch *sw, struct skt_tun_packet *p);

/* Writes what was joined for the TUN: whoever reads messages calls it behind the last one. */
void skt_switch_flush(struct skt_switch *sw);

/* A message from a port's session. */
void skt_switch_from_session(struct skt_switch_port *port, skt_us now, uint8_t *message, size_t len);

#endif
