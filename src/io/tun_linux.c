/* SPDX-License-Identifier: MIT */
/* /dev/net/tun, with the packet's offload in a struct virtio_net_hdr where IFF_VNET_HDR is on. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "base/err.h"
#include "base/ippkt.h"
#include "io/net.h"
#include "io/tun_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Older headers do not name these (Linux 6.2). */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif
#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

static const char device[] = "/dev/net/tun";

/* --- opening --- */

static int explain_open(int error, char *why, size_t cap)
{
    switch (error) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
        return skt_tun_fail(why, cap, SKT_ERR_NOTFOUND,
                            "%s is missing: load the tun module (modprobe tun; OpenWrt: install kmod-tun)",
                            device);
    case EACCES:
    case EPERM:
        return skt_tun_fail(why, cap, SKT_ERR_AUTH, "%s: %s: needs root or CAP_NET_ADMIN", device,
                            strerror(error));
    default:
        return skt_tun_fail(why, cap, skt_err_is_passing(error) ? SKT_ERR_NOMEM : SKT_ERR_IO, "%s: %s",
                            device, strerror(error));
    }
}

/* The name that a pattern would have become. */
static const char *first_free(char name[IFNAMSIZ])
{
    int i = 0;
    do
        snprintf(name, IFNAMSIZ, "skt%d", i);
    while (skt_net_ifindex(name) != 0 && ++i < 1000);
    return name;
}

static int explain_attach(int error, const char *name, char *why, size_t cap)
{
    char first[IFNAMSIZ];
    if (strchr(name, '%'))
        name = first_free(first);
    switch (error) {
    case EPERM:
    case EACCES:
        return skt_tun_fail(why, cap, SKT_ERR_AUTH, "interface %s: making it needs root or CAP_NET_ADMIN",
                            name);
    case EBUSY:
        return skt_tun_fail(why, cap, SKT_ERR_FULL, "interface %s: another program uses it", name);
    case EINVAL:
    case EEXIST:
        return skt_tun_fail(why, cap, SKT_ERR_FULL, "interface %s: there is one of this name that is no TUN",
                            name);
    default:
        return skt_tun_fail(why, cap, skt_err_is_passing(error) ? SKT_ERR_NOMEM : SKT_ERR_IO,
                            "interface %s: %s", name, strerror(error));
    }
}

