/* SPDX-License-Identifier: MIT */
/* The demo's target: a small HTTP/1.1 server with a page and /bytes/N, N bytes of a fixed pattern. */
#ifndef SKT_DEMO_HTTP_H
#define SKT_DEMO_HTTP_H

/* Serves the connections of a listening socket until the process is ended. */
_Noreturn void skt_demo_http_serve(int listen_fd);

#endif
