/* SPDX-License-Identifier: MIT */
/* The replay window against a list of all that was taken. Each two bytes are a step: back from the top, or
 * ahead of it. */
#include "proto/keys/replay.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    enum { STEPS = 2000 };
    static uint64_t taken[STEPS];
    size_t count = 0;
    struct skt_replay r;
    if (len < 1)
        return 0;
    uint32_t bits = UINT32_C(64) << data[0] % 8;
    if (skt_replay_init(&r, bits) != 0)
        return 0;
    if (data[0] & 0x80)
        r.growth = r.words; /* as without memory to grow */
    for (size_t i = 1; i + 1 < len && count < STEPS; i += 2) {
        uint64_t by = (uint64_t)(data[i] >> 1) << 8 | data[i + 1];
        uint64_t n = data[i] & 1 ? r.top + by : by > r.top ? 0 : r.top - by;
        bool known = false, behind = r.top >= n && r.top - n >= bits;
        for (size_t j = 0; j < count; j++)
            known |= taken[j] == n;
        bool ok = skt_replay_take(&r, n);
        if (ok && (known || behind))
            abort();
        if (!ok && !known && !behind && !(data[0] & 0x80))
            abort();
        if (ok)
            taken[count++] = n;
    }
    skt_replay_dispose(&r);
    return 0;
}
