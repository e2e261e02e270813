/* SPDX-License-Identifier: MIT */
/* A child process that does nothing until this process has ended, however it ended, and then cleans up: what
 * a process that has given up its privileges, or was killed, can't do itself. */
#ifndef SKT_CLI_JANITOR_H
#define SKT_CLI_JANITOR_H

#include <stddef.h>
#include <sys/types.h>

struct skt_janitor {
    pid_t pid; /* of the child; 0: none */
    int fd;    /* of the pipe whose end is its sign to clean up */
};

/* Starts one; `clean` is called in the child, with its copy of the memory of now and the pids added since.
 * Every descriptor but stderr is closed there. SKT_ERR_IO. */
int skt_janitor_start(struct skt_janitor *j, void (*clean)(void *user, const pid_t *pids, size_t n),
                      void *user);

/* The same as this very program begun anew (io/child.h), so that it has nothing of our memory but `data` (up
 * to 512 bytes), which it reads from its descriptor. Where that can't be done: run(fd) in a fork. */
int skt_janitor_start_program(struct skt_janitor *j, const char *role, void (*run)(int fd), const void *data,
                              size_t len);

/* Tells it of a child process (the first 32); 0: of those so far none is left. */
void skt_janitor_add(const struct skt_janitor *j, pid_t pid);

/* In another child: lets go of the pipe, so that only the parent's end counts. */
void skt_janitor_forget(struct skt_janitor *j);

/* Lets it clean up now, and waits until it has. Harmless where none was started. */
void skt_janitor_finish(struct skt_janitor *j);

#endif
