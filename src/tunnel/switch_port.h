/* SPDX-License-Identifier: MIT */
/* A port of the switch: a session that is attached, its queue, its MTU, and the form of packets in messages.
 */
#ifndef SKT_TUNNEL_SWITCH_PORT_H
#define SKT_TUNNEL_SWITCH_PORT_H

#include "base/ippkt.h"
#include "tunnel/switch.h"

enum {
    SKT_SWITCH_QUEUE_MAX = 4 * 1024 * 1024
}; /* bytes that wait for one session at most: 0.3 s at 100 Mbit/s */

/* ICMP errors that were sent in a second. */
struct skt_switch_errors {
    skt_us since;  /* when the second began */
    unsigned sent; /* errors sent since then */
};

struct skt_switch_port {
    struct skt_packet_owner owner;   /* how the endpoint knows the port */
    struct skt_list link;            /* in switch->ports */
    struct skt_switch *sw;           /* that it is a port of */
    struct skt_endpoint *ep;         /* of the session; NULL: the session has ended */
    struct skt_session *session;     /* the endpoint's; NULL: it has ended */
    uint32_t cid;                    /* the session's, under which it was attached */
    struct skt_aqm queue;            /* packets for the session, as messages */
    size_t counted;                  /* bytes of the queue that switch->waiting has in it */
    struct skt_ipnet *nets;          /* networks that the session has, its own address first */
    size_t net_count;                /* of `nets` */
    size_t mtu;                      /* of plain packets */
    bool followed;                   /* mtu is what the path was found to carry */
    struct skt_switch_errors errors; /* sent for what comes out of the session */
};

/* Queues a packet for the port's session, in the form that its peer takes; the port is driven at the end of
 * the turn. SKT_ERR_FULL: it is longer than the MTU and can't be cut; it was dropped, as with
 * SKT_ERR_MALFORMED. Anything else that happens to it is counted. */
int skt_switch_port_queue(struct skt_switch_port *port, skt_us now, struct skt_tun_packet *p,
                          const struct skt_ippkt *ip);

/* Moves what waits for one port to another, but for what its peer does not take. */
void skt_switch_port_move(struct skt_switch_port *from, struct skt_switch_port *to, skt_us now);

/* The endpoint's pump: messages out of the session, packets into it. */
void skt_switch_port_pump(struct skt_packet_owner *owner, struct skt_session *s, skt_us now);

/* Keeps switch->waiting right after any change of the port's queue. */
void skt_switch_port_count(struct skt_switch_port *port);

/* Tells switch->conf.on_mtu of the port's MTU, where the port is the one in use and follows its path. */
void skt_switch_port_tell_mtu(const struct skt_switch_port *port);

#endif
