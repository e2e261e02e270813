/* SPDX-License-Identifier: MIT */
/* The account that the process becomes (`user`), as far as files are concerned. */
#ifndef SKT_CONFIG_ACCOUNT_H
#define SKT_CONFIG_ACCOUNT_H

#include <pwd.h>
#include <stdbool.h>
#include <sys/types.h>

/* Is it the account's group, or one that the account belongs to? */
bool skt_account_is_in_group(const struct passwd *account, gid_t gid);

/* Is it a group whose members are meant to read a configuration: that of `user` (name; NULL: none), or of the
 * account that packages make for the service, or one of ours where we are not root? */
bool skt_account_group_is_meant(const char *name, gid_t gid);

#endif
