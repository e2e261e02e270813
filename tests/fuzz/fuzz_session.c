/* SPDX-License-Identifier: MIT */
/* A session that is up, fed with authentic packets of any content: frames, KCP segments, stream headers,
 * control messages. The first byte chooses which end is fed; then come packets as: ms that pass u8, length
 * u16, frames. */
#include "base/bytes.h"
#include "base/err.h"
#include "crypto/crypto.h"
#include "proto/acceptor.h"
#include "proto/kcp_segment.h"
#include "proto/session_internal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct skt_addr client_addr = {.family = 4, .ip = {10, 0, 0, 1}, .port = 1};
static const struct skt_addr server_addr = {.family = 4, .ip = {10, 0, 0, 2}, .port = 2};

struct tunnel {
    struct skt_pool pool;
    struct skt_context ctx[2]; /* client's, server's */
    struct skt_session *session[2];
    struct skt_acceptor acceptor;
    struct skt_stampcache stamps;
    skt_us now;
};

static void init_context(struct tunnel *t, int end)
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
    ctx->ciphers = SKT_CIPHER_BIT(SKT_CIPHER_AES_256_GCM);
    ctx->mode = SKT_MODE_PROXY;
    ctx->features = SKT_FEATURE_ACK_RANGES | SKT_FEATURE_PARITY | SKT_FEATURE_PIECES;
    ctx->fixed_data = 3;
    ctx->fixed_parity = 2;
    ctx->mtu_max = SKT_MTU_MAX;
    ctx->keepalive_s = 60;
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
    if (skt_packet_unmask(t->ctx[1].crypto, t->ctx[1].mask_in, d, len, &h) != 0)
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
    if (n <= 0 || skt_packet_unmask(t->ctx[0].crypto, t->ctx[0].mask_in, reply, (size_t)n, &h) != 0)
        abort();
    skt_session_receive(t->session[0], t->now, &server_addr, reply, (size_t)n);
}

static void set_up(struct tunnel *t)
{
    static const uint8_t ticket[SKT_TICKET_LEN];
    memset(t, 0, sizeof *t);
    skt_crypto_null_seed(1);
    t->now = 1000 * SKT_US_PER_SEC;
    skt_pool_init(&t->pool, SKT_KCP_BLOCK_LEN, 4 << 20);
    init_context(t, 0);
    init_context(t, 1);
    skt_stampcache_init(&t->stamps, 0);
    skt_acceptor_init(&t->acceptor, &t->ctx[1], &t->stamps, 1, 4);
    if (skt_session_new_client(&t->session[0], &t->ctx[0], t->now) != 0)
        abort();
    skt_session_set_candidates(t->session[0], &server_addr, 1, 2, 2);
    skt_session_connect(t->session[0], t->now, ticket);
    for (int i = 0; i < 2; i++) {
        uint8_t d[SKT_SEND_BUFFER_MIN];
        struct skt_send_info info;
        size_t n = skt_session_send(t->session[0], t->now, d, sizeof d, &info);
        if (n == 0)
            abort();
        exchange(t, d, n);
    }
    if (skt_session_state(t->session[0]) != SKT_SESSION_UP || !t->session[1])
        abort();
}

static void tear_down(struct tunnel *t)
{
    skt_session_free(t->session[0]);
    skt_acceptor_forget(&t->acceptor, t->session[1]);
    skt_session_free(t->session[1]);
    skt_acceptor_dispose(&t->acceptor);
    skt_stampcache_dispose(&t->stamps);
    for (int end = 0; end < 2; end++) {
        t->ctx[end].crypto->mask_free(t->ctx[end].mask_in);
        t->ctx[end].crypto->mask_free(t->ctx[end].mask_out);
        skt_idmap_dispose(&t->ctx[end].ids);
    }
    skt_pool_dispose(&t->pool);
}

/* An application that reads all, echoes a little, and lets go of what has ended. */
static void work(struct skt_session *s, skt_us now)
{
    unsigned news;
    const uint8_t *msg;
    struct skt_stream *st;
    while ((st = skt_session_next_stream(s, &news)) != NULL) {
        struct iovec iov;
        while (skt_kcp_read_begin(skt_stream_kcp(st), &iov, 1) > 0) {
            (void)skt_kcp_write(skt_stream_kcp(st), iov.iov_base, iov.iov_len);
            skt_kcp_read_consume(skt_stream_kcp(st), iov.iov_len);
        }
        if (st->reset || skt_kcp_at_end(skt_stream_kcp(st)))
            skt_session_release_stream(s, st);
    }
    while (skt_session_read_message(s, &msg) >= 0)
        (void)skt_session_send_message(s, "echo", 4);
    (void)skt_session_take_events(s);
    uint8_t d[SKT_SEND_BUFFER_MIN];
    struct skt_send_info info;
    for (int i = 0; i < 1000 && skt_session_send(s, now, d, sizeof d, &info) > 0; i++)
        continue;
}

/* Seals `frames` as the other end would and gives them to the session. */
static void feed(struct tunnel *t, int end, const uint8_t *frames, size_t len)
{
    uint8_t d[SKT_MTU_MAX];
    struct skt_packet_header h;
    struct skt_keypair *kp = t->session[!end]->keys.current;
    if (!kp || len == 0 || len > sizeof d - SKT_PACKET_OVERHEAD)
        return;
    memcpy(d + SKT_HEADER_LEN, frames, len);
    int n = skt_packet_seal(t->ctx[!end].crypto, t->ctx[!end].mask_out, kp, d, len);
    if (n > 0 && skt_packet_unmask(t->ctx[end].crypto, t->ctx[end].mask_in, d, (size_t)n, &h) == 0)
        (void)skt_session_receive(t->session[end], t->now, end == 0 ? &server_addr : &client_addr, d,
                                  (size_t)n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct tunnel t;
    struct skt_reader r = skt_reader_of(data, len);
    int end = skt_read_u8(&r) & 1;
    set_up(&t);
    struct skt_session *s = t.session[end];
    struct skt_stream *st;
    if (skt_session_open_stream(s, t.now, SKT_STREAM_TCP, "name", &st) == 0)
        (void)skt_kcp_write(skt_stream_kcp(st), "hello", 5);
    work(s, t.now);
    while (r.left > 3 && skt_session_state(s) != SKT_SESSION_CLOSED) {
        t.now += skt_read_u8(&r) * SKT_US_PER_MS;
        size_t n = skt_read_u16(&r) % 1024;
        n = n < r.left ? n : r.left;
        feed(&t, end, skt_read_bytes(&r, n), n);
        skt_session_expire(s, t.now);
        work(s, t.now);
    }
    tear_down(&t);
    return 0;
}
