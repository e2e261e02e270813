/* SPDX-License-Identifier: MIT */
/* The app: what one running instance has; its files and the objects that scripts make look into it. */
#ifndef SKT_SCRIPT_STATE_H
#define SKT_SCRIPT_STATE_H

#include "base/idmap.h"
#include "base/list.h"
#include "config/tickets.h"
#include "script/app.h"
#include "script/call.h"
#include "tunnel/endpoint.h"
#include "tunnel/relay.h"
#include "tunnel/trace_file.h"

#include <lauxlib.h>
#include <lua.h>

/* What a callback was called for: who feeds what it sends, and can be made to wait. */
struct skt_script_source {
    enum {
        SKT_SOURCE_NONE,     /* a timer, on_beat, room: nobody */
        SKT_SOURCE_TCP,      /* tcp's on_tcp_recv */
        SKT_SOURCE_SESSION,  /* on_skcp_recv_data of k and cid */
        SKT_SOURCE_LISTENER, /* on_tcp_accept and on_tcp_close of a connection of etcp */
        SKT_SOURCE_TUN,      /* on_tun_read */
        SKT_SOURCE_EVENT,    /* what happens once: its sends are taken, and nobody has to wait */
    } kind;
    struct skt_script_tcp *tcp;
    struct skt_script_skcp *k;
    uint32_t cid;
    struct skt_script_etcp *etcp;
};

struct skt_script {
    struct skt_loop *loop;
    const struct skt_config *conf;
    lua_State *L;
    size_t lua_used_len, lua_limit_len; /* of the Lua state; limit 0: none */
    unsigned lua_refusals;              /* allocations that would have gone beyond it */
    uint8_t (*psks)[SKT_KEY_LEN];       /* of the configuration's entries */
    struct skt_shared *shared;          /* of the endpoints */
    struct skt_relay_set *relays;
    struct skt_trace_file *trace;      /* NULL: none */
    struct skt_script_tun_unit *tun;   /* in the TUN modes (script/tun.h), else NULL */
    struct skt_ticket_index tickets;   /* of conf */
    struct skt_list skcps, dead_skcps; /* struct skt_script_skcp */
    struct skt_list etcps;             /* struct skt_script_etcp */
    struct skt_list lingering;         /* struct skt_script_tcp: closed for the script, still sending */
    struct skt_list graveyard;         /* struct skt_script_tcp: freed at the end of the turn */
    struct skt_list timers;            /* struct skt_script_timer */
    struct skt_list lookups;           /* struct skt_script_lookup */
    struct skt_list holds;             /* struct skt_script_hold: what is full holds back who feeds it */
    struct skt_list pending;           /* struct skt_script_pending: messages that wait for room */
    unsigned pending_round;
    struct skt_list
        closings;          /* struct skt_script_closing: sessions that end when their messages have arrived */
    struct skt_idmap tcps; /* number shown to scripts -> struct skt_script_tcp */
    uint32_t last_number;  /* the last one given out, for TCP connections and skcp objects */
    struct skt_script_source source; /* what the callback that is running was called for */
    unsigned tun_holds;              /* messages from on_tun_read that wait: packets are dropped meanwhile */
    uint8_t *read_buf;               /* tcp_read_buf_size bytes, or NULL */
    struct skt_loop_timer beat, retry, stop_timer, closing_timer;
    struct skt_loop_task bury, finish;
    skt_us created, stop_at;
    skt_us leave_at; /* the grace is over: relays read no more from TCP, and what they have read arrives
                        before stop_at */
    void (*on_stopped)(void *user);
    void *stopped_user;
    bool started, ready; /* the script has run; on_init has returned, too */
    bool stopping, failed;
    bool closed;         /* the script can make nothing new any more */
    bool debug;          /* the status that is being written tells of streams */
    unsigned debug_left; /* how many more streams it may tell of */
    bool wants_recv;     /* skt.cb.on_tcp_recv is set */
    char fail_text[SKT_CONFIG_ERROR_MAX];
    struct skt_script_calls calls;
};

/* First member of everything that a handle can stand for. */
struct skt_script_object {
    struct skt_script *app;
};

/* Gives up: the start fails with this text, or the loop stops, and the process ends with status 1. */
void skt_script_fail(struct skt_script *app, const char *text);

/* A number for an object, never used twice. */
uint32_t skt_script_number(struct skt_script *app);

/* Looks which of the callbacks that cost something while nothing happens have come or gone; after each call
 * into the script. */
void skt_script_after_call(struct skt_script *app);

#endif
