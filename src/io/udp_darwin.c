/* SPDX-License-Identifier: MIT */
/* Datagram by datagram: no system call for batches here. */
#define __APPLE_USE_RFC_3542 /* IPV6_RECVPKTINFO, IPV6_PKTINFO */
#include "base/err.h"
#include "io/udp_internal.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

enum { BUFFERS = 64 }; /* datagrams read before they are handed on, as on Linux */

/* What comes or goes beside a message: our own address. The second is for the alignment. */
union control {
    char buf[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(struct in_pktinfo))];
    struct cmsghdr align;
};

int skt_udp_system_fragment(struct skt_udp *udp, bool fragment)
{
    int dont = !fragment;
    int failed = 0;
#ifdef IP_DONTFRAG
    if (udp->family == 4)
        failed = setsockopt(skt_udp_fd(udp), IPPROTO_IP, IP_DONTFRAG, &dont, sizeof dont);
#endif
#ifdef IPV6_DONTFRAG
    if (udp->family == 6)
        failed = setsockopt(skt_udp_fd(udp), IPPROTO_IPV6, IPV6_DONTFRAG, &dont, sizeof dont);
#endif
    /* Before macOS 11 there is no IP_DONTFRAG: datagrams may be fragmented then, which only costs. */
    return failed && errno != ENOPROTOOPT ? SKT_ERR_IO : SKT_OK;
}

int skt_udp_system_setup(struct skt_udp *udp)
{
    udp->gso = udp->gro = false;
    return skt_udp_system_fragment(udp, false);
}

/* IP_PKTINFO is told on receive, and obeyed by sendmsg, as IPV6_PKTINFO is. */
int skt_udp_system_track(struct skt_udp *udp)
{
    int on = 1, fd = skt_udp_fd(udp);
    int failed = udp->family == 4 ? setsockopt(fd, IPPROTO_IP, IP_RECVPKTINFO, &on, sizeof on)
                                  : setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
    return failed ? SKT_ERR_IO : SKT_OK;
}

/* Sockets that are not connected hear of no errors. */
void skt_udp_system_watch_errors(struct skt_udp *udp)
{
    (void)udp;
}

static void read_local(struct msghdr *h, uint8_t local[16])
{
    struct in_pktinfo v4;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            memcpy(&v4, CMSG_DATA(c), sizeof v4);
            memcpy(local, &v4.ipi_addr, sizeof v4.ipi_addr);
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            memcpy(local, CMSG_DATA(c) + offsetof(struct in6_pktinfo, ipi6_addr), sizeof(struct in6_addr));
        }
    }
}

long skt_udp_system_receive(struct skt_udp *udp, bool *full)
{
    struct skt_udp_datagram *d = udp->batch->datagrams;
    size_t n = 0;
    long bytes = 0;
    *full = true;
    for (size_t i = 0; i < BUFFERS; i++) {
        uint8_t *buf = udp->batch->buf + i * SKT_UDP_SLOT_LEN;
        union skt_sockaddr from;
        union control control;
        struct iovec iov = {buf, SKT_UDP_SLOT_LEN};
        struct msghdr h = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &iov, .msg_iovlen = 1};
        if (udp->track) {
            h.msg_control = control.buf;
            h.msg_controllen = sizeof control.buf;
        }
        ssize_t got = recvmsg(skt_udp_fd(udp), &h, 0);
        if (got < 0 && skt_io_lacks(errno) && bytes == 0)
            return SKT_ERR_NOMEM;
        *full = got >= 0;
        if (got < 0)
            break;
        bytes += (long)got;
        if (got == 0 || got == SKT_UDP_SLOT_LEN) /* empty, or too long and cut off */
            continue;
        d[n] = (struct skt_udp_datagram){.data = buf, .len = (size_t)got};
        skt_sockaddr_read(&d[n].from, &from.sa);
        if (udp->track)
            read_local(&h, d[n].from.local);
        n++;
    }
    if (n > 0 && !skt_udp_deliver(udp, d, n))
        return SKT_ERR_CLOSED;
    return bytes > 0 ? bytes : SKT_ERR_AGAIN;
}

static void put_local(struct msghdr *h, union control *control, const struct skt_udp_target *to)
{
    struct in_pktinfo v4 = {0};
    struct in6_pktinfo v6 = {0};
    bool is_v4 = to->name.sa.sa_family == AF_INET;
    size_t len = is_v4 ? sizeof v4 : sizeof v6;
    memset(control, 0, sizeof *control);
    h->msg_control = control->buf;
    h->msg_controllen = (socklen_t)CMSG_SPACE(len);
    struct cmsghdr *c = CMSG_FIRSTHDR(h);
    c->cmsg_level = is_v4 ? IPPROTO_IP : IPPROTO_IPV6;
    c->cmsg_type = is_v4 ? IP_PKTINFO : IPV6_PKTINFO;
    c->cmsg_len = (socklen_t)CMSG_LEN(len);
    memcpy(&v4.ipi_spec_dst, to->local, sizeof v4.ipi_spec_dst);
    memcpy(&v6.ipi6_addr, to->local, sizeof v6.ipi6_addr);
    memcpy(CMSG_DATA(c), is_v4 ? (const void *)&v4 : (const void *)&v6, len);
}

int skt_udp_system_send(struct skt_udp *udp, const struct skt_udp_target *to, const uint8_t *buf, size_t len,
                        size_t segment_len)
{
    int err = SKT_OK;
    struct iovec iov;
    union control control;
    struct msghdr h = {.msg_name = (void *)(uintptr_t)&to->name,
                       .msg_namelen = to->name_len,
                       .msg_iov = &iov,
                       .msg_iovlen = 1};
    if (to->local)
        put_local(&h, &control, to);
    while (len > 0) {
        size_t piece = len < segment_len ? len : segment_len;
        iov = (struct iovec){(void *)(uintptr_t)buf, piece};
        if (sendmsg(skt_udp_fd(udp), &h, 0) < 0) {
            err = skt_udp_send_error(errno);
            if (err == SKT_ERR_AGAIN)
                return err;
        }
        buf += piece;
        len -= piece;
    }
    return err;
}
