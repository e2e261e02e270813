/* SPDX-License-Identifier: MIT */
/* The state of cc/cubic.c. Windows are in bytes. */
#ifndef SKT_PROTO_CC_CUBIC_STATE_H
#define SKT_PROTO_CC_CUBIC_STATE_H

#include "base/clock.h"
#include "proto/cc/out.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the window was before its last reduction, which may turn out to have had no loss behind it. */
struct skt_cubic_undo {
    size_t cwnd;     /* the window then */
    size_t ssthresh; /* ssthresh then */
    size_t w_max;    /* w_max then */
    uint64_t left; /* lost bytes of the last reduction that are not yet shown spurious; 0: nothing to undo */
    bool undone;   /* the last reduction was taken back */
    bool mended;   /* the last reduction must not be taken back: the peer said that there were losses */
};

struct skt_cc_cubic {
    struct skt_cc_out out;
    size_t mss;         /* bytes in a full datagram */
    size_t ssthresh;    /* the window at which slow start ends */
    size_t w_max;       /* the window at the last reduction */
    size_t reno_window; /* what Reno would have */
    size_t reno_credit; /* bytes acknowledged towards the next mss of reno_window */
    skt_us epoch_at;    /* when growth after the last reduction began; 0: it begins with the next ack */
    int64_t k_ms;       /* time from epoch_at until w_max is reached again, in ms */
    skt_us
        recovery_at; /* when the window was last reduced: losses of what was sent before are the same event */
    struct skt_cubic_undo undo;
    skt_us srtt;            /* the path's smoothed round trip; 0: not known */
    skt_us min_rtt;         /* the path's least round trip of late; 0: not known */
    skt_us rtt;             /* the newest round trip; 0: not known */
    uint64_t count_end;     /* the round of lost[0] ends with the ack of something sent after so much came */
    uint64_t lost[2];       /* bytes lost in this round, and in the last */
    uint64_t acked[2];      /* bytes acknowledged in this round, and in the last */
    uint64_t round_end;     /* a round ends with the ack of something sent after so much was delivered */
    skt_us round_min_rtt;   /* the least round trip of this round, for leaving slow start early */
    unsigned round_samples; /* how many round trips round_min_rtt is the least of */
};

#endif
