/* SPDX-License-Identifier: MIT */
/* Datagram by datagram: no system call for batches here. */
#include "base/err.h"
#include "io/udp_internal.h"

#include <errno.h>

enum { BUFFERS = 64 };

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

long skt_udp_system_receive(struct skt_udp *udp)
{
    struct skt_udp_datagram *d = udp->batch->datagrams;
    size_t n = 0;
    long bytes = 0;
    for (size_t i = 0; i < BUFFERS; i++) {
        uint8_t *buf = udp->batch->buf + i * SKT_UDP_SLOT_LEN;
        union skt_sockaddr from;
        socklen_t from_len = sizeof from;
        ssize_t got = recvfrom(skt_udp_fd(udp), buf, SKT_UDP_SLOT_LEN, 0, &from.sa, &from_len);
        if (got < 0)
            break;
        bytes += (long)got;
        if (got == 0 || got == SKT_UDP_SLOT_LEN) /* empty, or too long and cut off */
            continue;
        d[n] = (struct skt_udp_datagram){.data = buf, .len = (size_t)got};
        skt_sockaddr_read(&d[n++].from, &from.sa);
    }
    if (n > 0 && !skt_udp_deliver(udp, d, n))
        return SKT_ERR_CLOSED;
    return bytes > 0 ? bytes : SKT_ERR_AGAIN;
}

int skt_udp_system_send(struct skt_udp *udp, const union skt_sockaddr *to, socklen_t to_len,
                        const uint8_t *buf, size_t len, size_t segment_len)
{
    int result = SKT_OK;
    while (len > 0) {
        size_t piece = len < segment_len ? len : segment_len;
        if (sendto(skt_udp_fd(udp), buf, piece, 0, &to->sa, to_len) < 0) {
            result = skt_udp_send_error(errno);
            if (result == SKT_ERR_AGAIN)
                return result;
        }
        buf += piece;
        len -= piece;
    }
    return result;
}
