/* SPDX-License-Identifier: MIT */
/* A client and a server whose session is up, or about to be, for fuzzers that feed it. */
#ifndef FUZZ_TUNNEL_H
#define FUZZ_TUNNEL_H

#include "base/bytes.h"
#include "base/err.h"
#include "crypto/crypto.h"
#include "proto/acceptor/acceptor.h"
#include "proto/path/segment.h"
#include "proto/session/internal.h"
#include "sim/unmask.h"

#include <stdlib.h>
#include <string.h>

static const struct skt_addr client_addr = {.family = 4, .ip = {10, 0, 0, 1}, .port = 1};
static const struct skt_addr server_addr = {.family = 4, .ip = {10, 0, 0, 2}, .port = 2};

struct tunnel {
    struct skt_pool pool;
    struct skt_context ctx[2]; /* client's, server's */
    struct skt_session *session[2];
    struct skt_acceptor acceptor;
    struct skt_stampcache stamps;
    struct skt_cookies cookies;
    skt_us now;
};

static void init_context(struct tunnel *t, int end, uint8_t mode)
{
    struct skt_context *ctx = &t->ctx[end];
    uint8_t keys[2][SKT_KEY_LEN]; /* by the sending end */
    ctx->crypto = skt_crypto_null();
    ctx->pool = &t->pool;
    skt_packet_mask_keys(ctx->crypto, ctx->identity.psk, keys[0], keys[1]);
    ctx->mask_out = ctx->crypto->mask_new(keys[end]);
    ctx->mask_in = ctx->crypto->mask_new(keys[!end]);
    skt_idmap_init(&ctx->ids);
    ctx->cc = &skt_cc_turbo;
    ctx->tuning.ciphers = SKT_CIPHER_BIT(SKT_CIPHER_AES_256_GCM);
    ctx->mode = mode;
    ctx->features = SKT_FEATURE_ACK_RANGES | SKT_FEATURE_PARITY | SKT_FEATURE_PIECES | SKT_FEATURE_ADDRESSES;
    ctx->tuning.redundancy = SKT_REDUNDANCY_FIXED;
    ctx->tuning.redundancy_data = 3;
    ctx->tuning.redundancy_parity = 2;
    ctx->tuning.mtu_max = SKT_MTU_MAX;
    ctx->tuning.keepalive_s = 60;
    ctx->wall_ms = UINT64_C(1800000000000);
    ctx->limits = (struct skt_kcp_limits){.rcv_wnd_max = 1024, .snd_unsent_max = 65536};
}

/* One datagram of the client's to the server, the answer back. */
static void exchange(struct tunnel *t, uint8_t *d, size_t len)
{
    uint8_t reply[SKT_MTU_START];
    struct skt_packet_header h;
    struct skt_attach_request req;
    long n = 0;
    bool is_new;
    if (sim_unmask(t->ctx[1].crypto, t->ctx[1].mask_in, d, len, &h) != 0)
        abort();
    if (h.kind == SKT_PACKET_INITIATION) {
        n = skt_acceptor_initiation(&t->acceptor, t->now, &client_addr, d, len, reply, sizeof reply);
    } else {
        struct skt_half *half = skt_idmap_get(&t->ctx[1].ids, h.receiver);
        struct skt_send_info info;
        if (skt_acceptor_attach(&t->acceptor, t->now, half, &client_addr, d, len, &req) != 0 ||
            skt_acceptor_admit(&t->acceptor, t->now, &req, &t->session[1], &is_new) != 0)
            abort();
        uint8_t big[SKT_SEND_BUFFER_MIN];
        n = (long)skt_session_send(t->session[1], t->now, big, sizeof big, &info);
        memcpy(reply, big, (size_t)n);
    }
    if (n <= 0 || sim_unmask(t->ctx[0].crypto, t->ctx[0].mask_in, reply, (size_t)n, &h) != 0)
        abort();
    skt_session_receive(t->session[0], t->now, &server_addr, reply, (size_t)n);
}

/* One datagram of the client's, and its answer. */
static void step(struct tunnel *t)
{
    uint8_t d[SKT_SEND_BUFFER_MIN];
    struct skt_send_info info;
    size_t n = skt_session_send(t->session[0], t->now, d, sizeof d, &info);
    if (n == 0)
        abort();
    exchange(t, d, n);
}

/* Both ends, and the client's message 1 answered: it has keys, and the server half a session. */
static void begin(struct tunnel *t, uint8_t mode)
{
    static const uint8_t ticket[SKT_TICKET_LEN];
    memset(t, 0, sizeof *t);
    skt_crypto_null_seed(1);
    t->now = 1000 * SKT_US_PER_SEC;
    skt_pool_init(&t->pool, SKT_KCP_BLOCK_LEN, 4 << 20);
    init_context(t, 0, mode);
    init_context(t, 1, mode);
    skt_stampcache_init(&t->stamps, 64);
    skt_acceptor_init(&t->acceptor, &t->ctx[1], &t->stamps, &t->cookies, 1, 4);
    if (skt_session_new_client(&t->session[0], &t->ctx[0], t->now) != 0)
        abort();
    skt_session_set_candidates(t->session[0], &server_addr, 1, 2, 2);
    skt_session_connect(t->session[0], t->now, ticket);
    step(t);
    if (!t->session[0]->connect.pending)
        abort();
}

/* The rest: ATTACH and ACCEPT. */
static void finish(struct tunnel *t)
{
    step(t);
    if (skt_session_state(t->session[0]) != SKT_SESSION_UP || !t->session[1])
        abort();
}

static void tear_down(struct tunnel *t)
{
    skt_session_free(t->session[0]);
    if (t->session[1]) {
        skt_acceptor_forget(&t->acceptor, t->session[1]);
        skt_session_free(t->session[1]);
    }
    skt_acceptor_dispose(&t->acceptor);
    skt_stampcache_dispose(&t->stamps);
    skt_cookies_dispose(&t->cookies);
    for (int end = 0; end < 2; end++) {
        t->ctx[end].crypto->mask_free(t->ctx[end].mask_in);
        t->ctx[end].crypto->mask_free(t->ctx[end].mask_out);
        skt_idmap_dispose(&t->ctx[end].ids);
    }
    skt_pool_dispose(&t->pool);
}

#endif
