/* SPDX-License-Identifier: MIT */
/* What the process may do, and what others may see of it. */
#ifndef SKT_IO_PRIVILEGES_H
#define SKT_IO_PRIVILEGES_H

#include <stdbool.h>
#include <stddef.h>

/* No core dumps and no tracing by other users, so that secrets stay in memory; a broken connection and
 * a file that has come to its limit of length are errors of the call, not signals that end the process.
 * SKT_ERR_IO with errno. */
int skt_privileges_harden(void);

/* Raises the limit of open descriptors to the most that is allowed; returns what it is then. */
size_t skt_privileges_raise_fds(void);

/* Becomes a user, with that user's groups, for good. keep_net_admin: keeps CAP_NET_ADMIN (Linux; TUN clean-up
 * after the drop). Checks that root can't be had back. SKT_ERR_NOTFOUND (no such user), SKT_ERR_IO,
 * SKT_ERR_AUTH (root could be had back). */
int skt_privileges_drop(const char *user, bool keep_net_admin);

#endif
