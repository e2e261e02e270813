/* SPDX-License-Identifier: MIT */
/* The answering side: a Unix stream socket, mode 0600, that gives one JSON document to whoever connects. */
#ifndef SKT_CLI_STATUS_SOCKET_H
#define SKT_CLI_STATUS_SOCKET_H

#include "io/loop.h"
#include "io/statefile.h"

#include <stdio.h>
#include <sys/types.h>

struct skt_status_socket;

/* Listens at path. A socket that a dead process of ours has left there is replaced. SKT_ERR_FULL: an instance
 * is alive behind it; SKT_ERR_AUTH: others could exchange it, or it is theirs (io/statefile.h; why: one
 * line); SKT_ERR_IO (errno); SKT_ERR_NOMEM. Answers nobody until skt_status_socket_serve. */
int skt_status_socket_new(struct skt_status_socket **out, struct skt_loop *loop, const char *path,
                          char why[SKT_STATEFILE_WHY_MAX]);

/* What somebody who connects writes, to get more than the plain status; "status" is the plain one. Who writes
 * nothing gets that, too, a little later. */
#define SKT_STATUS_DEBUG "debug"
#define SKT_STATUS_PLAIN "status"
#define SKT_STATUS_KICK  "kick " /* and a cid: its session is ended. Only the owner and root may connect */

/* From now on each connection gets what `write` writes to out; `question` is what came, cut to 63 bytes. */
typedef void skt_status_write_fn(void *user, FILE *out, const char *question);
void skt_status_socket_serve(struct skt_status_socket *s, skt_status_write_fn *write, void *user);

/* Which file the socket is, so that somebody else can remove it, and no other: skt_status_socket_unlink. */
struct skt_status_file {
    dev_t device;   /* of the file system that it is in */
    ino_t inode;    /* of the socket in that file system */
    char path[108]; /* as long as a socket's can be on Linux (sun_path) */
};
const struct skt_status_file *skt_status_socket_file(const struct skt_status_socket *s);

/* Removes the file where it is still the same one. Tests call it: in the program it is done by a process that
 * waits for the end of this one. */
void skt_status_file_remove(const struct skt_status_file *file);

/* The role of a process that keeps the right to remove it (io/child.h). */
#define SKT_STATUS_ROLE "status socket"

/* That process's life: reads a struct skt_status_file from fd, waits for the other end's end, removes it. */
void skt_status_file_remove_after(int fd);

/* Closes everything and removes the file; NULL is allowed. */
void skt_status_socket_free(struct skt_status_socket *s);

#endif
