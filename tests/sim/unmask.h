/* SPDX-License-Identifier: MIT */
/* One datagram, where the program has batches. */
#ifndef SIM_UNMASK_H
#define SIM_UNMASK_H

#include "proto/keys/packet.h"

/* skt_packet_unmask_all for a single datagram; on an error, which is returned, *out is zeros. */
static inline int sim_unmask(const struct skt_crypto *crypto, struct skt_mask *mask, uint8_t *datagram,
                             size_t len, struct skt_packet_header *out)
{
    struct skt_packet_in in = {.datagram = datagram, .len = len};
    skt_packet_unmask_all(crypto, mask, &in, 1);
    *out = in.header;
    return in.err;
}

#endif
