/* SPDX-License-Identifier: MIT */
/* The receiving end of parity, fed with what an authenticated but hostile peer may send. Each step: kind, how
 * far the number advances, length, then the bytes. */
#include "proto/parity/ring.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct skt_parity_ring ring;
    uint32_t number = 1;
    ring.losses = (struct skt_parity_losses){0};
    skt_parity_ring_begin(&ring, number);
    while (len >= 3) {
        unsigned kind = data[0];
        uint32_t at = number + data[1];
        size_t n = data[2];
        data += 3;
        len -= 3;
        n = n < len ? n : len;
        at -= kind & 4 && at > 64 ? 64 : 0; /* back, too */
        skt_parity_ring_note(&ring, at);
        if (kind & 1)
            skt_parity_ring_body(&ring, at, data, n);
        else if (kind & 2)
            (void)skt_parity_ring_parity(&ring, at, data, n);
        /* As many as there are, or one, and the rest beside what follows. */
        uint32_t found;
        for (unsigned i = 0; skt_parity_ring_recover(&ring, &skt_gf256_portable, &found); i++) {
            size_t body_len;
            if (i > SKT_PARITY_RING || !skt_parity_ring_get(&ring, found, &body_len) ||
                body_len > SKT_PARITY_BODY_MAX)
                abort();
            if (kind & 8)
                break;
        }
        if (ring.losses.recovered > ring.losses.lost || ring.losses.runs > ring.losses.lost)
            abort();
        number = at > number ? at : number;
        data += n;
        len -= n;
    }
    return 0;
}
