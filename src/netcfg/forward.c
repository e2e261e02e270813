/* SPDX-License-Identifier: MIT */
#include "netcfg/forward.h"

#include "base/err.h"
#include "netcfg/say.h"
#include "netcfg/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    VALUE_MAX = 32,     /* of a switch: one digit */
    PATH_LEN_MAX = 128, /* of a switch: an interface's name is in it at most */
};

static bool read_sysctl(const char *name, char value[VALUE_MAX])
{
    char path[PATH_LEN_MAX];
    if ((size_t)snprintf(path, sizeof path, "/proc/sys/%s", name) >= sizeof path)
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, value, VALUE_MAX - 1);
    if (fd >= 0)
        close(fd);
    if (got <= 0)
        return false;
    value[got] = '\0';
    value[strcspn(value, " \n")] = '\0';
    return true;
}

static int write_sysctl(const char *name, const char *value)
{
    char path[PATH_LEN_MAX];
    if ((size_t)snprintf(path, sizeof path, "/proc/sys/%s", name) >= sizeof path)
        return SKT_ERR_ARG;
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ssize_t len = (ssize_t)strlen(value);
    int err = fd >= 0 && write(fd, value, (size_t)len) == len ? SKT_OK : SKT_ERR_IO;
    int error = errno;
    if (fd >= 0)
        close(fd);
    errno = error;
    return err;
}

static int set_sysctl(struct skt_netcfg_helper *h, const char *name, const char *value)
{
    char old[VALUE_MAX];
    if (!read_sysctl(name, old))
        return skt_netcfg_say_errno(h, SKT_ERR_IO, "/proc/sys/%s", name);
    if (strcmp(old, value) == 0) {
        /* Whoever set it may leave it to us to put back: see skt_netcfg_forward_undo. */
        char line[PATH_LEN_MAX + 8];
        snprintf(line, sizeof line, "uses %s", name);
        if (skt_journal_find(&h->journal, line) < 0)
            (void)skt_journal_add(&h->journal, "%s", line);
        return SKT_OK;
    }
    char line[SKT_JOURNAL_LINE_MAX];
    snprintf(line, sizeof line, "sysctl %s %s %s", name, old, value);
    int err = skt_netcfg_record(h, "%s", line);
    if (err)
        return err;
    err = write_sysctl(name, value);
    if (err) {
        (void)skt_netcfg_say_errno(h, err, "/proc/sys/%s", name);
        (void)skt_journal_remove(&h->journal, line); /* a line would claim a change that was not made */
    }
    return err;
}

int skt_netcfg_forward_undo(struct skt_netcfg_helper *h, const char *rest)
{
    char name[PATH_LEN_MAX], old[VALUE_MAX], value[VALUE_MAX], now[VALUE_MAX];
    if (sscanf(rest, "%127s %31s %31s", name, old, value) != 3 || !skt_netcfg_is_switch(name, old, value))
        return SKT_OK; /* no line of ours */
    if (!read_sysctl(name, now) || strcmp(now, value) != 0)
        return SKT_OK;
    char marker[PATH_LEN_MAX + 8], line[SKT_JOURNAL_LINE_MAX];
    snprintf(marker, sizeof marker, "uses %s", name);
    snprintf(line, sizeof line, "sysctl %s %s %s", name, old, value);
    if (skt_journal_hand_over(&h->journal, marker, line))
        return SKT_OK;
    int err = write_sysctl(name, old);
    return err ? skt_netcfg_say_errno(h, err, "/proc/sys/%s: putting back %s", name, old) : err;
}

/* A machine that forwards IPv6 no longer takes its own default route from router advertisements, unless
 * accept_ra is 2 (ip-sysctl). */
static int keep_advertisements(struct skt_netcfg_helper *h)
{
    DIR *dir = opendir("/proc/sys/net/ipv6/conf");
    int err = SKT_OK;
    if (!dir && skt_err_is_passing(errno))
        return skt_netcfg_say_errno(h, SKT_ERR_IO, "/proc/sys/net/ipv6/conf");
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
        char name[PATH_LEN_MAX], value[VALUE_MAX];
        if (strcmp(e->d_name, h->ifname) == 0 || !skt_netcfg_is_ifname(e->d_name))
            continue;
        snprintf(name, sizeof name, "net/ipv6/conf/%.15s/accept_ra", e->d_name);
        bool known = read_sysctl(name, value);
        if (!known && skt_err_is_passing(errno))
            err = skt_netcfg_say_errno(h, SKT_ERR_IO, "/proc/sys/%s", name);
        if (known && strcmp(value, "1") == 0 && set_sysctl(h, name, "2"))
            err = SKT_ERR_IO;
    }
    if (dir)
        closedir(dir);
    return err;
}

/* Sets it again where it was changed. 1, 0, or negative. */
static int restore(struct skt_netcfg_helper *h, const char *name, const char *value)
{
    char now[VALUE_MAX];
    if (!read_sysctl(name, now) || strcmp(now, value) == 0)
        return 0;
    int err = write_sysctl(name, value);
    return err ? skt_netcfg_say_errno(h, err, "/proc/sys/%s", name) : 1;
}

int skt_netcfg_forward_restore(struct skt_netcfg_helper *h)
{
    char name[PATH_LEN_MAX], old[VALUE_MAX], value[VALUE_MAX];
    int err = 0;
    for (size_t i = 0; i < h->journal.count; i++) {
        const char *line = h->journal.lines[i];
        int one = 0;
        if (sscanf(line, "sysctl %127s %31s %31s", name, old, value) == 3 &&
            skt_netcfg_is_switch(name, old, value))
            one = restore(h, name, value);
        else if (sscanf(line, "uses %127s", name) == 1 && skt_netcfg_is_switch(name, "0", "1") &&
                 !strstr(name, "accept_ra")) /* it was on before us, and the tunnel needs it on */
            one = restore(h, name, "1");
        err = one && err >= 0 ? one : err;
    }
    return err;
}

int skt_netcfg_forward_set(struct skt_netcfg_helper *h, bool v4, bool v6)
{
    int err = v4 ? set_sysctl(h, "net/ipv4/ip_forward", "1") : SKT_OK;
    if (!err && v6)
        err = keep_advertisements(h);
    if (!err && v6)
        err = set_sysctl(h, "net/ipv6/conf/all/forwarding", "1");
    return err;
}
