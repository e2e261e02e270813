/* SPDX-License-Identifier: MIT */
/* Takes TCP connections out of a client's TUN and carries them as streams to their destinations
 * (`relay_tcp`). A SYN that comes out of the TUN is kept while the server connects. Then it goes back into
 * the TUN with other addresses (tunnel/taker_pairs.h), to a listener of our own, and so does all that
 * follows: the system's TCP on both ends of the application's connection is this machine's, and the relay has
 * a socket. Where the server is refused, the application is. Where no stream may be had, for whatever reason,
 * the SYN goes on as the packet that it is, and with it the connection. */
#ifndef SKT_TUNNEL_TAKER_H
#define SKT_TUNNEL_TAKER_H

#include "io/tun.h"
#include "tunnel/relay.h"
#include "tunnel/switch.h"

struct skt_taker;

struct skt_taker_conf {
    struct skt_loop *loop;
    struct skt_tun *tun;                 /* outlives the taker */
    struct skt_switch *sw;               /* outlives the taker, which it hands TCP to */
    struct skt_relay_set *relays;        /* outlives the taker */
    struct skt_ipnet address4, address6; /* the TUN's own with its network; family 0: none */
    size_t mtu;                          /* of the switch's packets */
    uint64_t hash_key;                   /* random */
    void (*options)(void *user, struct skt_relay_options *out); /* of a relay that begins now */
    void *user;                                                 /* handed to `options` */
};

struct skt_taker_stats {
    uint64_t taken;   /* connections that went in streams */
    uint64_t refused; /* that the server's side refused, could not reach, or had no answer from */
    uint64_t passed;  /* that asked for a stream, and went in packets */
    size_t open;      /* now in streams, or asking for one */
};

/* Listens on the TUN's addresses and takes connections from now on. SKT_ERR_NOMEM; SKT_ERR_IO with errno,
 * where it can't listen on any of them. */
int skt_taker_new(struct skt_taker **out, const struct skt_taker_conf *conf);

/* Resets what is open. NULL is allowed. */
void skt_taker_free(struct skt_taker *t);

void skt_taker_stats(const struct skt_taker *t, struct skt_taker_stats *out);

#endif
