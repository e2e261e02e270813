/* SPDX-License-Identifier: MIT */
/* Acknowledgements, windows and reports that are not true. */
#include "attack/attack.h"

enum { RANGE = 65535, DOWNLOADS = 4 };

static const uint32_t edges[] = {0,          1,          127,        128,        8191,
                                 8192,       65535,      0x7fffffff, 0x80000000, 0x80000001,
                                 0xfffffffe, 0xffffffff, 1000000000, 4096};

static uint32_t edge(void)
{
    return attack_random(3) ? edges[attack_random(sizeof edges / sizeof edges[0])]
                            : attack_random(UINT32_MAX);
}

static bool begin_downloads(struct attack *a)
{
    if (!attack_connect(a))
        return false;
    for (unsigned long n = 0; n < DOWNLOADS; n++)
        (void)attack_open_stream(a, n, 'd');
    attack_send(a);
    return true;
}

/* All of a download is acknowledged but its first segment, and again and again: each frame names the whole
 * window, as wide as it can be, and a packet has as many frames as go in. */
static void ack_steps(struct attack *a)
{
    if (!attack_connect(a))
        return;
    a->tapped = true;
    (void)attack_open_stream(a, 0, 'd');
    attack_send(a);
    while (attack_next(a)) {
        if (!a->tap_any || a->tap_sn < 1)
            continue;
        uint8_t body[64];
        struct skt_writer w = skt_writer_of(body, sizeof body);
        uint32_t range = a->tap_sn - 1 < RANGE ? a->tap_sn - 1 : RANGE;
        skt_write_varint(&w, SKT_CONV_FIRST);
        skt_write_u16(&w, 65535);
        skt_write_u32(&w, 0);                                 /* una */
        skt_write_varint(&w, skt_zigzag((int32_t)a->tap_sn)); /* newest */
        skt_write_u32(&w, a->tap_ts);
        skt_write_varint(&w, 0);                               /* delay */
        skt_write_varint(&w, 2 * (uint64_t)skt_zigzag(1) + 1); /* from 1 on, */
        skt_write_varint(&w, range);                           /* so many */
        skt_write_varint(&w, 0);
        while (attack_frame(a, SKT_FRAME_ACK, body, skt_writer_len(&w)))
            continue;
        attack_send(a);
    }
}

/* ACK frames and segments of what was never sent. */
static void acks_unsent(struct attack *a)
{
    if (!begin_downloads(a))
        return;
    while (attack_next(a)) {
        uint8_t body[64];
        struct skt_writer w = skt_writer_of(body, sizeof body);
        uint32_t conv = attack_random(SKT_CONV_FIRST + 2 * DOWNLOADS);
        skt_write_varint(&w, conv);
        skt_write_u16(&w, (uint16_t)edge());
        skt_write_u32(&w, edge());
        skt_write_varint(&w, edge());
        skt_write_u32(&w, edge());
        skt_write_varint(&w, edge());
        for (uint32_t i = attack_random(3); i > 0; i--)
            skt_write_varint(&w, edge());
        (void)attack_frame(a, SKT_FRAME_ACK, body, skt_writer_len(&w));
        struct skt_kcp_header h = attack_push(conv, edge(), 0, 0);
        h.cmd = SKT_KCP_CMD_ACK;
        h.una = attack_random(2) ? edge() : 0;
        h.ts = edge();
        h.wnd = (uint16_t)edge();
        while (attack_segment(a, &h, NULL) && attack_random(8))
            h.sn++;
        attack_send(a);
    }
}

/* una runs ahead of what has been sent: whatever was in flight counts as arrived. */
static void una_ahead(struct attack *a)
{
    uint32_t una = 0;
    if (!begin_downloads(a))
        return;
    while (attack_next(a)) {
        una += 32;
        for (uint32_t n = 0; n < DOWNLOADS; n++) {
            struct skt_kcp_header h = attack_push(SKT_CONV_FIRST + 2 * n, 0, 0, 0);
            h.cmd = SKT_KCP_CMD_WINS;
            h.una = una;
            h.wnd = 65535;
            attack_put_segment(a, &h, NULL);
        }
        attack_send(a);
    }
}

/* Windows of 0, 1 and 65535 in turn, each asked for as well. */
static void windows(struct attack *a)
{
    static const uint16_t wnds[] = {0, 65535, 1, 0, 128};
    if (!begin_downloads(a))
        return;
    while (attack_next(a)) {
        for (uint32_t n = 0; n < 40; n++) {
            struct skt_kcp_header h = attack_push(attack_random(SKT_CONV_FIRST + 2 * DOWNLOADS), 0, 0, 0);
            h.cmd = attack_random(2) ? SKT_KCP_CMD_WASK : SKT_KCP_CMD_WINS;
            h.wnd = wnds[attack_random(5)];
            attack_put_segment(a, &h, NULL);
        }
        attack_send(a);
    }
}

static void reports(struct attack *a)
{
    if (!begin_downloads(a))
        return;
    while (attack_next(a)) {
        uint8_t body[12];
        for (int i = 0; i < 3; i++)
            skt_put_u32(body + 4 * i, edge());
        attack_put_frame(a, SKT_FRAME_REPORT, body, sizeof body);
        attack_send(a);
    }
}

const struct attack_case attack_window_cases[] = {
    {"ack-steps", "ACK frames of the whole window, as many as a packet holds", ack_steps},
    {"acks-unsent", "acknowledgements of what was never sent", acks_unsent},
    {"una-ahead", "una of what has not been received", una_ahead},
    {"windows", "windows of 0 and 65535 in turn", windows},
    {"reports", "REPORT frames of every value", reports},
    {0},
};
