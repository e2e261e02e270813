/* SPDX-License-Identifier: MIT */
/* What the files of this folder share: the app and the objects that scripts hold handles of. */
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
    bool debug;          /* the status that is being written tells of streams, */
    unsigned debug_left; /* of so many more */
    bool wants_recv;     /* skt.cb.on_tcp_recv is set */
    char fail_text[SKT_CONFIG_ERROR_MAX];
    struct skt_script_calls calls;
};

/* First member of everything that a handle can stand for. */
struct skt_script_object {
    struct skt_script *app;
};

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

/* --- app_debug.c --- */

/* Members of a session's object, a comma behind each. */
void skt_script_write_debug(struct skt_script *app, FILE *out, const struct skt_endpoint *ep,
                            const struct skt_session *s);

/* --- app_trace.c --- */

/* Begins the trace that the configuration asks for, or another one than there is, and ends what it does not
 * ask for. As skt_trace_file_open; err: one line. */
int skt_script_trace_update(struct skt_script *app, char *err, size_t err_cap);
void skt_script_trace_end(struct skt_script *app);

/* --- api_*.c: each adds its functions to the table on top of the stack; may raise --- */
void skt_script_api_add_skcp(lua_State *L);
void skt_script_api_add_etcp(lua_State *L);
void skt_script_api_add_relay(lua_State *L);
void skt_script_api_add_timer(lua_State *L);
void skt_script_api_add_util(lua_State *L);
void skt_script_api_add_tun(lua_State *L);

/* Adds functions to the table on top of the stack, with the app at hand for skt_api_app; may raise. */
void skt_script_api_set(lua_State *L, const luaL_Reg *functions);

/* Pushes the value that stands for a connection: of TCP (its number, cid 0), or of a skcp object (its number
 * and a cid). The same one as long as the script holds it; may raise. */
void skt_script_conn_push(lua_State *L, uint32_t number, uint32_t cid);

/* Pushes skt.conf; may raise. */
void skt_script_conf_push(lua_State *L, struct skt_script *app);

/* Makes `require` find the built-in modes and the modules beside the script; may raise. */
void skt_script_loader_install(lua_State *L, struct skt_script *app);

/* Pushes the script's chunk; SKT_ERR_IO with a message on the stack. */
int skt_script_loader_push_script(lua_State *L, struct skt_script *app);

/* The types of skt.conf.*.raw: which part of the configuration it is. */
#define SKT_CONF_ENTRY     "skt.conf.skcp"
#define SKT_CONF_LISTENER  "skt.conf.etcp_serv"
#define SKT_CONF_CONNECTOR "skt.conf.etcp_cli"

/* The index of the entry that a skt.conf.skcp_conf_list[i].raw stands for. Raises for another type. */
size_t skt_script_conf_entry_arg(lua_State *L, int idx, const char *name);
/* The index of the listener; raises for another type. */
size_t skt_script_conf_listener_arg(lua_State *L, int idx, const char *name);
void skt_script_conf_connector_arg(lua_State *L, int idx, const char *name);

/* Gives up: the start fails with this text, or the loop stops, and the process ends with status 1. */
void skt_script_fail(struct skt_script *app, const char *text);

/* The keys of conf's entries, to be freed with skt_script_free_keys whatever it returns (*out may be NULL).
 * What the app has already is not derived again, as that takes 0.1 s a password. SKT_ERR_NOMEM,
 * SKT_ERR_CRYPTO. */
int skt_script_derive_keys(const struct skt_config *conf, uint8_t (**out)[SKT_KEY_LEN]);
void skt_script_free_keys(uint8_t (*psks)[SKT_KEY_LEN], size_t count);

/* A number for an object, never used twice. */
uint32_t skt_script_number(struct skt_script *app);

/* The app of an API function (its first upvalue). */
static inline struct skt_script *skt_api_app(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

/* Free all of a kind, without callbacks into the script. */
void skt_script_skcp_close_all(struct skt_script *app);
void skt_script_skcp_free_dead(struct skt_script *app);
void skt_script_etcp_close_listeners(struct skt_script *app);
void skt_script_etcp_close_all(struct skt_script *app);
void skt_script_timer_close_all(struct skt_script *app);

/* Streams that no relay has: forgets those of a session (cid 0: all), resetting them. */
void skt_script_relay_forget(struct skt_script_skcp *k, uint32_t cid);
/* The endpoint's on_stream. */
void skt_script_relay_on_stream(void *user, struct skt_endpoint *ep, uint32_t cid, struct skt_stream *st);

/* Ends the sessions whose tickets the configuration does not know any more. */
void skt_script_skcp_check_tickets(struct skt_script *app);

/* The ticket's entry, or NULL; the time taken does not tell which one it was or how far it was right. */
const struct skt_config_ticket *skt_config_find_ticket(const struct skt_config *conf,
                                                       const uint8_t ticket[SKT_TICKET_LEN]);

#endif
