/* SPDX-License-Identifier: MIT */
/* The inside of the switch, for switch*.c only. */
#ifndef SKT_TUNNEL_SWITCH_INTERNAL_H
#define SKT_TUNNEL_SWITCH_INTERNAL_H

#include "base/ippkt.h"
#include "base/join.h"
#include "tunnel/switch.h"
#include "tunnel/switch_port.h"
#include "tunnel/switch_routes.h"
#include "tunnel/switch_source.h"

enum {
    SKT_SWITCH_MESSAGE_MAX = SKT_FLOW_HEADER_MAX + SKT_IPPKT_LEN_MAX
}; /* bytes of a packet with its header */

/* How long packets of a session that has ended wait for the next one: a server that was started again is
 * there at once, and what is older is of no use to TCP. */
#define SKT_SWITCH_LEFT_TIME SKT_US_PER_SEC

struct skt_switch {
    struct skt_switch_conf conf;    /* as handed in, memory filled in */
    struct skt_list ports;          /* of all sessions that are attached */
    struct skt_switch_port *active; /* client: where the TUN's packets go; NULL: nowhere */
    struct skt_switch_port *left; /* client: the one before, whose session has ended, for what waits there */
    skt_us left_at;               /* when that session ended */
    struct skt_switch_routes routes;   /* server: which port has which address */
    uint8_t broadcast[4];              /* of the TUN's IPv4 network; where has_broadcast */
    bool has_broadcast;                /* the TUN's IPv4 network has an address for all of its hosts */
    size_t waiting;                    /* bytes in all queues */
    struct skt_switch_stats stats;     /* but for what the queues count themselves */
    struct skt_aqm_stats ended;        /* what queues that are gone have counted */
    struct skt_switch_errors errors;   /* sent for what comes out of the TUN */
    struct skt_switch_sources sources; /* client: what it takes from its server */
    struct skt_switch_taker taker;     /* is offered TCP first; its take is NULL: there is none */
    skt_switch_script_fn script;       /* gets what the TUN has; NULL: the sessions get it */
    void *script_user;                 /* for the script */
    uint8_t *message;                  /* SKT_SWITCH_MESSAGE_MAX bytes: the message that is read */
    uint8_t *piece;                    /* conf.mtu bytes: a piece of a packet that is cut */
    struct skt_join join;              /* what was joined for the TUN and not written yet */
    uint8_t *joined;                   /* its buffer; NULL: the TUN takes no large packets */
};

/* Drops what waits for the next session since `older` or longer. */
void skt_switch_drop_left(struct skt_switch *sw, skt_us older);

#endif
