/* SPDX-License-Identifier: MIT */
#include "tunnel/endpoint_link.h"

#include "base/err.h"
#include "tunnel/endpoint_internal.h"

#include <stdlib.h>

int skt_endpoint_link_new(struct skt_endpoint *ep, struct skt_session *s)
{
    struct skt_link *link = calloc(1, sizeof *link);
    if (!link)
        return SKT_ERR_NOMEM;
    link->ep = ep;
    link->session = s;
    link->tally = ep->tally;
    skt_list_init(&link->link);
    skt_list_init(&link->touched);
    skt_loop_timer_init(&link->timer, skt_endpoint_on_timer);
    if (!ep->server) {
        link->number = ++ep->asking.last_link;
        int err = skt_idmap_put(&ep->asking.links, link->number, link);
        if (err) {
            free(link);
            return err;
        }
    }
    skt_list_append(&ep->all, &link->link);
    skt_session_set_user(s, link);
    return SKT_OK;
}

void skt_endpoint_link_forget(struct skt_link *link)
{
    struct skt_endpoint *ep = link->ep;
    if (link->tally)
        skt_tally_add(link->tally->sum, link->session);
    skt_loop_timer_stop(ep->loop, &link->timer);
    skt_list_remove(&link->link);
    skt_list_remove(&link->touched);
    if (ep->server) {
        skt_acceptor_forget(&ep->serving.acceptor, link->session);
    } else {
        skt_endpoint_requests_ended(ep, link->session);
        (void)skt_endpoint_requests_told_cid(link, 0);
        skt_idmap_remove(&ep->asking.links, link->number);
    }
}
