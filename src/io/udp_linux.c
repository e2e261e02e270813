/* SPDX-License-Identifier: MIT */
/* recvmmsg with UDP_GRO in; UDP_SEGMENT out, else sendmmsg (udp(7)). */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "base/err.h"
#include "io/udp_internal.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/udp.h>
#include <stddef.h>
#include <string.h>
#include <time.h> /* some versions of linux/errqueue.h need it */

/* Older C libraries do not name these. */
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif
#ifndef SOL_UDP
#define SOL_UDP 17
#endif

enum {
    GRO_BUFFER_LEN = 65536,
    GRO_BUFFERS = SKT_UDP_BATCH_LEN / GRO_BUFFER_LEN,
    PLAIN_BUFFERS = 64,
    ERRORS_A_TURN = 64,       /* ICMP errors read at once */
    GSO_SEGMENTS_MAX = 64,    /* UDP_MAX_SEGMENTS of the kernel */
    GSO_LEN_MAX = 65535 - 48, /* one IP packet before it is cut, less IPv6 and UDP headers */
    IPV6_MTU_LEAST = 1280,
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

struct receive {
    struct mmsghdr msgs[PLAIN_BUFFERS];
    struct iovec iovs[PLAIN_BUFFERS];
    union skt_sockaddr from[PLAIN_BUFFERS];
    union {
        char buf[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct in6_pktinfo))];
        struct cmsghdr align;
    } control[PLAIN_BUFFERS]; /* GRO_BUFFERS are fewer */
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

long skt_udp_system_receive(struct skt_udp *udp)
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

/* --- sending --- */

/* What goes beside a message: where it leaves from and, of a run, how it is cut. */
struct control {
    _Alignas(struct cmsghdr) char buf[CMSG_SPACE(sizeof(uint16_t)) + CMSG_SPACE(sizeof(struct in6_pktinfo))];
    size_t len; /* of buf, in use */
};

static void put_control(struct control *control, int level, int type, const void *data, size_t len)
{
    struct cmsghdr *c = (struct cmsghdr *)(void *)(control->buf + control->len);
    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(len);
    memcpy(CMSG_DATA(c), data, len);
    control->len += CMSG_SPACE(len);
}

static void put_local(struct control *control, const struct skt_udp_target *to)
{
    struct in_pktinfo v4 = {0};
    struct in6_pktinfo v6 = {0};
    if (!to->local)
        return;
    if (to->name.sa.sa_family == AF_INET) {
        memcpy(&v4.ipi_spec_dst, to->local, sizeof v4.ipi_spec_dst);
        put_control(control, IPPROTO_IP, IP_PKTINFO, &v4, sizeof v4);
    } else {
        memcpy(&v6.ipi6_addr, to->local, sizeof v6.ipi6_addr);
        put_control(control, IPPROTO_IPV6, IPV6_PKTINFO, &v6, sizeof v6);
    }
}

static struct msghdr message(const struct skt_udp_target *to, struct iovec *iov, struct control *control)
{
    return (struct msghdr){.msg_name = (void *)(uintptr_t)&to->name,
                           .msg_namelen = to->name_len,
                           .msg_iov = iov,
                           .msg_iovlen = 1,
                           .msg_control = control->len ? control->buf : NULL,
                           .msg_controllen = control->len};
}

/* One by one: up to 64 datagrams a call. A datagram that fails is passed over. */
static int send_each(struct skt_udp *udp, const struct skt_udp_target *to, const uint8_t *buf, size_t len,
                     size_t segment_len)
{
    struct mmsghdr msgs[GSO_SEGMENTS_MAX];
    struct iovec iovs[GSO_SEGMENTS_MAX];
    struct control control = {.len = 0};
    put_local(&control, to);
    int result = SKT_OK;
    while (len > 0) {
        unsigned n = 0;
        size_t taken = 0;
        for (; n < GSO_SEGMENTS_MAX && taken < len; n++) {
            size_t piece = len - taken < segment_len ? len - taken : segment_len;
            iovs[n] = (struct iovec){(void *)(uintptr_t)(buf + taken), piece};
            msgs[n] = (struct mmsghdr){.msg_hdr = message(to, &iovs[n], &control)};
            taken += piece;
        }
        int sent = sendmmsg(skt_udp_fd(udp), msgs, n, 0);
        if (sent <= 0) {
            result = skt_udp_send_error(errno);
            if (result == SKT_ERR_AGAIN)
                return result;
            sent = 1;
        }
        size_t done = (size_t)sent * segment_len;
        if (done >= len)
            break;
        buf += done;
        len -= done;
    }
    return result;
}

/* By one system call; false with errno. */
static bool send_segmented(struct skt_udp *udp, const struct skt_udp_target *to, const uint8_t *buf,
                           size_t len, uint16_t segment_len)
{
    struct iovec iov = {(void *)(uintptr_t)buf, len};
    struct control control = {.len = 0};
    put_control(&control, SOL_UDP, UDP_SEGMENT, &segment_len, sizeof segment_len);
    put_local(&control, to);
    struct msghdr h = message(to, &iov, &control);
    return sendmsg(skt_udp_fd(udp), &h, 0) >= 0;
}

/* One run of at most 64 segments. EIO: the device can't do checksums, so never again on this socket. EINVAL:
 * too large a segment or no such option on this route; where sending one by one works it was the latter. */
static int send_run(struct skt_udp *udp, const struct skt_udp_target *to, const uint8_t *buf, size_t len,
                    size_t segment_len)
{
    if (!udp->gso || udp->fragment || len <= segment_len)
        return send_each(udp, to, buf, len, segment_len);
    if (send_segmented(udp, to, buf, len, (uint16_t)segment_len))
        return SKT_OK;
    int error = errno;
    if (error != EIO && error != EINVAL && error != EMSGSIZE && error != EOPNOTSUPP)
        return skt_udp_send_error(error);
    int err = send_each(udp, to, buf, len, segment_len);
    if (error != EMSGSIZE && (error == EIO || err == SKT_OK))
        udp->gso = false;
    return err;
}

int skt_udp_system_send(struct skt_udp *udp, const struct skt_udp_target *to, const uint8_t *buf, size_t len,
                        size_t segment_len)
{
    if (segment_len > GSO_LEN_MAX)
        return SKT_ERR_ARG;
    size_t segments = GSO_LEN_MAX / segment_len;
    size_t run = (segments < GSO_SEGMENTS_MAX ? segments : GSO_SEGMENTS_MAX) * segment_len;
    int result = SKT_OK;
    while (len > 0) {
        size_t piece = len < run ? len : run;
        int err = send_run(udp, to, buf, piece, segment_len);
        if (err)
            result = err;
        if (err == SKT_ERR_AGAIN)
            break;
        buf += piece;
        len -= piece;
    }
    return result;
}
