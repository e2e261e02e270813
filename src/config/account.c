/* SPDX-License-Identifier: MIT */
#include "config/account.h"

#include <grp.h>
#include <stddef.h>
#include <unistd.h>

/* The account of packaging/systemd. */
#define SERVICE_ACCOUNT "skcptun"

#ifdef __APPLE__
typedef int group_number; /* getgrouplist(3) */
#else
typedef gid_t group_number;
#endif

enum { GROUPS_MAX = 64 }; /* of an account that is made for a service: a handful */

bool skt_account_is_in_group(const struct passwd *account, gid_t gid)
{
    group_number groups[GROUPS_MAX];
    int n = GROUPS_MAX;
    if (account->pw_gid == gid)
        return true;
    if (getgrouplist(account->pw_name, (group_number)account->pw_gid, groups, &n) < 0)
        return false; /* in more than there is room for; a warning too many */
    for (int i = 0; i < n; i++) {
        if ((gid_t)groups[i] == gid)
            return true;
    }
    return false;
}

static bool is_ours(gid_t gid)
{
    gid_t groups[GROUPS_MAX];
    int n = getgroups(GROUPS_MAX, groups);
    for (int i = 0; i < n; i++) {
        if (groups[i] == gid)
            return true;
    }
    return getegid() == gid;
}

bool skt_account_group_is_meant(const char *name, gid_t gid)
{
    const char *const names[] = {name, SERVICE_ACCOUNT};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct passwd *account = names[i] ? getpwnam(names[i]) : NULL;
        if (account && skt_account_is_in_group(account, gid))
            return true;
    }
    return geteuid() != 0 && is_ours(gid);
}
