/* SPDX-License-Identifier: MIT */
/* The inside of a relay, for relay*.c only: what it is made of, what it watches, how it ends at once. */
#ifndef SKT_TUNNEL_RELAY_INTERNAL_H
#define SKT_TUNNEL_RELAY_INTERNAL_H

#include "base/list.h"
#include "base/log.h"
#include "io/loop.h"
#include "io/tcp_conn.h"
#include "proto/kcp/rest.h"
#include "tunnel/relay.h"
#include "tunnel/relay_charge.h"

#include <stdbool.h>
#include <stdint.h>

/* A relay that watches neither direction of its TCP socket (the client has ended its side or is held back,
 * the stream is quiet) would not learn of a reset: such relays are looked at once a second, which 10,000 of
 * them make 80 calls of poll. */
#define SKT_RELAY_SWEEP_US (1 * SKT_US_PER_SEC)

struct skt_relay_set {
    struct skt_loop *loop;        /* that all relays run in */
    struct skt_relay_stats stats; /* of all relays so far */
    struct skt_list relays;       /* struct skt_relay: all that there are */
    struct skt_list targets;      /* struct skt_tally: of each target so far */
    struct skt_list blind;        /* struct skt_relay: those that watch nothing, for the sweep to look at */
    struct skt_loop_timer sweep;  /* the next look; runs while `blind` has somebody */
};

/* From TCP to the stream. */
struct skt_relay_in {
    uint64_t bytes; /* moved so far */
    uint8_t pieces; /* segments that the next read offers room in: more while reads fill them */
    bool held;      /* TCP is not read until the stream has room */
    bool ended;     /* TCP's end was read */
    bool told;      /* the stream was told of TCP's end */
    bool deaf;      /* nobody takes what TCP says any more: it is read and dropped */
};

/* From the stream to TCP. */
struct skt_relay_out {
    uint64_t bytes;           /* moved so far */
    struct skt_kcp_rest rest; /* what the stream had in order when it was over: TCP is to get it still */
    bool blocked;             /* TCP takes no more: waiting until it is writable */
    bool shut;                /* the stream's end was passed on to TCP */
};

/* How it ends. */
struct skt_relay_fate {
    size_t undelivered; /* at the last look, while it ends: bytes that the other sides have yet to take */
    bool refused;       /* it never had its target */
    bool dead;          /* the sweep found TCP broken, and has not acted on it yet */
    bool broken;        /* TCP is broken: it is read to its end, then the stream is left */
    bool leaving;       /* the stream ends behind what it has got; its acknowledgement is waited for */
    bool over;          /* the stream is over: TCP is reset behind what it has got */
    bool ending;        /* it is being taken apart */
};

/* What the log calls it. */
struct skt_relay_name {
    char *target;   /* client: the name that was asked for; NULL: the default one */
    uint32_t cid;   /* the session's number, the same at both ends */
    uint32_t conv;  /* the stream's number, the same at both ends; 0: it never had a stream */
    uint64_t story; /* whose debug lines are its own, for skt_debug_of */
};

struct skt_relay {
    struct skt_stream_owner owner;     /* the stream's user */
    struct skt_relay_set *set;         /* where it is counted */
    struct skt_endpoint *ep;           /* the stream's */
    struct skt_stream *st;             /* NULL once it is released, while TCP has something to end still */
    struct skt_tcp_conn *conn;         /* NULL until it is connected, and after both directions have ended */
    struct skt_relay_connect *connect; /* the way to the target; NULL: connected, or given up */
    struct skt_list link;              /* in set->relays */
    struct skt_list blind;             /* in set->blind */
    struct skt_loop_timer timer;       /* the first answer's, then the idle limit's, then the end's */
    struct skt_loop_task more;         /* the stream has more to read than one event may move */
    struct skt_relay_options options;  /* as handed in */
    struct skt_tally *tally;           /* of its target; NULL: there was no memory for one */
    struct skt_relay_charge charge;    /* what it takes of its session's share */
    struct skt_relay_in in;            /* from TCP to the stream */
    struct skt_relay_out out;          /* from the stream to TCP */
    struct skt_relay_fate fate;        /* how it ends */
    struct skt_relay_name name;        /* for the log */
    skt_us began;                      /* it has had its stream since */
    skt_us active;                     /* a byte moved last, or was acknowledged; 0: not connected yet */
    bool unheard;                      /* opened here, and the peer has not answered yet */
};

/* Counts for its target (enum skt_tally_of_target). */
static inline void skt_relay_count(struct skt_relay *r, unsigned what, uint64_t n)
{
    if (r->tally)
        r->tally->sum[what] += n;
}

/* Watches for what the relay waits for now. */
void skt_relay_watch(struct skt_relay *r);

/* How a relay ends: in order (the stream is released), or by a reset of both sides with a reason. */
void skt_relay_end(struct skt_relay *r);
void skt_relay_abort(struct skt_relay *r, int reason);

/* Takes back a relay that nobody knows of yet; its stream and its connection are the caller's still. */
void skt_relay_forget(struct skt_relay *r);

/* Resets a stream with a reason, or releases it where it was reset already. */
void skt_relay_reset_stream(struct skt_endpoint *ep, struct skt_stream *st, int reason);

/* The way to the target is over, or given up. */
void skt_relay_drop_connect(struct skt_relay *r);

#endif
