/* SPDX-License-Identifier: MIT */
/* Time and serial numbers. Inside the program time is monotonic microseconds, read once per loop turn. */
#ifndef SKT_BASE_CLOCK_H
#define SKT_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

typedef uint64_t skt_us; /* monotonic microseconds; SKT_NEVER means "no deadline" */

#define SKT_NEVER      UINT64_MAX
#define SKT_US_PER_MS  UINT64_C(1000)
#define SKT_US_PER_SEC UINT64_C(1000000)

/* Signed distance a - b of 32-bit serial numbers (RFC 1982); right while they are less than 2^31 apart. */
static inline int32_t skt_serial_diff(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b);
}

/* Is serial number a before b? */
static inline bool skt_serial_before(uint32_t a, uint32_t b)
{
    return skt_serial_diff(a, b) < 0;
}

static inline skt_us skt_us_min(skt_us a, skt_us b)
{
    return a < b ? a : b;
}

static inline skt_us skt_us_max(skt_us a, skt_us b)
{
    return a > b ? a : b;
}

/* a + b, where SKT_NEVER plus anything stays SKT_NEVER. */
static inline skt_us skt_us_add(skt_us a, skt_us b)
{
    return a > SKT_NEVER - b ? SKT_NEVER : a + b;
}

#endif
