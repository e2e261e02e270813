/* SPDX-License-Identifier: MIT */
/* The app: what one running instance has. Its files and the objects that scripts make look into it; what each
 * member is for, and who changes it, is in the header of its type. */
#ifndef SKT_SCRIPT_STATE_H
#define SKT_SCRIPT_STATE_H

#include "base/list.h"
#include "config/config.h"
#include "config/tickets.h"
#include "script/app_config.h"
#include "script/closing.h"
#include "script/life.h"
#include "script/lua_state.h"
#include "script/pending.h"
#include "script/skcp.h"
#include "script/source.h"
#include "script/tcp.h"
#include "tunnel/endpoint.h"
#include "tunnel/relay_set.h"
#include "tunnel/trace_file.h"

struct skt_script {
    struct skt_loop *loop;               /* that all of it runs in */
    const struct skt_config *conf;       /* changes in place with a reload */
    struct skt_script_psk *psks;         /* of the configuration's entries */
    size_t psk_count;                    /* of `psks` */
    struct skt_ticket_index tickets;     /* of the configuration's tickets */
    struct skt_shared *shared;           /* what all endpoints share */
    struct skt_relay_set *relays;        /* NULL once the app is closed */
    struct skt_trace_file *trace;        /* NULL: none */
    struct skt_script_tun_unit *tun;     /* in the TUN modes (script/tun.h), else NULL */
    struct skt_script_lua lua;           /* the script's state */
    struct skt_script_life life;         /* how far it is */
    struct skt_script_source source;     /* what the callback that is running was called for */
    struct skt_list holds;               /* struct skt_script_hold: what is full holds back who feeds it */
    struct skt_script_feeder tun_feeder; /* on_tun_read: packets are dropped while it is held */
    struct skt_script_pendings pending;  /* messages that wait for room */
    struct skt_script_closings closing;  /* sessions that end when their messages have arrived */
    struct skt_script_skcps skcps;       /* endpoints */
    struct skt_script_tcps tcps;         /* TCP connections of the script's */
    struct skt_list tallies[2];          /* struct skt_tally: of servers that give us sessions, by address and
                                            port; of tickets of sessions that we give, by name */
    struct skt_drops drops;              /* what endpoints that have ended had dropped */
    struct skt_list etcps;               /* struct skt_script_etcp: listeners and connectors */
    struct skt_list timers;              /* struct skt_script_timer */
    struct skt_list lookups;             /* struct skt_script_lookup */
    struct skt_loop_timer beat;          /* the next on_beat, where there is one */
    uint32_t last_number;                /* given out last, for TCP connections, skcp objects and the TUN */
};

/* A number for an object, never used twice. */
static inline uint32_t skt_script_number(struct skt_script *app)
{
    return ++app->last_number;
}

#endif
