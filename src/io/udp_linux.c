/* SPDX-License-Identifier: MIT */
/* A socket's options, and recvmmsg with UDP_GRO (udp(7)). Sending is in udp_send_linux.c. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "io/udp_linux.h"
#include "base/err.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <stddef.h>
#include <string.h>
#include <time.h> /* some versions of linux/errqueue.h need it */

enum {
    GRO_BUFFER_LEN = 65536, /* the longest packet, which the kernel joins datagrams to */
    GRO_BUFFERS = SKT_UDP_BATCH_LEN / GRO_BUFFER_LEN,
    PLAIN_BUFFERS =
        64, /* datagrams a call; half of the batch's length, and the call's cost is spread by then */
    ERRORS_A_TURN = 64,    /* ICMP errors read at once; more come with the next turn */
    IPV6_MTU_LEAST = 1280, /* that every path carries (RFC 8200, 5) */
};

/* --- options --- */

static int set_option(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value) ? SKT_ERR_IO : SKT_OK;
}

/* PROBE: DF is set, but what ICMP says about the path is not believed. IPv6 is fragmented by its sender only,
 * who does not know the path's MTU here: to the least that every path carries. */
int skt_udp_system_fragment(struct skt_udp *udp, bool fragment)
{
    int fd = skt_udp_fd(udp);
    if (udp->family == 4)
        return set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, fragment ? IP_PMTUDISC_DONT : IP_PMTUDISC_PROBE);
    int err =
        set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, fragment ? IPV6_PMTUDISC_DONT : IPV6_PMTUDISC_PROBE);
    if (!err)
        err = set_option(fd, IPPROTO_IPV6, IPV6_MTU, fragment ? IPV6_MTU_LEAST : 0);
    if (!err)
        err = set_option(fd, IPPROTO_IPV6, IPV6_DONTFRAG, !fragment);
    return err;
}

int skt_udp_system_setup(struct skt_udp *udp)
{
    int fd = skt_udp_fd(udp);
    if (udp->gro)
        udp->gro = set_option(fd, SOL_UDP, UDP_GRO, 1) == SKT_OK;
    if (udp->gso)
        udp->gso = set_option(fd, SOL_UDP, UDP_SEGMENT, 0) == SKT_OK;
    return skt_udp_system_fragment(udp, false);
}

int skt_udp_system_track(struct skt_udp *udp)
{
    if (udp->family == 4)
        return set_option(skt_udp_fd(udp), IPPROTO_IP, IP_PKTINFO, 1);
    return set_option(skt_udp_fd(udp), IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
}

/* Switching it off empties the queue, too. */
void skt_udp_system_watch_errors(struct skt_udp *udp)
{
    int on = udp->error_fn != NULL;
    if (udp->family == 4)
        (void)set_option(skt_udp_fd(udp), IPPROTO_IP, IP_RECVERR, on);
    else
        (void)set_option(skt_udp_fd(udp), IPPROTO_IPV6, IPV6_RECVERR, on);
}

/* --- receiving --- */

/* What the kernel has queued of ICMP errors (ip(7), IP_RECVERR), which must be read: it keeps the socket
 * ready. Sizes are found by probing, so what routers say of them is passed over. */
static void read_errors(struct skt_udp *udp)
{
    for (int i = 0; i < ERRORS_A_TURN; i++) {
        struct sock_extended_err e;
        union skt_sockaddr to = {.sa = {.sa_family = AF_UNSPEC}};
        union {
            char buf[CMSG_SPACE(sizeof e + sizeof(struct sockaddr_in6))];
            struct cmsghdr align;
        } control;
        struct msghdr h = {.msg_name = &to,
                           .msg_namelen = sizeof to,
                           .msg_control = control.buf,
                           .msg_controllen = sizeof control.buf};
        if (recvmsg(skt_udp_fd(udp), &h, MSG_ERRQUEUE) < 0)
            return;
        struct cmsghdr *c = CMSG_FIRSTHDR(&h);
        if (!c || c->cmsg_len < CMSG_LEN(sizeof e) || to.sa.sa_family == AF_UNSPEC)
            continue;
        memcpy(&e, CMSG_DATA(c), sizeof e);
        struct skt_addr addr;
        skt_sockaddr_read(&addr, &to.sa);
        if (e.ee_errno != EMSGSIZE && udp->error_fn)
            udp->error_fn(udp->user, &addr, (int)e.ee_errno);
    }
}

/* What one call of recvmmsg fills; with UDP_GRO only the first GRO_BUFFERS are used. */
struct receive {
    struct mmsghdr msgs[PLAIN_BUFFERS];     /* each refers to the other three of its number */
    struct iovec iovs[PLAIN_BUFFERS];       /* a part of the batch's buffer */
    union skt_sockaddr from[PLAIN_BUFFERS]; /* who has sent it */
    union {
        char buf[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct in6_pktinfo))];
        struct cmsghdr align;
    } control[PLAIN_BUFFERS]; /* how it is to be cut, and the address that it was sent to */
};

