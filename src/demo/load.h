/* SPDX-License-Identifier: MIT */
/* The demo's load: real HTTP over plain sockets, the same whatever is between them and the web server. */
#ifndef SKT_DEMO_LOAD_H
#define SKT_DEMO_LOAD_H

#include "base/addr.h"
#include "demo/report.h"

#include <stddef.h>

/* Where a way to the web server begins. */
struct skt_demo_load {
    enum skt_demo_way way; /* what reports say */
    struct skt_addr addr;  /* what to connect to */
};

/* Gets a small answer from each of n ways in turn, ten times a second where they are quick, on a connection
 * of its own, and reports how long each took, the connection included. */
_Noreturn void skt_demo_load_gets(const struct skt_demo_load *to, size_t n, int report_fd);

/* Downloads one file after the other, 64 KiB at first and then more up to 16 MiB, comparing every byte. */
_Noreturn void skt_demo_load_downloads(const struct skt_demo_load *from, int report_fd);

#endif
