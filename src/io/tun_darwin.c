/* SPDX-License-Identifier: MIT */
/* utun: a kernel control socket; each packet has its address family in front, 4 bytes in network order. The
 * system has no offloads for it. */
#include "base/err.h"
#include "base/ippkt.h"
#include "io/net.h"
#include "io/sockaddr.h"
#include "io/tun_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/kern_control.h>
#include <sys/socket.h>
#include <unistd.h>

/* Of net/if_utun.h and sys/sys_domain.h, which not every SDK has. */
#ifndef UTUN_CONTROL_NAME
#define UTUN_CONTROL_NAME "com.apple.net.utun_control"
#define UTUN_OPT_IFNAME   2
#endif
#ifndef SYSPROTO_CONTROL
#define SYSPROTO_CONTROL 2
#endif
#ifndef AF_SYS_CONTROL
#define AF_SYS_CONTROL 2
#endif

enum { HEADER_LEN = 4, UNIT_MAX = 65535 };

/* --- opening --- */

/* The unit to ask for: that of utunN is N + 1, 0 lets the system choose. SKT_ERR_ARG. */
static int unit_of(const char *name, uint32_t *unit)
{
    *unit = 0;
    if (!name || !name[0])
        return SKT_OK;
    if (strncmp(name, "utun", 4) != 0 || !name[4])
        return SKT_ERR_ARG;
    for (const char *p = name + 4; *p; p++) {
        if (*p < '0' || *p > '9' || *unit > UNIT_MAX / 10)
            return SKT_ERR_ARG;
        *unit = *unit * 10 + (uint32_t)(*p - '0');
    }
    ++*unit;
    return SKT_OK;
}

static int explain(int error, const char *name, char *why, size_t cap)
{
    switch (error) {
    case EPERM:
    case EACCES:
        return skt_tun_fail(why, cap, SKT_ERR_AUTH, "making an interface needs root");
    case EBUSY:
        return skt_tun_fail(why, cap, SKT_ERR_FULL, "interface %s: another program uses it", name);
    default:
        return skt_tun_fail(why, cap, SKT_ERR_IO, "utun: %s", strerror(error));
    }
}

static int attach(int fd, uint32_t unit, char name[SKT_TUN_NAME_MAX])
{
    struct ctl_info info = {.ctl_name = UTUN_CONTROL_NAME};
    if (ioctl(fd, CTLIOCGINFO, &info))
        return SKT_ERR_IO;
    struct sockaddr_ctl to = {.sc_len = sizeof to,
                              .sc_family = AF_SYSTEM,
                              .ss_sysaddr = AF_SYS_CONTROL,
                              .sc_id = info.ctl_id,
                              .sc_unit = unit};
    socklen_t len = SKT_TUN_NAME_MAX;
    if (connect(fd, (struct sockaddr *)&to, sizeof to) ||
        getsockopt(fd, SYSPROTO_CONTROL, UTUN_OPT_IFNAME, name, &len))
        return SKT_ERR_IO;
    return skt_fd_prepare(fd);
}

int skt_tun_system_open(struct skt_tun *tun, const struct skt_tun_options *options, int *fd_out, char *why,
                        size_t why_cap)
{
    uint32_t unit;
    if (unit_of(options->name, &unit))
        return skt_tun_fail(why, why_cap, SKT_ERR_ARG,
                            "\"%s\" is no name for an interface: macOS calls them utun0, utun1, ...",
                            options->name);
    int fd = socket(AF_SYSTEM, SOCK_DGRAM, SYSPROTO_CONTROL);
    if (fd < 0)
        return explain(errno, "utun", why, why_cap);
    if (attach(fd, unit, tun->name)) {
        int error = errno;
        close(fd);
        return explain(error, options->name && options->name[0] ? options->name : "utun", why, why_cap);
    }
    tun->name[SKT_TUN_NAME_MAX - 1] = '\0';
    *fd_out = fd;
    return SKT_OK;
}

/* --- packets --- */

int skt_tun_read_error(int error)
{
    if (error == EAGAIN || error == EINTR)
        return SKT_ERR_AGAIN;
    return skt_io_passes(error) ? SKT_ERR_NOMEM : SKT_ERR_CLOSED;
}

static int with_header(struct iovec *all, uint8_t header[HEADER_LEN], const struct iovec *iov, size_t count)
{
    all[0] = (struct iovec){header, HEADER_LEN};
    for (size_t i = 0; i < count; i++)
        all[i + 1] = iov[i];
    return (int)count + 1;
}

long skt_tun_readv(struct skt_tun *tun, struct skt_offload *offload, const struct iovec *iov, size_t count)
{
    struct iovec all[SKT_TUN_IOV_MAX + 1];
    uint8_t header[HEADER_LEN];
    if (count > SKT_TUN_IOV_MAX)
        return SKT_ERR_ARG;
    int n = with_header(all, header, iov, count);
    ssize_t got = readv(skt_tun_fd(tun), all, n);
    if (got < 0)
        return skt_tun_read_error(errno);
    size_t room = 0;
    for (int i = 0; i < n; i++)
        room += all[i].iov_len;
    if (got <= HEADER_LEN || (size_t)got >= room)
        return got == 0 ? SKT_ERR_CLOSED : SKT_ERR_TRUNCATED;
    *offload = (struct skt_offload){0};
    return got - HEADER_LEN;
}

int skt_tun_writev(struct skt_tun *tun, const struct skt_offload *offload, const struct iovec *iov,
                   size_t count)
{
    struct iovec all[SKT_TUN_IOV_MAX + 1];
    uint8_t header[HEADER_LEN] = {0};
    if (count == 0 || count > SKT_TUN_IOV_MAX || iov[0].iov_len == 0 || offload->partial ||
        offload->gso != SKT_GSO_NONE)
        return SKT_ERR_ARG;
    uint8_t version = *(const uint8_t *)iov[0].iov_base >> 4;
    header[HEADER_LEN - 1] = version == 6 ? AF_INET6 : AF_INET;
    int n = with_header(all, header, iov, count);
    if (writev(skt_tun_fd(tun), all, n) >= 0)
        return SKT_OK;
    switch (errno) {
    case EAGAIN:
    case EINTR:
    case ENOBUFS:
    case ENOMEM:
        return SKT_ERR_AGAIN;
    case ENETDOWN:
    case ENXIO:
        return SKT_ERR_CLOSED;
    case EBADF:
    case ENOTCONN:
        return SKT_ERR_IO;
    default:
        return SKT_ERR_ARG;
    }
}
