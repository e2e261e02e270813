/* SPDX-License-Identifier: MIT */
/* The state of the turbo controller, in parts that have an owner each: the file named beside them is the one
 * that writes them. Rates are in bytes/s. */
#ifndef SKT_PROTO_CC_BBR_STATE_H
#define SKT_PROTO_CC_BBR_STATE_H

#include "base/clock.h"
#include "proto/cc/filter.h"
#include "proto/cc/out.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum skt_bbr_phase { SKT_BBR_STARTUP, SKT_BBR_DRAIN, SKT_BBR_PROBE_BW, SKT_BBR_PROBE_RTT };

/* Rounds: what is in flight at a time, from its sending to its acknowledgement (bbr_round.c). */
struct skt_bbr_rounds {
    uint64_t n;           /* rounds that have ended */
    uint64_t end;         /* this one ends with the ack of something sent after so much was delivered, */
    skt_us at;            /* but not before a round trip after its begin, which was then */
    uint64_t bw;          /* the best rate sample of this round */
    uint64_t last_bw;     /* the best rate sample of the last round */
    uint64_t pacing;      /* the highest pacing rate of this round */
    uint64_t last_pacing; /* the highest pacing rate of the last round */
    uint64_t quiet;       /* the last round in which the queue was empty at some time */
    unsigned slow;        /* rounds in a row that were slow for no queue of ours */
};

/* How STARTUP ends (bbr_startup.c). */
struct skt_bbr_startup {
    bool filled;             /* the bandwidth is found */
    uint64_t full_bw;        /* the bandwidth when it had last grown by a quarter */
    unsigned full_rounds;    /* rounds since, those with a queue counted twice */
    uint64_t cautious_until; /* the round up to which a STARTUP that is not the first looks ahead */
    uint64_t cautious_bw;    /* the bandwidth before such a STARTUP */
    skt_us cautious_srtt;    /* the smoothed round trip before such a STARTUP */
};

/* PROBE_BW's cycle of gains (bbr_phase.c). */
struct skt_bbr_cycle {
    unsigned index; /* into the gains */
    skt_us at;      /* when this gain began */
    uint64_t lost;  /* bytes lost since `at` */
    uint64_t bw;    /* the bandwidth when the whole cycle began */
};

/* Round trips (bbr_delay.c; min, longer and probe_until: bbr_phase.c, too). */
struct skt_bbr_delays {
    skt_us min;         /* the path's least, without a queue; 0: not known */
    skt_us min_at;      /* when `min` was last seen, or nearly */
    skt_us srtt;        /* the path's smoothed round trip; 0: not known */
    skt_us round_min;   /* the least of this round; SKT_NEVER: none yet */
    skt_us round_max;   /* the longest of this round */
    skt_us last_min;    /* the least of the last round; SKT_NEVER: none */
    skt_us longer;      /* a round trip that the path has had without a queue; 0: none but min */
    skt_us longer_at;   /* when `longer` was last seen */
    skt_us probe_until; /* when PROBE_RTT ends; 0: its window is not yet drained */
};

/* By how much the path reorders (bbr_delay.c). */
struct skt_bbr_reorder {
    skt_us by;           /* so late are some packets on the path itself; 0: it keeps the order */
    skt_us last_by;      /* what the last round alone says of that */
    skt_us round_by;     /* the most that a packet of this round was late */
    uint64_t round_late; /* bytes of this round that were late */
    uint64_t last_late;  /* bytes of the last round that were late */
};

/* Short times in which much arrives: what a bottleneck lets through when it lets anything through
 * (bbr_delay.c). */
struct skt_bbr_burst {
    skt_us at;      /* when the time began whose acknowledgements are counted now */
    uint64_t acked; /* bytes acknowledged since `at` */
    uint64_t best;  /* the highest rate of such times in this round */
};

/* Packets sent close to each other, as their acknowledgements come in. */
struct skt_train {
    skt_us first_sent;  /* when the first of them was sent */
    skt_us last_sent;   /* when the last of them was sent */
    skt_us first_acked; /* when the first of them was acknowledged; 0: there is no train */
    skt_us most_rtt;    /* the longest round trip among them */
    skt_us fall;        /* by how much a round trip after the longest one was shorter, at most */
    uint64_t bytes;     /* acknowledged after the first */
};

