/* SPDX-License-Identifier: MIT */
#include "io/tcp.h"

#include "base/err.h"
#include "io/sockaddr.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int close_with(int fd, int error)
{
    close(fd);
    errno = error;
    return SKT_ERR_IO;
}

static int open_socket(const struct skt_addr *addr, union skt_sockaddr *sa, socklen_t *sa_len)
{
    *sa_len = skt_sockaddr_of(sa, addr);
    if (*sa_len == 0)
        return SKT_ERR_ARG;
    int fd = socket(sa->sa.sa_family, SOCK_STREAM, 0);
    if (fd < 0)
        return SKT_ERR_IO;
    if (skt_fd_prepare(fd))
        return close_with(fd, errno);
#ifdef SO_NOSIGPIPE
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
    return fd;
}

int skt_tcp_listen(const struct skt_addr *addr, int backlog)
{
    union skt_sockaddr sa;
    socklen_t sa_len;
    int fd = open_socket(addr, &sa, &sa_len);
    if (fd < 0)
        return fd;
    int on = 1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) ||
        (addr->family == 6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on)) ||
        bind(fd, &sa.sa, sa_len) || listen(fd, backlog))
        return close_with(fd, errno);
    return fd;
}

int skt_tcp_accept(int listen_fd, struct skt_addr *from)
{
    /* Errors that the connection had already while it waited are reported here (accept(2)). Bounded, as each
     * may be followed by another one. */
    for (int tries = 0; tries < 16; tries++) {
        union skt_sockaddr sa;
        socklen_t len = sizeof sa;
        int fd = accept(listen_fd, &sa.sa, &len);
        if (fd >= 0) {
            if (skt_fd_prepare(fd))
                return close_with(fd, errno);
#ifdef SO_NOSIGPIPE
            int on = 1;
            setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
            if (from)
                skt_sockaddr_read(from, &sa.sa);
            return fd;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            return SKT_ERR_AGAIN;
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            return SKT_ERR_FULL;
        if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EFAULT)
            return SKT_ERR_IO;
    }
    return SKT_ERR_AGAIN;
}

int skt_tcp_connect(const struct skt_addr *to)
{
    union skt_sockaddr sa;
    socklen_t sa_len;
    int fd = open_socket(to, &sa, &sa_len);
    if (fd < 0)
        return fd;
    if (connect(fd, &sa.sa, sa_len) && errno != EINPROGRESS && errno != EINTR)
        return close_with(fd, errno);
    return fd;
}

int skt_tcp_connect_result(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    if (poll(&p, 1, 0) <= 0)
        return SKT_ERR_AGAIN;
    int error = 0;
    socklen_t len = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len))
        return SKT_ERR_IO;
    errno = error;
    return error ? SKT_ERR_IO : SKT_OK;
}

int skt_tcp_set_keepalive(int fd, int idle_s, int interval_s, int count)
{
    int on = 1;
    if (setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on))
        return SKT_ERR_IO;
#ifdef TCP_KEEPIDLE
    if (setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s))
        return SKT_ERR_IO;
#elif defined(TCP_KEEPALIVE) /* macOS's name of the same */
    if (setsockopt(fd, IPPROTO_TCP, TCP_KEEPALIVE, &idle_s, sizeof idle_s))
        return SKT_ERR_IO;
#endif
    if (setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s) ||
        setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count))
        return SKT_ERR_IO;
    return SKT_OK;
}

int skt_tcp_set_nodelay(int fd)
{
    int on = 1;
    return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) ? SKT_ERR_IO : SKT_OK;
}

size_t skt_tcp_unsent(int fd)
{
    int left = 0;
#ifdef __APPLE__
    socklen_t len = sizeof left;
    if (getsockopt(fd, SOL_SOCKET, SO_NWRITE, &left, &len))
        return 0;
#else
    if (ioctl(fd, TIOCOUTQ, &left)) /* SIOCOUTQ, tcp(7) */
        return 0;
#endif
    return left > 0 ? (size_t)left : 0;
}

void skt_tcp_reset(int fd)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(fd);
}

enum skt_tcp_state skt_tcp_state(int fd)
{
#ifdef POLLRDHUP
    const short ended = POLLRDHUP;
#else
    const short ended = 0;
#endif
    struct pollfd p = {.fd = fd, .events = ended};
    if (poll(&p, 1, 0) <= 0)
        return SKT_TCP_OPEN;
    int error = 0;
    socklen_t len = sizeof error;
    if (p.revents & (POLLERR | POLLNVAL))
        return SKT_TCP_DEAD;
    if (p.revents & POLLHUP && (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) || error))
        return SKT_TCP_DEAD;
    return p.revents & (ended | POLLHUP) ? SKT_TCP_HALF_CLOSED : SKT_TCP_OPEN;
}

int skt_tcp_local(int fd, struct skt_addr *addr)
{
    union skt_sockaddr sa;
    socklen_t len = sizeof sa;
    if (getsockname(fd, &sa.sa, &len))
        return SKT_ERR_IO;
    skt_sockaddr_read(addr, &sa.sa);
    return SKT_OK;
}

int skt_tcp_peer(int fd, struct skt_addr *addr)
{
    union skt_sockaddr sa;
    socklen_t len = sizeof sa;
    if (getpeername(fd, &sa.sa, &len))
        return SKT_ERR_IO;
    skt_sockaddr_read(addr, &sa.sa);
    return SKT_OK;
}
