/* SPDX-License-Identifier: MIT */
/* Ranges of stamps that are refused, since what was known of them was forgotten: few, in order, apart from
 * each other. Zero-initialised there are none; plain data. */
#ifndef SKT_PROTO_KEYS_STAMP_RANGES_H
#define SKT_PROTO_KEYS_STAMP_RANGES_H

#include <stdbool.h>
#include <stdint.h>

enum { SKT_STAMP_RANGES = 8 }; /* beyond them the closest two become one */

/* Stamps that are refused, both ends included; seconds since 1970. */
struct skt_stamp_range {
    uint32_t from_s; /* the first one */
    uint32_t to_s;   /* the last one */
};

struct skt_stamp_ranges {
    unsigned count; /* of `list` */
    struct skt_stamp_range
        list[SKT_STAMP_RANGES + 1]; /* in order; one place more than stay, for the newest */
};

/* Refuses one more range; one that ends before it begins is none. */
void skt_stamp_ranges_add(struct skt_stamp_ranges *all, struct skt_stamp_range range);

/* Is a stamp of this second refused? */
bool skt_stamp_ranges_have(const struct skt_stamp_ranges *all, uint64_t stamp_s);

#endif
