/* SPDX-License-Identifier: MIT */
/* Congestion control as a const table of functions over a state of its own. The path tells a controller what
 * was sent, acknowledged and lost; the controller answers with a window and a pacing rate in `out`. Bytes are
 * datagram bytes, all overhead that the path knows of included. */
#ifndef SKT_PROTO_CC_CC_H
#define SKT_PROTO_CC_CC_H

#include "base/clock.h"
#include "proto/cc/filter.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SKT_CC_INITIAL_PACKETS = 32, /* window before anything was measured */
    SKT_CC_MIN_PACKETS = 4,      /* window that no event goes below */
};

/* The round trip assumed for pacing before one was measured. */
#define SKT_CC_INITIAL_RTT (50 * SKT_US_PER_MS)

/* What a controller decides; the first member of every state. */
struct skt_cc_out {
    size_t cwnd;          /* bytes that may be in flight */
    uint64_t pacing_rate; /* bytes per second, never 0 */
};

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

enum skt_bbr_phase { SKT_BBR_STARTUP, SKT_BBR_DRAIN, SKT_BBR_PROBE_BW, SKT_BBR_PROBE_RTT };

/* Packets sent close to each other, as their acknowledgements come in. */
struct skt_train {
    skt_us first_sent, last_sent, first_acked;
    skt_us most_rtt; /* the longest round trip among them */
    skt_us fall;     /* by how much a round trip after the longest one was shorter, at most */
    uint64_t bytes;  /* acknowledged after the first */
};

struct skt_cc_bbr {
    struct skt_cc_out out;
    size_t mss;
    enum skt_bbr_phase phase;
    struct skt_maxfilter bw; /* bytes/s over rounds */
    uint64_t round;
    uint64_t round_end; /* a round ends with the ack of something sent after `delivered` was this */
    skt_us round_at;    /* when the round began: it lasts for a round trip at least */
    bool filled;        /* STARTUP found the bandwidth */
    uint64_t full_bw;
    unsigned full_rounds;
    uint64_t regrow_until; /* the round up to which a STARTUP that is not the first looks ahead */
    uint64_t regrow_bw;    /* the bandwidth before such a STARTUP */
    skt_us regrow_srtt;    /* the round trip before it */
    unsigned cycle;        /* index into the PROBE_BW gains */
    skt_us cycle_at;
    uint64_t cycle_lost;                /* bytes lost since cycle_at */
    uint64_t cycle_bw;                  /* bandwidth when the cycle began */
    uint64_t round_bw;                  /* the best rate sample of this round */
    uint64_t last_bw;                   /* the best rate sample of the last round */
    uint64_t quiet_round;               /* the last round in which the queue was empty at some time */
    unsigned slow_rounds;               /* rounds in a row that were slow for no queue of ours */
    uint64_t round_pacing, last_pacing; /* the highest pacing rate of this round, and of the last */
    skt_us burst_at;                    /* when the short time began whose acknowledgements are counted now */
    uint64_t burst_acked;               /* bytes acknowledged since burst_at */
    uint64_t round_burst;               /* the highest rate of such times in this round, bytes/s */
    skt_us round_max_rtt;
    skt_us long_rtt,
        long_at; /* a round trip that the path has had without a queue, and until when; 0: none */
    skt_us min_rtt, min_rtt_at;
    skt_us srtt;
    skt_us reordering;      /* by how much some packets are late on the path itself; 0: it keeps the order */
    skt_us last_reordering; /* what the last round alone says of that */
    skt_us round_late_by;   /* the most that a packet of this round was late */
    uint64_t round_late;    /* how many bytes of round_acked were late */
    uint64_t last_late;     /* how many bytes were late in the last round */
    skt_us probe_rtt_until; /* 0: window not yet drained */
    skt_us round_min_rtt;   /* the least round trip of this round; SKT_NEVER: none yet */
    skt_us last_min_rtt;    /* the least round trip of the last round; SKT_NEVER: none */
    uint64_t round_lost,
        round_acked; /* bytes of this round; what arrived after all is not among the lost ones */
    uint64_t last_lost, last_acked; /* the same of the last round */
    struct skt_train train;         /* the packets whose dispersion is being measured */
    uint64_t uneven_round;        /* the last round in which trains were spread by changing delays; 0: none */
    struct skt_maxfilter ceiling; /* bytes/s that trains were spread to; STARTUP does not aim beyond */
    struct skt_maxfilter extra;   /* bytes that arrived ahead of the rate: ACKs come in clumps */
    skt_us clump_at;
    uint64_t clump_acked;
    bool idle_restart;
    bool timed_out; /* a timeout cut the window; the next ack restores saved_cwnd */
    size_t saved_cwnd;
    uint64_t lost, acked;   /* bytes since the loss rate was last folded */
    uint32_t loss_permille; /* random loss, smoothed over rounds */
    uint32_t loss_folds;    /* rounds that loss_permille is of, up to what is smoothed over */
};

struct skt_cc_cubic {
    struct skt_cc_out out;
    size_t mss;
    size_t ssthresh;
    size_t w_max;       /* window at the last reduction */
    size_t reno_window; /* what Reno would have */
    skt_us epoch_at;    /* 0: a new epoch begins with the next ack */
    int64_t k_ms;       /* time from the epoch's start until w_max is reached again */
    size_t reno_credit; /* bytes acknowledged towards reno_window's next mss */
    skt_us recovery_at; /* losses of what was sent before belong to the same event */
    size_t undo_cwnd, undo_ssthresh, undo_w_max;
    uint64_t undo_left; /* lost bytes of the last event not yet shown spurious; 0: nothing to undo */
    bool undone;        /* the last event was taken back */
    bool mended;        /* the last event must not be taken back: the peer said that there were losses */
    skt_us srtt, min_rtt;
    uint64_t round_end;
    skt_us round_min_rtt; /* the least round trip of this round, for leaving slow start early */
    unsigned round_samples;
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