/* As the kernel sees names (dev_valid_name), and '%' would be a pattern. */
static bool is_name(const char *name)
{
    if (strlen(name) >= IFNAMSIZ || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return false;
    for (; *name; name++)
        if (*name <= ' ' || *name == '/' || *name == ':' || *name == '%' || *name == 0x7f)
            return false;
    return true;
}

/* The type of ioctl's second argument. */
#ifdef __GLIBC__
typedef unsigned long request;
#else
typedef int request;
#endif

static int attach(int fd, const char *name, short flags, struct ifreq *ifr)
{
    memset(ifr, 0, sizeof *ifr);
    ifr->ifr_flags = (short)(IFF_TUN | IFF_NO_PI | flags);
    memcpy(ifr->ifr_name, name, strlen(name));
    return ioctl(fd, (request)TUNSETIFF, ifr);
}

/* The most that this kernel gives. */
static unsigned enable_offloads(int fd)
{
    const unsigned csum_tso = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
    if (ioctl(fd, (request)TUNSETOFFLOAD, csum_tso | TUN_F_USO4 | TUN_F_USO6) == 0)
        return SKT_TUN_CSUM | SKT_TUN_TSO | SKT_TUN_USO;
    if (ioctl(fd, (request)TUNSETOFFLOAD, csum_tso) == 0)
        return SKT_TUN_CSUM | SKT_TUN_TSO;
    return ioctl(fd, (request)TUNSETOFFLOAD, TUN_F_CSUM) == 0 ? SKT_TUN_CSUM : 0;
}

int skt_tun_system_open(struct skt_tun *tun, const struct skt_tun_options *options, int *fd_out, char *why,
                        size_t why_cap)
{
    const char *name = options->name && options->name[0] ? options->name : "skt%d";
    if (options->name && !is_name(options->name))
        return skt_tun_fail(why, why_cap, SKT_ERR_ARG, "\"%s\" is no name for an interface", options->name);
    int fd = open(device, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return explain_open(errno, why, why_cap);
    struct ifreq ifr;
    int err = -1;
    if (!options->plain) {
        err = attach(fd, name, IFF_VNET_HDR, &ifr);
        tun->vnet = err == 0;
    }
    /* A kernel without IFF_VNET_HDR, or a lasting interface made without it. */
    if (err != 0)
        err = attach(fd, name, 0, &ifr);
    if (err != 0) {
        int error = errno;
        close(fd);
        return explain_attach(error, name, why, why_cap);
    }
    if (tun->vnet)
        tun->offloads = enable_offloads(fd);
    else
        (void)ioctl(fd, (request)TUNSETOFFLOAD, 0); /* a lasting interface keeps its last user's */
    memcpy(tun->name, ifr.ifr_name, sizeof tun->name);
    tun->name[sizeof tun->name - 1] = '\0';
    *fd_out = fd;
    return SKT_OK;
}

/* --- packets --- */

static void decode(struct skt_offload *o, const struct virtio_net_hdr *h)
{
    *o = (struct skt_offload){.partial = (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0};
    switch (h->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
    case VIRTIO_NET_HDR_GSO_TCPV4:
        o->gso = SKT_GSO_TCP4;
        break;
    case VIRTIO_NET_HDR_GSO_TCPV6:
        o->gso = SKT_GSO_TCP6;
        break;
    case VIRTIO_NET_HDR_GSO_UDP_L4:
        o->gso = SKT_GSO_UDP;
        break;
    default:
        break;
    }
    if (o->gso != SKT_GSO_NONE) {
        o->size = h->gso_size;
        o->hdr_len = h->hdr_len;
    }
    if (o->partial) {
        o->csum_start = h->csum_start;
        o->csum_offset = h->csum_offset;
    }
}

static void encode(struct virtio_net_hdr *h, const struct skt_offload *o)
{
    static const uint8_t types[] = {[SKT_GSO_NONE] = VIRTIO_NET_HDR_GSO_NONE,
                                    [SKT_GSO_TCP4] = VIRTIO_NET_HDR_GSO_TCPV4,
                                    [SKT_GSO_TCP6] = VIRTIO_NET_HDR_GSO_TCPV6,
                                    [SKT_GSO_UDP] = VIRTIO_NET_HDR_GSO_UDP_L4};
    *h = (struct virtio_net_hdr){.gso_type = types[o->gso]};
    if (o->gso != SKT_GSO_NONE) {
        h->gso_size = o->size;
        h->hdr_len = o->hdr_len;
    }
    if (o->partial) {
        h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
        h->csum_start = o->csum_start;
        h->csum_offset = o->csum_offset;
    }
}

/* Only a descriptor without an interface is lost (EBADFD: it was removed; tun_chr_read_iter). Memory comes
 * back, and so does an interface that is down (EIO). */
int skt_tun_read_error(int error)
{
    switch (error) {
    case EAGAIN:
    case EINTR:
        return SKT_ERR_AGAIN;
    case EBADFD:
    case EBADF:
    case ENODEV:
    case ENXIO:
        return SKT_ERR_CLOSED;
    default:
        return SKT_ERR_NOMEM;
    }
}

/* The list with the header in front; its length. */
static int with_header(struct iovec *all, struct virtio_net_hdr *h, bool vnet, const struct iovec *iov,
                       size_t count)
{
    int n = 0;
    if (vnet)
        all[n++] = (struct iovec){h, sizeof *h};
    for (size_t i = 0; i < count; i++)
        all[n++] = iov[i];
    return n;
}

long skt_tun_readv(struct skt_tun *tun, struct skt_offload *offload, const struct iovec *iov, size_t count)
{
    struct iovec all[SKT_TUN_IOV_MAX + 1];
    struct virtio_net_hdr h = {0};
    if (count > SKT_TUN_IOV_MAX)
        return SKT_ERR_ARG;
    int n = with_header(all, &h, tun->vnet, iov, count);
    ssize_t got = readv(skt_tun_fd(tun), all, n);
    if (got < 0)
        return skt_tun_read_error(errno);
    size_t len = (size_t)got, room = 0;
    for (int i = 0; i < n; i++)
        room += all[i].iov_len;
    /* The kernel cuts off in silence what does not fit. */
    if (len >= room || (tun->vnet && len < sizeof h))
        return SKT_ERR_TRUNCATED;
    decode(offload, &h);
    return (long)(tun->vnet ? len - sizeof h : len);
}

static int write_error(int error)
{
    switch (error) {
    case EAGAIN:
    case EINTR:
    case ENOBUFS:
    case ENOMEM:
        return SKT_ERR_AGAIN;
    case EIO: /* the interface is down (tun_get_user) */
        return SKT_ERR_CLOSED;
    case EBADF:
    case EBADFD:
        return SKT_ERR_IO;
    default:
        return SKT_ERR_ARG;
    }
}

int skt_tun_writev(struct skt_tun *tun, const struct skt_offload *offload, const struct iovec *iov,
                   size_t count)
{
    struct iovec all[SKT_TUN_IOV_MAX + 1];
    struct virtio_net_hdr h;
    if (count > SKT_TUN_IOV_MAX || (!tun->vnet && (offload->partial || offload->gso != SKT_GSO_NONE)))
        return SKT_ERR_ARG;
    encode(&h, offload);
    int n = with_header(all, &h, tun->vnet, iov, count);
    return writev(skt_tun_fd(tun), all, n) >= 0 ? SKT_OK : write_error(errno);
}
