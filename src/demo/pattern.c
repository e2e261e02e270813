/* SPDX-License-Identifier: MIT */
#include "demo/pattern.h"

#include "base/bytes.h"

/* The output function of splitmix64 (Steele, Lea, Flood 2014): neighbours have nothing in common. */
static uint64_t word_at(uint64_t index)
{
    uint64_t z = (index + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

void skt_demo_pattern(uint8_t *buf, size_t len, uint64_t offset)
{
    while (len > 0) {
        size_t from = (size_t)(offset % 8);
        size_t n = 8 - from < len ? 8 - from : len;
        uint64_t word = word_at(offset / 8) >> (8 * from);
        if (n == 8) {
            skt_put_u64(buf, word);
        } else {
            for (size_t i = 0; i < n; i++)
                buf[i] = (uint8_t)(word >> (8 * i));
        }
        buf += n;
        len -= n;
        offset += n;
    }
}
