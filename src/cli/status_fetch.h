/* SPDX-License-Identifier: MIT */
/* The asking side of a status socket. */
#ifndef SKT_CLI_STATUS_FETCH_H
#define SKT_CLI_STATUS_FETCH_H

#include <stddef.h>

/* Reads the JSON document of the instance that listens at path: *text is allocated, zero-terminated, the
 * caller's. Takes timeout_ms at most. SKT_ERR_NOTFOUND (no socket, or nobody behind it), SKT_ERR_AGAIN (no
 * answer in time), SKT_ERR_MALFORMED (larger than an answer can be), SKT_ERR_IO (errno), SKT_ERR_NOMEM. */
int skt_status_fetch(const char *path, int timeout_ms, char **text, size_t *len);

/* The same for a question (status_socket.h). */
int skt_status_ask(const char *path, const char *question, int timeout_ms, char **text, size_t *len);

#endif
