/* SPDX-License-Identifier: MIT */
/* The pattern: what the demo's files hold, so that each byte that arrives can be checked. */
#ifndef SKT_DEMO_PATTERN_H
#define SKT_DEMO_PATTERN_H

#include <stddef.h>
#include <stdint.h>

/* The len bytes of the pattern from offset on; it never repeats, so that a piece that is lost, doubled or in
 * the wrong place shows. */
void skt_demo_pattern(uint8_t *buf, size_t len, uint64_t offset);

#endif
