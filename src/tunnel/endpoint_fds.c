/* SPDX-License-Identifier: MIT */
#include "tunnel/endpoint_fds.h"

#include "tunnel/endpoint_internal.h"
#include "tunnel/endpoint_link.h"

#include <assert.h>

enum {
    ORPHANS_PART = 8
}; /* of all descriptors for targets, those of sessions that are over: the rest serves */

bool skt_endpoint_take_fd(struct skt_endpoint *ep, struct skt_session *s)
{
    struct skt_link *link = skt_session_user(s);
    struct skt_shared *shared = ep->shared;
    if (!link || shared->fds + link->fds >= shared->fds_max)
        return false;
    link->fds++;
    shared->fds++;
    return true;
}

void skt_endpoint_return_fd(struct skt_endpoint *ep, struct skt_session *s)
{
    struct skt_link *link = skt_session_user(s);
    assert(link && link->fds > 0);
    link->fds--;
    ep->shared->fds--;
}

bool skt_endpoint_leave_fd(struct skt_endpoint *ep, struct skt_session *s)
{
    struct skt_link *link = skt_session_user(s);
    struct skt_shared *shared = ep->shared;
    assert(link && link->fds > 0);
    if (shared->fds_orphaned >= shared->fds_max / ORPHANS_PART)
        return false;
    link->fds--;
    shared->fds_orphaned++;
    return true;
}
