/* SPDX-License-Identifier: MIT */
/* Time and serial numbers. Inside the program time is monotonic microseconds, read once per loop turn. It
 * goes on while the machine is suspended: keys, sessions and limits age as they do at the other end. */
#ifndef SKT_BASE_CLOCK_H
#define SKT_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* The system's clock behind it. Linux's CLOCK_MONOTONIC stands while suspended; that of macOS does not. */
#ifdef __linux__
#define SKT_CLOCK CLOCK_BOOTTIME
#else
#define SKT_CLOCK CLOCK_MONOTONIC
#endif

typedef uint64_t skt_us; /* monotonic microseconds; SKT_NEVER means "no deadline" */

#define SKT_NEVER      UINT64_MAX
#define SKT_US_PER_MS  UINT64_C(1000)
#define SKT_US_PER_SEC UINT64_C(1000000)

/* The time now. */
static inline skt_us skt_clock_now(void)
{
    struct timespec ts;
    clock_gettime(SKT_CLOCK, &ts);
    return (skt_us)ts.tv_sec * SKT_US_PER_SEC + (skt_us)ts.tv_nsec / 1000;
}

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
