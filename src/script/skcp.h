/* SPDX-License-Identifier: MIT */
/* An endpoint as scripts know it. */
#ifndef SKT_SCRIPT_SKCP_H
#define SKT_SCRIPT_SKCP_H

#include "base/idmap.h"
#include "base/list.h"
#include "io/loop.h"
#include "script/handle.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct skt_script_skcp {
    struct skt_script_object base; /* what its handle stands for */
    struct skt_list link;          /* in skcps->live or skcps->dead */
    struct skt_endpoint *ep;       /* NULL once freed */
    uint32_t number;               /* get_from_skcp(skcp, "fd") */
    uint32_t closing_cid;          /* the session whose on_skcp_close is running; 0: none */
    unsigned depth;                /* handlers of the endpoint that are running: it is not freed meanwhile */
    size_t entry;                  /* of the configuration, that it was made of */
    bool server;                   /* made of an entry of skcp_servers */
    bool ending;                   /* skcp_free was called */
    bool finishing;                /* its sessions are being closed */
    struct skt_idmap waiting;      /* cid -> struct skt_script_waiting, of sessions that messages wait for */
    struct skt_list streams; /* struct skt_script_stream: opened by the peer, not yet given to a relay */
};

/* All of an app. */
struct skt_script_skcps {
    struct skt_list live;        /* struct skt_script_skcp: those that scripts can use */
    struct skt_list dead;        /* struct skt_script_skcp: ended, not freed yet */
    struct skt_loop_task finish; /* ends and frees the dead outside of their own handlers */
};

void skt_script_skcps_init(struct skt_script *app);

/* Opens the endpoint of the configuration's entry; no handle yet. SKT_ERR_IO with errno, SKT_ERR_NOMEM,
 * SKT_ERR_CRYPTO. */
int skt_script_skcp_new(struct skt_script_skcp **out, struct skt_script *app, size_t entry);

/* Closes its sessions (on_skcp_close for each), then itself; the handle is stale afterwards. */
void skt_script_skcp_end(struct skt_script_skcp *k);

/* Ends all of them. */
void skt_script_skcp_close_all(struct skt_script *app);

/* Frees those that have ended; not from inside an endpoint's handler. */
void skt_script_skcp_free_dead(struct skt_script *app);

/* The entries have other pre-shared keys: endpoints take them over. The first error of skt_endpoint_set_keys.
 */
int skt_script_skcp_set_keys(struct skt_script *app);

/* The configuration's tickets are others: ends the sessions whose tickets it does not know any more. */
void skt_script_skcp_check_tickets(struct skt_script *app);

#endif
