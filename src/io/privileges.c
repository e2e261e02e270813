/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "io/privileges.h"

#include "base/err.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

int skt_privileges_harden(void)
{
    struct rlimit none = {0, 0};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigemptyset(&ignore.sa_mask);
    bool ignored = sigaction(SIGPIPE, &ignore, NULL) == 0 && sigaction(SIGXFSZ, &ignore, NULL) == 0;
    if (!ignored || setrlimit(RLIMIT_CORE, &none))
        return SKT_ERR_IO;
#ifdef __linux__
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
        return SKT_ERR_IO;
#endif
    return SKT_OK;
}

size_t skt_privileges_raise_fds(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit))
        return 0;
    struct rlimit most = {limit.rlim_max, limit.rlim_max};
#ifdef __APPLE__
    /* Its kernel refuses "unlimited" here. */
    if (most.rlim_cur > OPEN_MAX)
        most.rlim_cur = OPEN_MAX;
#endif
    if (limit.rlim_cur < most.rlim_cur && setrlimit(RLIMIT_NOFILE, &most) == 0)
        limit = most;
    return limit.rlim_cur > SIZE_MAX ? SIZE_MAX : (size_t)limit.rlim_cur;
}

/* --- another user --- */

#ifdef __linux__

/* Sets the process's capabilities to CAP_NET_ADMIN alone (capset(2); the C library has no wrapper). */
static int keep_only_net_admin(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0, 0, 0}, {0, 0, 0}};
    data[0].effective = data[0].permitted = UINT32_C(1) << CAP_NET_ADMIN;
    return syscall(SYS_capset, &header, data) ? SKT_ERR_IO : SKT_OK;
}

static int keep_capabilities(bool keep)
{
    return prctl(PR_SET_KEEPCAPS, keep ? 1 : 0, 0, 0, 0) ? SKT_ERR_IO : SKT_OK;
}

/* PR_SET_DUMPABLE falls back to the system's default where the user changes. */
static int after_change(bool keep_net_admin)
{
    int err = keep_net_admin ? keep_only_net_admin() : SKT_OK;
    if (!err && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)))
        err = SKT_ERR_IO;
    return err;
}

#else

static int keep_capabilities(bool keep)
{
    (void)keep;
    return SKT_OK;
}

static int after_change(bool keep_net_admin)
{
    (void)keep_net_admin;
    return SKT_OK;
}

#endif

struct identity {
    uid_t uid; /* of the user */
    gid_t gid; /* of the user's first group */
};

/* A user by name or number. */
static int find_user(const char *user, struct identity *id, const char **name)
{
    errno = 0;
    const struct passwd *pw = getpwnam(user);
    if (!pw) {
        char *end;
        unsigned long number = strtoul(user, &end, 10);
        if (*user < '0' || *user > '9' || *end != '\0' || number > UINT32_MAX - 1)
            return SKT_ERR_NOTFOUND;
        pw = getpwuid((uid_t)number);
    }
    if (!pw)
        return SKT_ERR_NOTFOUND;
    *id = (struct identity){pw->pw_uid, pw->pw_gid};
    *name = pw->pw_name; /* valid until the next getpw* */
    return SKT_OK;
}

static int become(const struct identity *id, const char *name)
{
#ifdef __APPLE__
    int gid = (int)id->gid;
#else
    gid_t gid = id->gid;
#endif
    if (initgroups(name, gid) || setgid(id->gid) || setuid(id->uid))
        return SKT_ERR_IO;
    if (getuid() != id->uid || geteuid() != id->uid || getgid() != id->gid || getegid() != id->gid)
        return SKT_ERR_AUTH;
    return SKT_OK;
}

int skt_privileges_drop(const char *user, bool keep_net_admin)
{
    struct identity id;
    const char *name;
    int err = find_user(user, &id, &name);
    if (err)
        return err;
    if (geteuid() == id.uid && id.uid != 0)
        return SKT_OK; /* it is this user already */
    err = keep_capabilities(keep_net_admin);
    if (!err)
        err = become(&id, name);
    if (!err)
        err = after_change(keep_net_admin);
    (void)keep_capabilities(false);
    if (err)
        return err;
    /* Root can't be had back: these must fail. */
    if (id.uid != 0 && (setuid(0) == 0 || seteuid(0) == 0))
        return SKT_ERR_AUTH;
    return SKT_OK;
}
