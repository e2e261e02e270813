/* SPDX-License-Identifier: MIT */
/* A session that is up, fed with authentic packets of any content: frames, KCP segments, stream headers,
 * control messages. The first byte chooses which end is fed; then come packets as: ms that pass u8, length
 * u16, frames. */
#include "fuzz/tunnel.h"
#include "sim/unmask.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* An application that reads all, echoes a little, and lets go of what has ended. */
static void work(struct skt_session *s, skt_us now)
{
    unsigned news;
    const uint8_t *msg;
    struct skt_stream *st;
    while ((st = skt_session_next_stream(s, &news)) != NULL) {
        struct iovec iov;
        struct skt_addr to;
        if (skt_stream_destination(st, &to) && (to.port == 0 || (to.family != 4 && to.family != 6)))
            abort();
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
    if (n > 0 && sim_unmask(t->ctx[end].crypto, t->ctx[end].mask_in, d, (size_t)n, &h) == 0)
        (void)skt_session_receive(t->session[end], t->now, end == 0 ? &server_addr : &client_addr, d,
                                  (size_t)n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct tunnel t;
    struct skt_reader r = skt_reader_of(data, len);
    int end = skt_read_u8(&r) & 1;
    begin(&t, SKT_MODE_PROXY);
    finish(&t);
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
