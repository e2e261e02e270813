/* SPDX-License-Identifier: MIT */
/* A bottleneck whose rate changes by the millisecond, as the mahimahi project records them: a list of
 * opportunities, each a time in ms at which 1504 bytes may leave. What nobody waits for is gone. At the end
 * the list begins anew. A packet leaves with the opportunity that takes its last byte; it may need several,
 * and several packets may share one. Before it is a queue counted in bytes that drops at its tail. */
#ifndef LAB_LINK_TRACE_H
#define LAB_LINK_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LINK_OPPORTUNITY_BYTES = 1504 }; /* mahimahi's: an Ethernet frame of 1500 and 4 of its TUN header */

/* A packet that has its place, until it has left. */
struct link_trace_waiting {
    int64_t leaves; /* ns, CLOCK_MONOTONIC */
    uint32_t len;
};

struct link_trace {
    uint32_t *at_ms;                  /* the opportunities, in order */
    size_t count;                     /* of at_ms, at least 1 */
    bool begun;                       /* its time runs */
    int64_t began;                    /* ns: when the present round began */
    size_t next;                      /* of at_ms: the first opportunity that isn't used up */
    uint32_t left;                    /* bytes that one still takes */
    uint64_t waiting;                 /* bytes before the bottleneck */
    struct link_trace_waiting *queue; /* ring of a power of two: whose bytes these are */
    size_t head, tail, room;          /* of queue; head and tail only grow */
};

/* Takes at_ms over (from malloc), also on failure. NULL with *why in static storage: no opportunity, out of
 * order, a last one at 0 ms (it would repeat without end), out of memory. */
struct link_trace *link_trace_new(uint32_t *at_ms, size_t count, const char **why);
/* A file of mahimahi's: one time a line. NULL with *why as above. */
struct link_trace *link_trace_read(const char *path, const char **why);
void link_trace_free(struct link_trace *t);

/* From now on the list is followed from its beginning. Packets that have their place keep it. */
void link_trace_begin(struct link_trace *t, int64_t now);
/* When the last byte of a packet leaves (ns, now or later), or LINK_NEVER if the queue, which holds
 * queue_bytes, has no room for it. The first packet begins the trace if nobody has. `now` never goes back. */
int64_t link_trace_pass(struct link_trace *t, size_t len, uint64_t queue_bytes, int64_t now);
/* How many bytes may leave in the first `ns` of the trace's time, the last one included. */
uint64_t link_trace_capacity(const struct link_trace *t, int64_t ns);

/* --- link_walk.c --- */

/* A model of such a link, of 60 s: see there. NULL: out of memory. */
struct link_trace *link_trace_walk(uint64_t seed);

#endif
