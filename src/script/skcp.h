/* SPDX-License-Identifier: MIT */
/* Endpoints as scripts know them. */
#ifndef SKT_SCRIPT_SKCP_H
#define SKT_SCRIPT_SKCP_H

#include "crypto/crypto.h"
#include "script/state.h"

/* An endpoint as scripts know it. */
struct skt_script_skcp {
    struct skt_script_object base;
    struct skt_list link;
    struct skt_endpoint *ep;  /* NULL once freed */
    bool server;              /* made of an entry of skcp_servers */
    uint32_t number;          /* get_from_skcp(skcp, "fd") */
    uint32_t closing_cid;     /* its on_skcp_close is running */
    unsigned depth;           /* handlers of the endpoint that are running */
    bool ending, finishing;   /* skcp_free was called; its sessions are being closed */
    struct skt_idmap waiting; /* cid -> struct skt_script_waiting, of sessions that messages wait for */
    struct skt_list streams;  /* struct skt_script_stream: opened by the peer, not yet given to a relay */
};

/* Members of the app that are about endpoints. */
void skt_script_skcp_init_app(struct skt_script *app);

/* Opens the endpoint of the configuration's entry; no handle yet. SKT_ERR_IO with errno. */
int skt_script_skcp_new(struct skt_script_skcp **out, struct skt_script *app, size_t entry);

/* Closes its sessions (on_skcp_close for each), then itself; the handle is stale afterwards. */
void skt_script_skcp_end(struct skt_script_skcp *k);

/* Calls on_skcp_close; while it runs the session can still be used. */
void skt_script_skcp_tell_close(struct skt_script_skcp *k, uint32_t cid);

/* Frees all of them, without callbacks into the script. */
void skt_script_skcp_close_all(struct skt_script *app);

/* Frees those that have ended; not from inside an endpoint's handler. */
void skt_script_skcp_free_dead(struct skt_script *app);

/* Ends the sessions whose tickets the configuration does not know any more. */
void skt_script_skcp_check_tickets(struct skt_script *app);

#endif
