/* SPDX-License-Identifier: MIT */
#include "proto/session/size.h"

#include "proto/session/internal.h"

enum {
    ETHERNET_V6_MTU = 1500 - 40 - 8
}; /* UDP payload of Ethernet's 1500 bytes behind heads of IPv6 and UDP */

size_t skt_session_payload_limit(size_t mtu, bool parity)
{
    return mtu - SKT_PACKET_OVERHEAD - SKT_FRAME_KCP_LEN - (parity ? SKT_PARITY_RESERVE : 0);
}

size_t skt_session_packet_limit(size_t mtu)
{
    return skt_session_payload_limit(mtu, true) - SKT_KCP_HEADER_LEN - SKT_FLOW_HEADER_MIN;
}

void skt_session_set_mtu(struct skt_session *s)
{
    skt_trace_tell(&s->path.trace, mtu, s->path.now, s->mtu.current);
    skt_parity_update(s);
    skt_path_set_payload_limit(&s->path,
                               skt_session_payload_limit(s->mtu.current, s->path.redundancy.parity));
}

void skt_session_search_mtu(struct skt_session *s, skt_us now, size_t peer_mtu)
{
    size_t cap = peer_mtu < s->ctx->tuning.mtu_max ? peer_mtu : s->ctx->tuning.mtu_max;
    if (s->peer.family == 6 && cap > ETHERNET_V6_MTU)
        cap = ETHERNET_V6_MTU;
    skt_mtu_init(&s->mtu);
    skt_mtu_start(&s->mtu, cap, now);
    skt_session_set_mtu(s);
}
