/* SPDX-License-Identifier: MIT */
/* The answering side: a Unix stream socket, mode 0600, that gives one JSON document to whoever connects. */
#ifndef SKT_CLI_STATUS_SOCKET_H
#define SKT_CLI_STATUS_SOCKET_H

#include "io/loop.h"

#include <stdio.h>
#include <sys/types.h>

struct skt_status_socket;

/* Listens at path. A socket that a dead process has left there is replaced. SKT_ERR_FULL: an instance is
 * alive behind it; SKT_ERR_IO (errno); SKT_ERR_NOMEM. Answers nobody until skt_status_socket_serve. */
int skt_status_socket_new(struct skt_status_socket **out, struct skt_loop *loop, const char *path);

/* From now on each connection gets what `write` writes to out. */
void skt_status_socket_serve(struct skt_status_socket *s, void (*write)(void *user, FILE *out), void *user);

/* Which file the socket is, so that somebody else can remove it, and no other: skt_status_socket_unlink. */
struct skt_status_file {
    dev_t device;
    ino_t inode;
    char path[108];
};
const struct skt_status_file *skt_status_socket_file(const struct skt_status_socket *s);

/* Removes the file where it is still the same one. */
void skt_status_file_remove(const struct skt_status_file *file);

/* Closes everything and removes the file; NULL is allowed. */
void skt_status_socket_free(struct skt_status_socket *s);

#endif
