/* SPDX-License-Identifier: MIT */
/* What a controller decides. */
#ifndef SKT_PROTO_CC_OUT_H
#define SKT_PROTO_CC_OUT_H

#include <stddef.h>
#include <stdint.h>

/* The first member of every controller's state. */
struct skt_cc_out {
    size_t cwnd;          /* bytes that may be in flight */
    uint64_t pacing_rate; /* bytes per second, never 0 */
};

#endif