/* What a bottleneck does to trains (bbr_train.c). */
struct skt_bbr_trains {
    struct skt_train now;         /* the packets whose dispersion is being measured */
    uint64_t uneven;              /* the last round in which changing delays had spread one; 0: none */
    struct skt_maxfilter ceiling; /* rates that trains were spread to; STARTUP does not aim beyond */
};

/* ACKs that come in clumps (bbr_round.c). */
struct skt_bbr_clumps {
    struct skt_maxfilter extra; /* bytes that arrived ahead of the rate */
    skt_us at;                  /* when the clump began */
    uint64_t acked;             /* bytes of the clump */
};

/* Losses (bbr_round.c, bbr.c). What arrived after all is not among them. */
struct skt_bbr_losses {
    uint64_t round_lost;  /* bytes lost in this round */
    uint64_t round_acked; /* bytes acknowledged in this round */
    uint64_t last_lost;   /* bytes lost in the last round */
    uint64_t last_acked;  /* bytes acknowledged in the last round */
    uint64_t lost;        /* bytes lost since `permille` was last brought up to date */
    uint64_t acked;       /* bytes acknowledged since then */
    uint32_t permille;    /* of what is sent is lost at random, smoothed over rounds */
    uint32_t folds;       /* rounds that `permille` is of, up to what is smoothed over */
};

enum { SKT_BBR_SLOTS = 17 }; /* two round trips, and the slot that is being counted */

/* What the path lets through just now, and how much that varies (bbr_supply.c). */
struct skt_bbr_supply {
    skt_us slot_time;              /* how long a slot is */
    skt_us at;                     /* when the slot began that is being counted */
    unsigned slot;                 /* the number of that slot */
    unsigned unlimited;            /* slots since there was too little to send */
    uint64_t bytes[SKT_BBR_SLOTS]; /* acknowledged in each of the last slots */
    uint64_t rate;                 /* of the last round trip or two; 0: not known */
    skt_us rtt;                    /* the newest round trip */
    skt_us acked_at;               /* when something was acknowledged last */
    uint64_t busy_bytes;           /* acknowledged in the rounds that are to count as one */
    skt_us busy_time;              /* how long these rounds took, without breaks */
    uint64_t mean;                 /* the rounds' rates, smoothed; 0: not known */
    uint64_t last;                 /* the rate of the last round that counted */
    uint64_t deviation;            /* how far rates are from these two, smoothed */
    bool varies;                   /* by so much that the best of some rounds says little of the next */
    skt_us room;         /* the delay of a queue that is kept on purpose where `varies`; 0: not known */
    uint64_t fits;       /* bytes of a queue that the buffer has held; 0: it has not overflowed */
    skt_us longest;      /* the longest that rounds' shortest queues were since one was within the room */
    uint64_t lost[2];    /* bytes lost of late, while there was no queue and while there was one */
    uint64_t arrived[2]; /* bytes that arrived, in the same two */
};

struct skt_cc_bbr {
    struct skt_cc_out out;
    size_t mss; /* bytes in a full datagram */
    enum skt_bbr_phase phase;
    struct skt_maxfilter bw; /* the path's bandwidth: the most of some rounds */
    struct skt_bbr_rounds rounds;
    struct skt_bbr_startup startup;
    struct skt_bbr_cycle cycle;
    struct skt_bbr_delays delays;
    struct skt_bbr_reorder reorder;
    struct skt_bbr_burst burst;
    struct skt_bbr_trains trains;
    struct skt_bbr_clumps clumps;
    struct skt_bbr_losses losses;
    struct skt_bbr_supply supply;
    bool idle_restart; /* nothing was in flight when something was sent last */
    bool timed_out;    /* a timeout cut the window; the next ack restores saved_cwnd */
    size_t saved_cwnd; /* the window before a timeout or PROBE_RTT */
};

#endif
