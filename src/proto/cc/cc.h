/* SPDX-License-Identifier: MIT */
/* Congestion control as a const table of functions over a state of its own. The path tells a controller what
 * was sent, acknowledged and lost; the controller answers with a window and a pacing rate in `out`. Bytes are
 * datagram bytes, all overhead that the path knows of included. */
#ifndef SKT_PROTO_CC_CC_H
#define SKT_PROTO_CC_CC_H

#include "base/clock.h"
#include "proto/cc/bbr_state.h"
#include "proto/cc/cubic_state.h"
#include "proto/cc/out.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SKT_CC_INITIAL_PACKETS = 32, /* window before anything was measured */
    SKT_CC_MIN_PACKETS = 4,      /* window that no event goes below */
};

/* The round trip assumed for pacing before one was measured. */
#define SKT_CC_INITIAL_RTT (50 * SKT_US_PER_MS)

/* One or more segments acknowledged at once. */
struct skt_cc_ack {
    skt_us now;
    size_t acked;             /* bytes newly acknowledged */
    size_t inflight;          /* bytes in flight afterwards */
    uint64_t delivered;       /* bytes acknowledged in all, these included */
    uint64_t prior_delivered; /* `delivered` when the newest transmission among them was sent */
    uint64_t rate;    /* delivery rate (draft-cheng-iccrg-delivery-rate-estimation), bytes/s; 0: no sample */
    bool app_limited; /* the sample was taken while there was too little to send */
    bool brief;       /* no data has waited for window or pacer for longer than a round trip */
    skt_us sent_at;   /* when the newest transmission among them was sent; 0: not known */
    skt_us rtt;       /* its round trip; 0: not known */
    skt_us srtt, min_rtt; /* of the path; 0: not measured yet */
    size_t late;          /* bytes of `acked` that came long after what was sent later had come */
    skt_us late_by;       /* the most that any of these was behind; 0: none was */
};

/* A transmission found lost. */
struct skt_cc_loss {
    skt_us now;
    size_t bytes;
    size_t inflight; /* bytes in flight afterwards */
    skt_us sent_at;  /* when the lost transmission was sent */
};

union skt_cc_state;

struct skt_cc {
    const char *name;
    /* mss: bytes in a full datagram. */
    void (*init)(union skt_cc_state *s, skt_us now, size_t mss);
    void (*set_mss)(union skt_cc_state *s, size_t mss);
    /* Before bytes are sent; inflight without them. */
    void (*on_sent)(union skt_cc_state *s, skt_us now, size_t bytes, size_t inflight);
    void (*on_acked)(union skt_cc_state *s, const struct skt_cc_ack *a);
    void (*on_lost)(union skt_cc_state *s, const struct skt_cc_loss *l);
    /* The peer says that transmissions of about the last round trip were lost and mended by parity, so that
     * acknowledgements look as if they had arrived. NULL: of no interest. */
    void (*on_mended)(union skt_cc_state *s, skt_us now);
    /* A transmission reported by on_lost or a timeout arrived after all. */
    void (*on_spurious)(union skt_cc_state *s, skt_us now, size_t bytes);
    /* The retransmission timer: everything in flight counts as lost. */
    void (*on_timeout)(union skt_cc_state *s, skt_us now);
    /* A round trip measured without an acknowledgement. */
    void (*on_rtt)(union skt_cc_state *s, skt_us now, skt_us rtt);
    /* What it is doing, in a word; lives for ever. */
    const char *(*phase)(const union skt_cc_state *s);
};

union skt_cc_state {
    struct skt_cc_out out;
    struct skt_cc_bbr bbr;
    struct skt_cc_cubic cubic;
};

/* Speed mode 1: keeps its rate under random loss up to about 20 % (BBRv1's model of the path). */
extern const struct skt_cc skt_cc_turbo;

/* Speed mode 0: gives way to others as TCP does (CUBIC, RFC 9438), with pacing. */
extern const struct skt_cc skt_cc_normal;

#endif
