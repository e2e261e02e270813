/* SPDX-License-Identifier: MIT */
/* Packets of any content under good keys. */
#include "attack/attack.h"
#include "base/err.h"

#include <string.h>

enum { WND = 1024 };

static uint64_t state = UINT64_C(88172645463325252);

uint32_t attack_random(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32) % below;
}

void attack_random_bytes(uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)attack_random(256);
}

void attack_begin(struct attack *a)
{
    a->w = skt_writer_of(a->packet + SKT_HEADER_LEN, a->packet_max - SKT_PACKET_OVERHEAD);
    a->in_kcp = false;
}

size_t attack_room(const struct attack *a)
{
    return a->w.left;
}

bool attack_frame(struct attack *a, int type, const void *body, size_t len)
{
    if (a->in_kcp || len + 2 > a->w.left)
        return false;
    skt_write_u8(&a->w, (uint8_t)type);
    skt_write_u8(&a->w, (uint8_t)len);
    skt_write_bytes(&a->w, body, len);
    return true;
}

bool attack_segment(struct attack *a, const struct skt_kcp_header *h, const void *data)
{
    size_t need = SKT_KCP_HEADER_LEN + h->len + (a->in_kcp ? 0 : 1);
    if (need > a->w.left)
        return false;
    if (!a->in_kcp)
        skt_write_u8(&a->w, SKT_FRAME_KCP);
    a->in_kcp = true;
    skt_write_u32(&a->w, h->conv);
    skt_write_u8(&a->w, h->cmd);
    skt_write_u8(&a->w, h->frg);
    skt_write_u16(&a->w, h->wnd);
    skt_write_u32(&a->w, h->ts);
    skt_write_u32(&a->w, h->sn);
    skt_write_u32(&a->w, h->una);
    skt_write_u32(&a->w, h->len);
    skt_write_bytes(&a->w, data, h->len);
    return true;
}

size_t attack_send(struct attack *a)
{
    size_t plain = skt_writer_len(&a->w);
    struct skt_keypair *kp = a->half;
    if (!kp && a->session)
        kp = skt_keys_sending(&a->session->keys, attack_now());
    if (!kp || plain == 0)
        return 0;
    int len = skt_packet_seal(a->crypto, a->ctx.mask_out, kp, a->packet, plain);
    attack_begin(a);
    if (len <= 0)
        return 0;
    attack_send_raw(a, a->packet, (size_t)len, 0);
    return (size_t)len;
}

void attack_put_segment(struct attack *a, const struct skt_kcp_header *h, const void *data)
{
    if (attack_segment(a, h, data))
        return;
    attack_send(a);
    (void)attack_segment(a, h, data);
}

void attack_put_frame(struct attack *a, int type, const void *body, size_t len)
{
    if (attack_frame(a, type, body, len))
        return;
    attack_send(a);
    (void)attack_frame(a, type, body, len);
}

struct skt_kcp_header attack_push(uint32_t conv, uint32_t sn, uint8_t frg, size_t len)
{
    return (struct skt_kcp_header){
        .conv = conv,
        .cmd = SKT_KCP_CMD_PUSH,
        .frg = frg,
        .wnd = WND,
        .ts = (uint32_t)(attack_now() / 32),
        .sn = sn,
        .len = (uint32_t)len,
    };
}

uint32_t attack_open_stream(struct attack *a, unsigned long n, char command)
{
    uint8_t header[3] = {SKT_STREAM_TCP, 0, (uint8_t)command};
    uint32_t conv = SKT_CONV_FIRST + 2 * (uint32_t)n;
    struct skt_kcp_header h = attack_push(conv, 0, 0, command ? 3 : 2);
    attack_put_segment(a, &h, header);
    return conv;
}

uint32_t attack_message(struct attack *a, uint32_t conv, uint32_t sn, const uint8_t *msg, size_t len)
{
    size_t piece = a->packet_max - SKT_PACKET_OVERHEAD - 1 - SKT_KCP_HEADER_LEN;
    size_t pieces = (len + piece - 1) / piece;
    for (size_t i = 0; i < pieces; i++) {
        size_t n = i + 1 < pieces ? piece : len - i * piece;
        struct skt_kcp_header h = attack_push(conv, sn++, (uint8_t)(pieces - 1 - i), n);
        attack_put_segment(a, &h, msg + i * piece);
    }
    return sn;
}
