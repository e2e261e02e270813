/* SPDX-License-Identifier: MIT */
/* Whose is a file or a folder, and who may change it: what a process that may be root asks before it believes
 * or follows what lies there. */
#ifndef SKT_BASE_OWNER_H
#define SKT_BASE_OWNER_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

/* Ours, root's, or of whom the root folder is: in a user namespace the system's root has no number there. */
bool skt_owner_is_trusted(uid_t uid);

/* Can others write it? A group counts as others, but for root's and that of one user alone, by the custom
 * that both have the same number. */
bool skt_owner_others_write(const struct stat *st);

#endif
