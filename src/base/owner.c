/* SPDX-License-Identifier: MIT */
#include "base/owner.h"

#include <unistd.h>

bool skt_owner_is_trusted(uid_t uid)
{
    struct stat root;
    return uid == 0 || uid == geteuid() || (stat("/", &root) == 0 && uid == root.st_uid);
}

bool skt_owner_others_write(const struct stat *st)
{
    bool alone = st->st_gid == 0 || (st->st_gid == getegid() && getegid() == geteuid());
    return (st->st_mode & S_IWOTH) != 0 || ((st->st_mode & S_IWGRP) != 0 && !alone);
}
