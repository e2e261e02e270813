/* SPDX-License-Identifier: MIT */
#include "sim/forge.h"

#include "proto/kcp/internal.h"
#include "proto/session/internal.h"

#include <assert.h>
#include <string.h>

static int seal_and_give(struct sim_world *w, bool to_server, const struct skt_addr *from,
                         const uint8_t *frames, size_t len)
{
    struct skt_session *server = sim_world_session(w), *client = w->client.session;
    uint8_t d[2048];
    assert(server && len > 0 && len + SKT_PACKET_OVERHEAD <= sizeof d);
    struct skt_session *by = to_server ? client : server, *to = to_server ? server : client;
    struct skt_keypair *kp = skt_keys_sending(&by->keys, w->now);
    assert(kp);
    memcpy(d + SKT_HEADER_LEN, frames, len);
    int n = skt_packet_seal_bare(by->ctx->crypto, kp, d, len);
    assert(n > 0);
    return skt_session_receive(to, w->now, from, d, (size_t)n);
}

int sim_forge(struct sim_world *w, bool to_server, const uint8_t *frames, size_t len)
{
    return seal_and_give(w, to_server, to_server ? &w->client.addr : &w->server.addr, frames, len);
}

int sim_forge_from(struct sim_world *w, const struct skt_addr *from, const uint8_t *frames, size_t len)
{
    return seal_and_give(w, true, from, frames, len);
}

size_t sim_forge_segment(uint8_t *out, const struct skt_kcp_header *h, const uint8_t *data)
{
    skt_kcp_put_header(out, h);
    if (data)
        memcpy(out + SKT_KCP_HEADER_LEN, data, h->len);
    else
        memset(out + SKT_KCP_HEADER_LEN, 0, h->len);
    return SKT_KCP_HEADER_LEN + h->len;
}
