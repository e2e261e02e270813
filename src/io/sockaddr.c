/* SPDX-License-Identifier: MIT */
#include "io/sockaddr.h"

#include "base/err.h"

#include <fcntl.h>
#include <string.h>

socklen_t skt_sockaddr_of(union skt_sockaddr *out, const struct skt_addr *addr)
{
    memset(out, 0, sizeof *out);
    if (addr->family == 4) {
        out->v4.sin_family = AF_INET;
        out->v4.sin_port = htons(addr->port);
        memcpy(&out->v4.sin_addr, addr->ip, 4);
        return sizeof out->v4;
    }
    if (addr->family == 6) {
        out->v6.sin6_family = AF_INET6;
        out->v6.sin6_port = htons(addr->port);
        out->v6.sin6_scope_id = addr->scope;
        memcpy(&out->v6.sin6_addr, addr->ip, 16);
        return sizeof out->v6;
    }
    return 0;
}

static void read_v6(struct skt_addr *out, const struct sockaddr_in6 *v6)
{
    out->port = ntohs(v6->sin6_port);
    if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
        out->family = 4;
        memcpy(out->ip, (const uint8_t *)&v6->sin6_addr + 12, 4);
        return;
    }
    out->family = 6;
    out->scope = v6->sin6_scope_id;
    memcpy(out->ip, &v6->sin6_addr, 16);
}

void skt_sockaddr_read(struct skt_addr *out, const struct sockaddr *sa)
{
    memset(out, 0, sizeof *out);
    if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)sa;
        out->family = 4;
        out->port = ntohs(v4->sin_port);
        memcpy(out->ip, &v4->sin_addr, 4);
    } else if (sa->sa_family == AF_INET6) {
        read_v6(out, (const struct sockaddr_in6 *)(const void *)sa);
    }
}

int skt_fd_prepare(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
        return SKT_ERR_IO;
    return SKT_OK;
}
