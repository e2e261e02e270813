/* SPDX-License-Identifier: MIT */
/* The demo's target: a small HTTP/1.1 server with a page and /bytes/N, N bytes of a fixed pattern. */
#ifndef SKT_DEMO_HTTP_H
#define SKT_DEMO_HTTP_H

#include <stddef.h>
#include <stdint.h>

/* The len bytes of the pattern from offset on; it never repeats, so that a piece that is lost, doubled or in
 * the wrong place shows. */
void skt_demo_pattern(uint8_t *buf, size_t len, uint64_t offset);

/* Serves the connections of a listening socket until the process is ended. */
_Noreturn void skt_demo_http_serve(int listen_fd);

#endif
