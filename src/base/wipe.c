/* SPDX-License-Identifier: MIT */
#include "base/wipe.h"

#include <stdint.h>
#include <string.h>

void skt_wipe(void *secret, size_t len)
{
    if (len == 0)
        return; /* memset takes no NULL */
    memset(secret, 0, len);
    /* The barrier claims to read the memory, so the memset is not dead. */
    __asm__ __volatile__("" : : "r"(secret) : "memory");
}

bool skt_equal_ct(const void *a, const void *b, size_t len)
{
    const volatile uint8_t *x = (const volatile uint8_t *)a;
    const volatile uint8_t *y = (const volatile uint8_t *)b;
    uint8_t diff = 0;
    for (size_t i = 0; i < len; i++)
        diff = (uint8_t)(diff | (x[i] ^ y[i]));
    return diff == 0;
}
