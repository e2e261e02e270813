/* SPDX-License-Identifier: MIT */
/* The search for the largest datagram that the path carries, after RFC 8899 (DPLPMTUD): padded probes that
 * are acknowledged, no ICMP. What is found is checked again while there is traffic, so that a path that
 * shrinks is noticed although small packets still pass. */
#ifndef SKT_PROTO_PATH_MTU_H
#define SKT_PROTO_PATH_MTU_H

#include "base/clock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct skt_mtu {
    uint16_t current; /* datagram bytes in use */
    uint16_t low;     /* known to pass, or SKT_MTU_LEAST; below `current` while that is only a guess */
    uint16_t high;    /* the largest that may still be tried */
    uint16_t cap;     /* the largest that either end takes */
    uint16_t probe;   /* size being probed; 0: none */
    uint8_t tries;    /* probes of this size sent without an answer, counted up to SKT_MTU_TRIES_SILENT */
    bool checking;    /* the probe checks `current`, it does not look for more */
    skt_us sent_at;   /* when the last one was */
    skt_us raise_at;  /* when a finished search is done again up to cap */
    bool started;
    skt_us at; /* when skt_mtu_probe has something to do; SKT_NEVER: nothing */
};

enum {
    SKT_MTU_TRIES = 3,                        /* MAX_PROBES of RFC 8899, 5.1.2 */
    SKT_MTU_TRIES_SILENT = 2 * SKT_MTU_TRIES, /* then it rests until there is data, where nothing is heard */
    SKT_MTU_STEP = 12,                        /* the search ends when high - low is below this */
};
#define SKT_MTU_RAISE_TIME (600 * SKT_US_PER_SEC) /* PMTU_RAISE_TIMER of RFC 8899, 5.1.1 */
#define SKT_MTU_CHECK_TIME (2 * SKT_US_PER_SEC)   /* between checks of `current` while data flows */

/* Nothing is probed before skt_mtu_start. */
void skt_mtu_init(struct skt_mtu *m);

/* Begins a search up to cap at `now`. */
void skt_mtu_start(struct skt_mtu *m, size_t cap, skt_us now);

/* Data is being sent: checks of `current`, which rest while there is none, go on. */
void skt_mtu_wake(struct skt_mtu *m, skt_us now);

/* At or after m->at: the size to probe now (the caller sends it), or 0. rtt: the smoothed round trip, 0:
 * unknown. busy: data was sent lately. heard: when the peer last was: probes that were lost while nothing
 * came through say nothing about their size, and are repeated. `current` may have shrunk afterwards: a
 * checked size was not answered. */
size_t skt_mtu_probe(struct skt_mtu *m, skt_us now, skt_us rtt, bool busy, skt_us heard);

/* After skt_mtu_probe gave a size: will its loss be believed only if something else gets through? Then the
 * caller asks the peer for something small. */
static inline bool skt_mtu_needs_sign(const struct skt_mtu *m)
{
    return m->probe != 0 && m->tries >= SKT_MTU_TRIES;
}

/* A probe of this size arrived; true: `current` has changed. */
bool skt_mtu_on_probed(struct skt_mtu *m, size_t size, skt_us now);

/* Is `current` what a search has ended with? False before the first one has, and while another is under way.
 */
static inline bool skt_mtu_settled(const struct skt_mtu *m)
{
    return m->started && (m->probe == 0 || m->checking);
}

/* May a datagram of this size be too long for the path, as far as is known? Then it goes without DF. */
static inline bool skt_mtu_doubts(const struct skt_mtu *m, size_t size)
{
    return size > m->low;
}

/* Nothing gets through, perhaps because of its size: falls back to SKT_MTU_START and searches again soon,
 * first for what was in use; sizes up to that are checked at once. True: `current` has changed. */
bool skt_mtu_on_black_hole(struct skt_mtu *m, skt_us now);

/* The system refuses to send datagrams of this size: its interface carries less. The search goes on below.
 * True: `current` has changed. */
bool skt_mtu_on_too_long(struct skt_mtu *m, size_t size, skt_us now);

#endif
