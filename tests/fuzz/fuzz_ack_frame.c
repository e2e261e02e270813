/* SPDX-License-Identifier: MIT */
/* ACK frames of any content: parsed, written again to the same effect, and given to a conversation that has
 * segments in flight, lost and sent again. The first byte says how many. */
#include "base/err.h"
#include "proto/kcp/ack_frame.h"
#include "proto/kcp/kcp.h"
#include "proto/kcp/turns.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { CONV = 7 };

/* What fits a frame when it is written afresh; a strange encoding of the same may have been shorter. */
static void check_again(const struct skt_ack_frame *f)
{
    uint8_t out[2 + SKT_ACK_BODY_MAX];
    struct skt_ack_writer a;
    struct skt_ack_frame g;
    size_t n = 0;
    skt_ack_frame_begin(&a, f, out, sizeof out);
    while (n < f->count && skt_ack_frame_add(&a, &f->records[n]))
        n++;
    size_t out_len = skt_ack_frame_end(&a);
    if (skt_ack_frame_parse(&g, out + 2, out_len - 2) != SKT_OK || g.count != n || g.una != f->una ||
        g.newest_sn != f->newest_sn)
        abort();
    for (size_t i = 0; i < n; i++) {
        const struct skt_ack_record *x = &f->records[i], *y = &g.records[i];
        if (x->lo != y->lo || x->hi != y->hi || x->ts != y->ts || x->range != y->range)
            abort();
    }
}

static void send_all(struct skt_path *p, skt_us now)
{
    uint8_t packet[SKT_MTU_MAX + 1];
    size_t segments_len;
    for (size_t n; (n = skt_turns_send(p, now, packet, sizeof packet, &segments_len)) > 0;)
        skt_path_on_sent(p, now, n + 24);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const uint8_t zeros[1400];
    static const struct skt_kcp_limits limits = {.rcv_wnd_max = 512, .snd_unsent_max = 1 << 20};
    struct skt_reader r = skt_reader_of(data, len);
    struct skt_pool pool;
    struct skt_path path;
    struct skt_kcp k;
    struct skt_ack_frame f;
    skt_us now = 100 * SKT_US_PER_SEC;
    skt_pool_init(&pool, SKT_KCP_BLOCK_LEN, 0);
    skt_path_init(&path, &pool, &skt_cc_turbo, 1400, now);
    skt_turns_set_ack_frames(&path, true);
    if (skt_kcp_init(&k, CONV, true, &path, &limits) != SKT_OK)
        abort();
    skt_kcp_set_sn(&k, UINT32_MAX - 10, 0);
    for (unsigned n = skt_read_u8(&r) % 64; n > 0; n--)
        (void)skt_kcp_write(&k, zeros, sizeof zeros);
    while (r.left > 0) {
        now += skt_read_u8(&r) * UINT64_C(2000);
        skt_turns_expire(&path, now);
        send_all(&path, now);
        size_t body_len = skt_read_u8(&r) % (r.left + 1);
        const uint8_t *body = skt_read_bytes(&r, body_len);
        if (!body || skt_ack_frame_parse(&f, body, body_len) != SKT_OK)
            continue;
        check_again(&f);
        uint32_t una = k.snd.una;
        uint64_t delivered = path.delivery.bytes;
        if (skt_kcp_receive_acks(&k, now, &f) != SKT_OK &&
            (k.snd.una != una || path.delivery.bytes != delivered))
            abort();
    }
    skt_kcp_dispose(&k);
    if (path.inflight_bytes != 0)
        abort();
    skt_path_dispose(&path);
    skt_pool_dispose(&pool);
    return 0;
}
