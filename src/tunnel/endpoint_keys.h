/* SPDX-License-Identifier: MIT */
/* The pre-shared keys of an endpoint. A server takes handshakes by each of several, so that a key can be
 * changed client by client; a client makes its handshakes with one, and still reads what comes under the keys
 * of an earlier one. */
#ifndef SKT_TUNNEL_ENDPOINT_KEYS_H
#define SKT_TUNNEL_ENDPOINT_KEYS_H

#include "base/list.h"
#include "io/udp.h"
#include "proto/keys/packet.h"
#include "tunnel/endpoint.h"
#include "tunnel/stamps.h"

struct skt_endpoint_key {
    struct skt_list link;      /* in ep->keys */
    uint8_t psk[SKT_KEY_LEN];  /* the secret */
    struct skt_mask *in, *out; /* header masks by direction, seen from here */
    struct skt_stamps *stamps; /* server: the replay cache of the psk, shared with other endpoints */
    unsigned narrowed_told;    /* server: stamps->cache.narrowed, as last told in the log */
    bool retired;              /* the configuration has it no more: no handshake is made by it */
    bool wanted;               /* while keys are set: it is among the new ones */
};

/* The first keys. On failure skt_endpoint_keys_dispose is to be called, too. */
int skt_endpoint_keys_init(struct skt_endpoint *ep, const struct skt_endpoint_conf *conf);
void skt_endpoint_keys_dispose(struct skt_endpoint *ep);

/* The one that a session came by with its newest keys; NULL: none yet. */
const struct skt_endpoint_key *skt_endpoint_key_of(const struct skt_endpoint *ep,
                                                   const struct skt_session *s);

/* The next handshake is made by this key. */
void skt_endpoint_keys_select(struct skt_endpoint *ep, const struct skt_endpoint_key *key);

/* Unmasks up to SKT_PACKET_BATCH datagrams, each by the key under which its header leads somewhere, else by
 * the one tried last: by[i]. */
void skt_endpoint_keys_unmask(struct skt_endpoint *ep, struct skt_udp_datagram *d, size_t n,
                              struct skt_packet_in in[SKT_PACKET_BATCH],
                              struct skt_endpoint_key *by[SKT_PACKET_BATCH]);

/* Server: what is due for handshakes by each of them, and when it is due next. */
void skt_endpoint_keys_expire(struct skt_endpoint *ep, skt_us now);
skt_us skt_endpoint_keys_expiry(struct skt_endpoint *ep);

#endif
