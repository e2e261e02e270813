/* SPDX-License-Identifier: MIT */
#include "sim/rig.h"

#include "base/err.h"
#include "proto/frame.h"
#include "proto/kcp/turns.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void rig_init(struct rig *r, bool stream, size_t budget, const struct skt_kcp_limits *limits)
{
    static const struct skt_kcp_limits ample = {.rcv_wnd_max = 1024, .snd_unsent_max = 1 << 20};
    memset(r, 0, sizeof *r);
    r->now = 10 * SKT_US_PER_SEC;
    r->out = calloc(RIG_SEGMENTS_MAX, sizeof *r->out);
    assert(r->out);
    /* A path that is alone may hold 7/24 of the budget (base/account.h). */
    skt_pool_init(&r->pool, SKT_KCP_BLOCK_LEN, (budget * SKT_KCP_BLOCK_LEN * 24 + 6) / 7);
    skt_path_init(&r->path, &r->pool, &skt_cc_turbo, 1400, r->now);
    r->path.redundancy.off = true;
    int err = skt_kcp_init(&r->kcp, RIG_CONV, stream, &r->path, limits ? limits : &ample);
    assert(err == SKT_OK);
    (void)err;
}

void rig_dispose(struct rig *r)
{
    skt_kcp_dispose(&r->kcp);
    assert(r->path.inflight_bytes == 0);
    skt_path_dispose(&r->path);
    skt_pool_dispose(&r->pool);
    free(r->out);
}

static void collect(struct rig *r, const uint8_t *packet, size_t len)
{
    struct skt_reader reader = skt_reader_of(packet, len);
    r->packets++;
    r->longest = len > r->longest ? len : r->longest;
    while (reader.left > 0) {
        assert(r->count < RIG_SEGMENTS_MAX);
        struct rig_segment *s = &r->out[r->count++];
        const uint8_t *data;
        int err = skt_kcp_parse(&reader, &s->h, &data);
        assert(err == SKT_OK && s->h.conv == RIG_CONV);
        (void)err;
        if (s->h.len > 0)
            memcpy(s->data, data, s->h.len);
    }
}

size_t rig_send_packet(struct skt_path *p, skt_us now, uint8_t out[SKT_MTU_MAX])
{
    uint8_t frames[SKT_FRAME_KCP_LEN + SKT_MTU_MAX];
    size_t n, len = skt_turns_send(p, now, frames, sizeof frames, &n);
    memcpy(out, frames + len - n, n);
    return n;
}

static void send_more(struct rig *r)
{
    uint8_t packet[SKT_MTU_MAX];
    for (size_t n; (n = rig_send_packet(&r->path, r->now, packet)) > 0;) {
        collect(r, packet, n);
        skt_path_on_sent(&r->path, r->now, n + 25);
    }
}

size_t rig_send(struct rig *r)
{
    r->count = r->packets = r->longest = 0;
    send_more(r);
    return r->count;
}

size_t rig_count(const struct rig *r, uint8_t cmd)
{
    size_t n = 0;
    for (size_t i = 0; i < r->count; i++)
        n += r->out[i].h.cmd == cmd;
    return n;
}

const struct rig_segment *rig_find(const struct rig *r, uint8_t cmd, size_t n)
{
    for (size_t i = 0; i < r->count; i++) {
        if (r->out[i].h.cmd == cmd && n-- == 0)
            return &r->out[i];
    }
    return NULL;
}

size_t rig_wait(struct rig *r, skt_us limit)
{
    skt_us until = r->now + limit;
    r->count = r->packets = r->longest = 0;
    for (unsigned turns = 0; r->count == 0; turns++) {
        assert(turns < 10000); /* else it spins */
        skt_us at = skt_turns_expiry(&r->path, r->now);
        if (at > until) {
            r->now = until;
            return 0;
        }
        r->now = skt_us_max(r->now, at);
        skt_turns_expire(&r->path, r->now);
        send_more(r);
    }
    return r->count;
}

int rig_push(struct rig *r, uint32_t sn, uint8_t frg, const void *data, size_t len)
{
    struct skt_kcp_header h = {RIG_CONV, SKT_KCP_CMD_PUSH, frg,          128, 1000 + sn,
                               sn,       r->kcp.snd.una,   (uint32_t)len};
    return skt_kcp_receive(&r->kcp, r->now, &h, (const uint8_t *)data);
}

int rig_ack(struct rig *r, uint32_t sn, uint32_t ts, uint32_t una, uint16_t wnd)
{
    struct skt_kcp_header h = {RIG_CONV, SKT_KCP_CMD_ACK, 0, wnd, ts, sn, una, 0};
    return skt_kcp_receive(&r->kcp, r->now, &h, NULL);
}

int rig_control(struct rig *r, uint8_t cmd, uint32_t una, uint16_t wnd)
{
    struct skt_kcp_header h = {RIG_CONV, cmd, 0, wnd, 0, 0, una, 0};
    return skt_kcp_receive(&r->kcp, r->now, &h, NULL);
}

void rig_ack_all(struct rig *r, uint16_t wnd)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct skt_kcp_header *h = &r->out[i].h;
        if (h->cmd == SKT_KCP_CMD_PUSH)
            rig_ack(r, h->sn, h->ts, h->sn + 1, wnd);
    }
}

size_t rig_read(struct rig *r)
{
    struct iovec iov[16];
    size_t total = 0;
    for (int n; (n = skt_kcp_read_begin(&r->kcp, iov, 16)) > 0;) {
        size_t len = 0;
        for (int i = 0; i < n; i++)
            len += iov[i].iov_len;
        skt_kcp_read_consume(&r->kcp, len);
        total += len;
    }
    return total;
}
