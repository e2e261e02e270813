/* SPDX-License-Identifier: MIT */
/* Hexadecimal in tests. */
#ifndef SKT_TESTS_CRYPTO_HEX_H
#define SKT_TESTS_CRYPTO_HEX_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Decodes a string, blanks allowed; the number of bytes. Ends the program on anything else. */
static inline size_t hex_decode(const char *text, void *out, size_t cap)
{
    uint8_t *p = out;
    size_t n = 0;
    for (; *text; text++) {
        if (*text == ' ' || *text == '\n')
            continue;
        int hi = hex_digit(text[0]), lo = hi < 0 ? -1 : hex_digit(text[1]);
        if (lo < 0 || n == cap) {
            fprintf(stderr, "bad hexadecimal in a test: %s\n", text);
            abort();
        }
        p[n++] = (uint8_t)(hi << 4 | lo);
        text++;
    }
    return n;
}

/* Into a static buffer, for messages and for comparing with text. */
static inline const char *hex_encode(const void *data, size_t len)
{
    static char text[8192];
    const uint8_t *p = data;
    for (size_t i = 0; i < len && 2 * i + 2 < sizeof text; i++)
        snprintf(text + 2 * i, 3, "%02x", p[i]);
    if (len == 0)
        text[0] = 0;
    return text;
}

#endif
