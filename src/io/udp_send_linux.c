/* SPDX-License-Identifier: MIT */
/* Sending by UDP_SEGMENT, else by sendmmsg (udp(7)). */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "base/err.h"
#include "io/udp_linux.h"

#include <errno.h>
#include <string.h>

enum {
    GSO_SEGMENTS_MAX = 64,    /* UDP_MAX_SEGMENTS of the kernel */
    GSO_LEN_MAX = 65535 - 48, /* one IP packet before it is cut, less IPv6 and UDP headers */
};

/* What goes beside a message: where it leaves from and, of a run, how it is cut. */
struct control {
    /* Room for both. */
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
    int err = SKT_OK;
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
            err = skt_udp_send_error(errno);
            if (err == SKT_ERR_AGAIN)
                return err;
            sent = 1;
        }
        size_t done = (size_t)sent * segment_len;
        if (done >= len)
            break;
        buf += done;
        len -= done;
    }
    return err;
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
