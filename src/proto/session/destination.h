/* SPDX-License-Identifier: MIT */
/* Where a stream of kind SKT_STREAM_TCP_TO is to lead: an address and a port, as they stand in its header. */
#ifndef SKT_PROTO_SESSION_DESTINATION_H
#define SKT_PROTO_SESSION_DESTINATION_H

#include "base/addr.h"

enum {
    SKT_DESTINATION_MIN = 1 + 2 + 4, /* family u8 | port u16 | address */
    SKT_DESTINATION_MAX = 1 + 2 + 16,
};

/* Writes it; its length, or 0: no address, or port 0. */
size_t skt_destination_write(uint8_t out[SKT_DESTINATION_MAX], const struct skt_addr *to);

/* Reads it from the beginning of what may be longer; its length, or 0: there is none, or it ends too early.
 */
size_t skt_destination_read(struct skt_addr *to, const uint8_t *in, size_t len);

#endif
