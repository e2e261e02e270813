/* SPDX-License-Identifier: MIT */
#ifndef SKT_BASE_UTF8_H
#define SKT_BASE_UTF8_H

#include <stddef.h>

/* The length of the well-formed UTF-8 sequence of two bytes or more that begins at s (which ends with a
 * zero); 0: there is none. */
size_t skt_utf8_len(const unsigned char *s);

#endif