static unsigned prepare_receive(const struct skt_udp *udp, struct receive *r)
{
    unsigned n = udp->gro ? GRO_BUFFERS : PLAIN_BUFFERS;
    size_t each = udp->gro ? GRO_BUFFER_LEN : SKT_UDP_SLOT_LEN;
    for (unsigned i = 0; i < n; i++) {
        r->iovs[i] = (struct iovec){udp->batch->buf + i * each, each};
        struct msghdr *h = &r->msgs[i].msg_hdr;
        *h = (struct msghdr){.msg_name = &r->from[i],
                             .msg_namelen = sizeof r->from[i],
                             .msg_iov = &r->iovs[i],
                             .msg_iovlen = 1};
        if (udp->gro || udp->track) {
            h->msg_control = r->control[i].buf;
            h->msg_controllen = sizeof r->control[i].buf;
        }
    }
    return n;
}

/* musl's macro compares a signed with an unsigned number. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-compare"
static struct cmsghdr *next_control(struct msghdr *h, struct cmsghdr *c)
{
    return CMSG_NXTHDR(h, c);
}
#pragma GCC diagnostic pop

/* Reads what comes beside a message: into *segment the length of each datagram in it but the last (UDP_GRO),
 * into local the address that it was sent to. Both are left as they are where the kernel does not tell. */
static void read_control(struct msghdr *h, size_t *segment, uint8_t local[16])
{
    int gro;
    struct in_pktinfo v4;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = next_control(h, c)) {
        if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
            memcpy(&gro, CMSG_DATA(c), sizeof gro);
            if (gro > 0)
                *segment = (size_t)gro;
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            memcpy(&v4, CMSG_DATA(c), sizeof v4);
            memcpy(local, &v4.ipi_spec_dst, sizeof v4.ipi_spec_dst);
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            memcpy(local, CMSG_DATA(c) + offsetof(struct in6_pktinfo, ipi6_addr), sizeof(struct in6_addr));
        }
    }
}

/* Cuts a message into its datagrams; returns how many. */
static size_t cut(struct mmsghdr *m, const union skt_sockaddr *from, struct skt_udp_datagram *d, size_t room)
{
    size_t left = m->msg_len, n = 0, segment = left;
    if (left == 0 || m->msg_hdr.msg_flags & MSG_TRUNC)
        return 0;
    uint8_t *p = m->msg_hdr.msg_iov->iov_base;
    struct skt_addr addr;
    skt_sockaddr_read(&addr, &from->sa);
    read_control(&m->msg_hdr, &segment, addr.local);
    for (; left > 0 && n < room; n++) {
        size_t len = left < segment ? left : segment;
        d[n] = (struct skt_udp_datagram){p, len, addr};
        p += len;
        left -= len;
    }
    return n;
}

long skt_udp_system_receive(struct skt_udp *udp, bool *full)
{
    struct receive r;
    unsigned max = prepare_receive(udp, &r);
    int got = recvmmsg(skt_udp_fd(udp), r.msgs, max, 0, NULL);
    int error = errno;
    if (got < 0 && udp->error_fn)
        read_errors(udp);
    errno = error;
    if (got < 0 && skt_io_lacks(errno))
        return SKT_ERR_NOMEM;
    if (got <= 0)
        return got == 0 || skt_io_passes(errno) ? SKT_ERR_AGAIN : SKT_ERR_IO;
    *full = (unsigned)got == max;
    struct skt_udp_datagram *d = udp->batch->datagrams;
    size_t n = 0;
    long bytes = 0;
    for (int i = 0; i < got; i++) {
        bytes += (long)r.msgs[i].msg_len;
        n += cut(&r.msgs[i], &r.from[i], d + n, SKT_UDP_BATCH_DATAGRAMS - n);
    }
    if (n > 0 && !skt_udp_deliver(udp, d, n))
        return SKT_ERR_CLOSED;
    return bytes;
}
