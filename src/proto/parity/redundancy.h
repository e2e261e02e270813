/* SPDX-License-Identifier: MIT */
/* How often a segment of a thin flow is sent unasked, and how much parity goes with the other packets
 * (redundancy_parity.c): by the loss that was measured, within a budget that both share.
 *
 * Loss is measured by what is acknowledged. An ACK names one transmission, so an ACK of a duplicate that
 * comes before any of the original says that the original (or its ACK) was lost; how the duplicates behind a
 * lost original fared tells bursts from independent losses. */
#ifndef SKT_PROTO_PARITY_REDUNDANCY_H
#define SKT_PROTO_PARITY_REDUNDANCY_H

#include "base/clock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SKT_COPIES_MAX = 4,        /* duplicates of one transmission */
    SKT_COPIES_UNMEASURED = 2, /* duplicates until SKT_COPIES_MEASURED segments were measured */
    SKT_COPIES_MEASURED = 200, /* segments, after which the loss decides how many duplicates there are */
    SKT_OVERHEAD_CAP = 300,    /* default: redundant bytes over first transmissions, thousandths */
    SKT_OVERHEAD_FREE = 64000, /* bytes a second that are allowed in any case (512 kbit/s) */
    SKT_OVERHEAD_LEFT = SKT_OVERHEAD_FREE / 4, /* bytes that parity leaves to duplicates, which need few */
    SKT_REDUNDANCY_SLOTS = 11,                 /* of 100 ms: never less than the last second */
    SKT_REDUNDANCY_SUSPECTS = 16,              /* presumed losses that may still turn out to be late */
    SKT_PARITY_BYTES_MAX = 4000000, /* a second, first transmissions (32 Mbit/s): above it is bulk */
    SKT_PARITY_GROUP = 30 /* packets worth parity in a group, if the timer does not close it before */
};

/* An original that may be lost: its duplicate overtook it, or an acknowledgement came that did not say which
 * of them had arrived. */
struct skt_suspect {
    uint32_t conv, sn, ts;
    bool open; /* not counted as lost: nothing was named yet */
};

struct skt_redundancy {
    bool off;
    bool parity; /* the peer takes parity */
    bool inner;  /* what is sent are packets of inner flows, whose senders take a delay for a queue */
    uint8_t fixed_data, fixed_parity; /* so much parity for so many packets, whatever is lost; 0: by loss */
    uint32_t cap_permille;
    uint32_t measured, lost;        /* of about the last 1024 to 2048 segments */
    uint32_t sure;                  /* of the lost ones, those not only presumed from a duplicate's ACK */
    uint32_t followed, follow_lost; /* duplicates behind a lost original; how many of these were lost, too */
    uint32_t run_lost, runs;        /* packets lost and in how many runs, of about the last 256 to 512 */
    struct skt_suspect suspects[SKT_REDUNDANCY_SUSPECTS];
    unsigned suspect_next;
    /* Bytes, by tenths of seconds: sent for the first time, redundant ones in all, those of parity among
     * these, and of parity as it would have been without a budget. */
    uint32_t first[SKT_REDUNDANCY_SLOTS], copied[SKT_REDUNDANCY_SLOTS];
    uint32_t parity_sent[SKT_REDUNDANCY_SLOTS], parity_wanted[SKT_REDUNDANCY_SLOTS];
    uint64_t ration_left; /* thousandths of a parity that the last ration was less than a group's part */
    uint64_t slot_at;     /* the tenth that is counted now */
};

void skt_redundancy_init(struct skt_redundancy *r);

/* Forgets what was measured: the path is another one. */
void skt_redundancy_reset(struct skt_redundancy *r);

/* A transmission was acknowledged, or found lost by its successors, or was thought lost and arrived after
 * all.
 */
void skt_redundancy_on_arrived(struct skt_redundancy *r);
void skt_redundancy_on_lost(struct skt_redundancy *r);
void skt_redundancy_on_spurious(struct skt_redundancy *r);

/* The n-th duplicate (from 1) of a transmission was acknowledged before all others of it. */
void skt_redundancy_on_copy_arrived(struct skt_redundancy *r, unsigned n, const struct skt_suspect *original);

/* A segment that was sent several times was acknowledged without a name (una, as the first packet of an
 * answer brings it). It counts as arrived; but if a later transmission is named before this one, this one was
 * lost. */
void skt_redundancy_on_unnamed(struct skt_redundancy *r, const struct skt_suspect *first);

/* An ACK of something acknowledged before: takes a presumed loss back if it names that very transmission, and
 * presumes one if it is the first that names one of those sent. */
void skt_redundancy_on_late(struct skt_redundancy *r, const struct skt_suspect *named);

/* How many duplicates a transmission is to have: the fewest n with p q^n <= 1/11000, where p is the measured
 * loss and q the loss of what follows a lost packet; 0 without loss. */
unsigned skt_redundancy_copies(const struct skt_redundancy *r);

/* What the receiver counted since its last report: packets lost, in how many runs, and how many of them
 * parity brought back, which were acknowledged and so looked as if they had arrived. Any numbers are taken;
 * those that contradict each other are ignored. */
void skt_redundancy_on_report(struct skt_redundancy *r, uint32_t lost, uint32_t runs, uint32_t recovered);

/* Was more than SKT_PARITY_BYTES_MAX sent for the first time in the last second? Then it is a bulk transfer,
 * even where something else than the path holds it up (a slow machine, the peer's window). */
bool skt_redundancy_is_bulk(const struct skt_redundancy *r);

/* How many packets worth parity make a full group; 0: no parity now. Inner flows have it from the first
 * packet on, before anything was measured: a TCP flow that is held up while it starts stays slow for long. */
unsigned skt_redundancy_group(const struct skt_redundancy *r);

/* How many parities a group has of `data` packets worth parity, `span` in all: the fewest m with which more
 * than m of span + m packets are lost once in 1000 groups at most, losses coming in runs as reported; or in
 * the fixed proportion. At most SKT_PARITY_MAX. */
unsigned skt_redundancy_parity(const struct skt_redundancy *r, unsigned data, unsigned span);

/* Do losses come in runs, as far as the receiver's reports say, or is that not known yet? */
bool skt_redundancy_has_runs(const struct skt_redundancy *r);

/* Of the `wanted` parities of a group, each of so many bytes, as many as every group can have: where the
 * budget is too small for the last second's groups, all get the same part of what they want. 1 at least. */
unsigned skt_redundancy_ration(struct skt_redundancy *r, skt_us now, unsigned wanted, size_t bytes);

/* Bytes that the budget admits now. */
uint64_t skt_redundancy_left(struct skt_redundancy *r, skt_us now);

/* Does the budget admit a duplicate of so many bytes? */
bool skt_redundancy_allows(struct skt_redundancy *r, skt_us now, size_t bytes);

/* Bytes were sent: for the first time, as a duplicate, or as parity. */
void skt_redundancy_on_first(struct skt_redundancy *r, skt_us now, size_t bytes);
void skt_redundancy_on_copied(struct skt_redundancy *r, skt_us now, size_t bytes);
void skt_redundancy_on_parity(struct skt_redundancy *r, skt_us now, size_t bytes);

#endif
