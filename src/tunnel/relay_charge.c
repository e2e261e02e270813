/* SPDX-License-Identifier: MIT */
#include "tunnel/relay_charge.h"

#include "base/err.h"
#include "base/log.h"
#include "io/tcp_conn.h"
#include "tunnel/endpoint_fds.h"
#include "tunnel/relay_connect.h"
#include "tunnel/relay_internal.h"

/* With the way to the target, which comes first and goes, and the connection that it ends in. */
static const size_t charge_len =
    sizeof(struct skt_relay) + sizeof(struct skt_relay_connect) + sizeof(struct skt_tcp_conn);

int skt_relay_charge_begin(struct skt_relay_charge *c, struct skt_endpoint *ep, struct skt_session *session)
{
    if (!skt_account_charge(skt_session_account(session), charge_len))
        return SKT_ERR_NOMEM;
    c->session = session;
    c->shared = skt_endpoint_shared(ep);
    c->has_fd = skt_endpoint_take_fd(ep, session);
    if (c->has_fd)
        return SKT_OK;
    skt_warn_rarely(skt_session_cid(session),
                    "session %u has its share of descriptors: connections are refused",
                    skt_session_cid(session));
    return SKT_ERR_FULL;
}

void skt_relay_charge_return_fd(struct skt_relay_charge *c, struct skt_endpoint *ep)
{
    if (c->has_fd)
        skt_endpoint_return_fd(ep, c->session);
    if (c->orphan)
        skt_shared_return_orphan(c->shared);
    c->has_fd = c->orphan = false;
}

bool skt_relay_charge_end(struct skt_relay_charge *c, struct skt_endpoint *ep)
{
    bool had = c->has_fd;
    if (had && skt_endpoint_leave_fd(ep, c->session)) {
        c->orphan = true;
        c->has_fd = false;
    }
    if (c->has_fd)
        skt_relay_charge_return_fd(c, ep);
    if (c->session)
        skt_account_release(skt_session_account(c->session), charge_len);
    c->session = NULL;
    return !had || c->orphan;
}
