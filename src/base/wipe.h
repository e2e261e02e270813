/* SPDX-License-Identifier: MIT */
#ifndef SKT_BASE_WIPE_H
#define SKT_BASE_WIPE_H

#include <stdbool.h>
#include <stddef.h>

/* Overwrites a secret with zeros in a way that the compiler may not leave out. With len 0 it may be NULL. */
void skt_wipe(void *secret, size_t len);

/* Are the two strings of len bytes equal? The time taken depends on len only. */
bool skt_equal_ct(const void *a, const void *b, size_t len);

#endif
