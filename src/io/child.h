/* SPDX-License-Identifier: MIT */
/* Child processes that outlive a part of us: the helper for routes and the like, the one that cleans up. A
 * fork has all our memory, keys included, which is not theirs to keep; so they become the program anew. */
#ifndef SKT_IO_CHILD_H
#define SKT_IO_CHILD_H

#include <stdbool.h>
#include <stddef.h>

enum { SKT_CHILD_FD = 0 }; /* where a child's channel to its parent is */

/* In a child: closes every descriptor but `fd` and stderr. */
void skt_child_close_others(int fd);

/* In a child: ignores what a terminal or a service manager sends to the whole group: the end of the channel
 * is the sign to end. Lets all signals through otherwise. */
void skt_child_signals(void);

/* In a child: reads exactly len bytes from its channel; false: it ended before. */
bool skt_child_read(int fd, void *buf, size_t len);

/* Sets what skt_child_become may run: this very program, which then begins with skt_child_role. Without this
 * call (in tests of a layer) children stay forks. */
void skt_child_allow_exec(void);

/* In a child, after fork: runs the program anew as `role`, with the channel as SKT_CHILD_FD, stderr, the
 * variables TZ and JOURNAL_STREAM, and nothing else. Returns only where that can't be done (not allowed, no
 * /proc): the caller goes on as a fork. */
void skt_child_become(const char *role, int fd);

/* What main's arguments say: the role, or NULL for an ordinary start. */
const char *skt_child_role(int argc, char **argv);

#endif
