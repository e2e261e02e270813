/* SPDX-License-Identifier: MIT */
/* What the machine allows a process. */
#ifndef SKT_IO_LIMITS_H
#define SKT_IO_LIMITS_H

#include <stddef.h>

/* Bytes for what peers can make a process hold, unless it was told: an eighth of the machine's memory within
 * 24 MiB and 1 GiB; 48 MiB where that can't be found out. */
size_t skt_limits_memory(void);

/* How many files may be open (the limit itself: skt_privileges_raise_fds). */
size_t skt_limits_files(void);

#endif
