/* SPDX-License-Identifier: MIT */
#include "io/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The address; its length, or 0 where there is none. "@" stands for the zero byte of an abstract one. */
static socklen_t address(struct sockaddr_un *sa)
{
    const char *path = getenv("NOTIFY_SOCKET");
    *sa = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (!path || (path[0] != '/' && path[0] != '@') || !path[1] || strlen(path) >= sizeof sa->sun_path)
        return 0;
    memcpy(sa->sun_path, path, strlen(path) + 1);
    if (path[0] == '@')
        sa->sun_path[0] = 0;
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + (path[0] == '/'));
}

bool skt_notify_is_wanted(void)
{
    struct sockaddr_un sa;
    return address(&sa) > 0;
}

void skt_notify(const char *assignments)
{
    struct sockaddr_un sa;
    socklen_t len = address(&sa);
    int saved = errno;
    int fd = len ? socket(AF_UNIX, SOCK_DGRAM, 0) : -1;
    if (fd >= 0) {
        (void)sendto(fd, assignments, strlen(assignments), MSG_DONTWAIT, (struct sockaddr *)&sa, len);
        close(fd);
    }
    errno = saved;
}

skt_us skt_notify_watchdog(void)
{
    const char *pid = getenv("WATCHDOG_PID"), *usec = getenv("WATCHDOG_USEC");
    long long limit = usec ? strtoll(usec, NULL, 10) : 0;
    if (limit <= 0 || (pid && strtol(pid, NULL, 10) != (long)getpid()))
        return 0;
    return (skt_us)limit;
}
