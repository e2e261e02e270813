/* SPDX-License-Identifier: MIT */
/* The inside of a relay, for relay*.c only. */
#ifndef SKT_TUNNEL_RELAY_INTERNAL_H
#define SKT_TUNNEL_RELAY_INTERNAL_H

#include "base/list.h"
#include "base/log.h"
#include "io/dial.h"
#include "io/loop.h"
#include "proto/kcp/rest.h"
#include "tunnel/relay.h"

#include <stdbool.h>
#include <stdint.h>

/* A relay that watches neither direction of its TCP socket (the client has ended its side or is held back,
 * the stream is quiet) would not learn of a reset: such relays are looked at this often. */
#define SKT_RELAY_SWEEP_US (1 * SKT_US_PER_SEC)

struct skt_relay_set {
    struct skt_loop *loop;
    struct skt_relay_stats stats;
    struct skt_list relays;
    struct skt_list blind; /* relays that watch nothing, to be looked at by the sweep */
    struct skt_loop_timer sweep;
};

/* The server's way to the target; only while it lasts. */
struct skt_relay_connect {
    struct skt_dial dial;
    char *host; /* as the configuration has it */
    uint16_t port;
};

struct skt_relay {
    struct skt_stream_owner owner; /* the stream's user */
    struct skt_relay_set *set;
    struct skt_endpoint *ep;
    struct skt_stream *st;    /* NULL once it is released, while the socket has something to end still */
    struct skt_kcp_rest rest; /* what the stream had in order when it was over: TCP is to get it still */
    struct skt_session
        *charged; /* the session whose peer made us have this relay; NULL: we did, or it is over */
    struct skt_shared *shared;         /* where `orphan` is counted */
    struct skt_relay_connect *connect; /* NULL: connected */
    struct skt_list link;              /* in set->relays */
    struct skt_list blind;             /* in set->blind */
    struct skt_loop_io io;       /* its fd is -1 until it is connected and after both directions ended */
    struct skt_loop_timer timer; /* the idle limit, then the end's */
    struct skt_loop_task more;   /* the stream has more to read than one event may move */
    uint64_t to_stream, to_tcp;  /* bytes */
    char *target;                /* client: the name that was asked for; NULL: the default one */
    skt_us began;                /* when it had its stream, for the log */
    uint32_t cid, conv;          /* the stream's name in the log, the same at both ends */
    uint64_t story;              /* whose debug lines are its own, for skt_debug_of */
    skt_us opened;               /* when the relay began */
    skt_us active;               /* a byte moved last, or was acknowledged */
    size_t undelivered;          /* at the last look, while it ends: what the other sides have yet to take */
    struct skt_relay_options options;
    uint8_t pieces; /* segments that the next read from TCP offers room in */
    bool held;      /* TCP is not read until the stream has room */
    bool blocked;   /* TCP takes no more: waiting until it is writable */
    bool tcp_ended; /* TCP's EOF was read */
    bool finished;  /* the stream was told of TCP's EOF */
    bool shut;      /* the stream's end was passed on to TCP */
    bool refused;   /* never connected to the target */
    bool dead;      /* the sweep found TCP broken */
    bool unheard;   /* opened here, and the peer has not answered yet */
    bool broken;    /* TCP is broken: it is read to its end, then the stream is left */
    bool deaf;      /* nobody takes what TCP says any more: it is read and dropped */
    bool leaving;   /* the stream ends behind what it has got; its acknowledgement is waited for */
    bool over;      /* the stream is over: TCP is reset behind what it has got */
    bool ending;
    bool took_fd; /* skt_endpoint_take_fd */
    bool orphan;  /* skt_endpoint_leave_fd */
};

static inline int skt_relay_fd(const struct skt_relay *r)
{
    return r->io.w.fd;
}

/* --- relay.c --- */

/* How a relay ends: in order (the stream is released), or by a reset of both sides with a reason. */
void skt_relay_end(struct skt_relay *r);
void skt_relay_abort(struct skt_relay *r, int reason);

/* The socket is connected: options are set, bytes begin to move. The relay may have ended afterwards. */
void skt_relay_start(struct skt_relay *r, int fd);

/* The socket is closed, or will not be: others may have its descriptor. */
void skt_relay_return_fd(struct skt_relay *r);

/* The stream is over, and its session may go before the relay does. False: there are too many such already,
 * so its socket is to be closed at once. */
bool skt_relay_detach(struct skt_relay *r);

/* Watches for what the relay waits for now. */
void skt_relay_watch(struct skt_relay *r);

/* --- relay_pump.c: the relay may have ended after each --- */

void skt_relay_on_tcp(struct skt_loop_io *io, unsigned ready);
void skt_relay_on_more(struct skt_loop_task *t, skt_us now);
void skt_relay_on_news(struct skt_stream_owner *owner, struct skt_stream *st, unsigned events);

/* Tries again what waits without an event to wait for: memory. */
void skt_relay_retry(struct skt_relay *r);

/* --- relay_end.c: ends that have their place behind the data --- */

/* TCP is broken, or has had its time. Nothing more is read from it; the peer gets what was, then the reset.
 */
void skt_relay_leave(struct skt_relay *r, int reason);

/* The stream was reset by the peer, or with its session. TCP gets what came before, then the reset. */
void skt_relay_on_over(struct skt_relay *r);

/* Goes on with either. The relay may have ended afterwards. */
void skt_relay_end_step(struct skt_relay *r);

/* Reads what TCP has and drops it. */
void skt_relay_drop_input(struct skt_relay *r);

/* --- relay_log.c --- */

/* Server: the target of a relay can't be had; its connect structure knows why. */
void skt_relay_log_no_target(const struct skt_relay *r);

/* Client: the server has no target for us. */
void skt_relay_log_refused(const struct skt_relay *r, int reason);

/* At level debug: the story of a connection, named "SESSION/CONVERSATION" on both ends. */
void skt_relay_trace_begin(struct skt_relay *r);
void skt_relay_trace_connected(const struct skt_relay *r, int fd);
void skt_relay_trace_end(const struct skt_relay *r);

/* --- relay_connect.c --- */

int skt_relay_connect_begin(struct skt_relay *r, const char *host, uint16_t port);
void skt_relay_connect_free(struct skt_relay *r);

#endif
