/* SPDX-License-Identifier: MIT */
/* What a relay takes of its session's share: memory and a descriptor. Only those that the peer made us have.
 */
#ifndef SKT_TUNNEL_RELAY_CHARGE_H
#define SKT_TUNNEL_RELAY_CHARGE_H

#include "tunnel/endpoint.h"

#include <stdbool.h>

struct skt_relay_charge {
    struct skt_session *session; /* who is charged; NULL: nobody, or the session is over */
    struct skt_shared *shared;   /* where the descriptor is counted once the session is over */
    bool has_fd;                 /* a descriptor of the session's share */
    bool orphan;                 /* a descriptor of those that sessions have left behind */
};

/* For a relay to a stream that the peer has opened. SKT_ERR_NOMEM, SKT_ERR_FULL: nothing more is left; what
 * was taken is for skt_relay_charge_end to give back. */
int skt_relay_charge_begin(struct skt_relay_charge *c, struct skt_endpoint *ep, struct skt_session *session);

/* The socket is closed: others may have its descriptor. */
void skt_relay_charge_return_fd(struct skt_relay_charge *c, struct skt_endpoint *ep);

/* The stream is over, and its session may go before the relay does. False: there are too many such already,
 * so the socket is to be closed at once. */
bool skt_relay_charge_end(struct skt_relay_charge *c, struct skt_endpoint *ep);

#endif
