/* SPDX-License-Identifier: MIT */
/* Frames by the packetful. */
#include "attack/attack.h"

#include <string.h>

static void fill(struct attack *a, int type, const void *body, size_t len)
{
    if (!attack_connect(a))
        return;
    while (attack_next(a)) {
        while (attack_frame(a, type, body, len))
            continue;
        attack_send(a);
    }
}

static void pings(struct attack *a)
{
    fill(a, SKT_FRAME_PING, "ping", 4);
}

static void single_pings(struct attack *a)
{
    if (!attack_connect(a))
        return;
    while (attack_next(a)) {
        (void)attack_frame(a, SKT_FRAME_PING, "ping", 4);
        attack_send(a);
    }
}

/* Probes of the right size, and of every other. */
static void probes(struct attack *a)
{
    if (!attack_connect(a))
        return;
    while (attack_next(a)) {
        uint8_t size[2];
        size_t len = SKT_PACKET_OVERHEAD + 4 + attack_random(1000);
        skt_put_u16(size, (uint16_t)(attack_random(4) ? len : attack_random(65536)));
        (void)attack_frame(a, SKT_FRAME_PROBE, size, sizeof size);
        (void)attack_frame(a, SKT_FRAME_PROBED, size, sizeof size);
        memset(a->w.p, 0, a->w.left);
        size_t have = SKT_PACKET_OVERHEAD + skt_writer_len(&a->w);
        if (len > have)
            (void)skt_write_room(&a->w, len - have);
        attack_send(a);
    }
}

static void attaches(struct attack *a)
{
    uint8_t body[SKT_TICKET_LEN + 4 + SKT_PROOF_LEN] = {0};
    fill(a, SKT_FRAME_ATTACH, body, sizeof body);
}

static void server_frames(struct attack *a)
{
    uint8_t body[8] = {0};
    if (!attack_connect(a))
        return;
    while (attack_next(a)) {
        int type = a->units % 2 ? SKT_FRAME_CHALLENGE : SKT_FRAME_ACCEPT;
        attack_random_bytes(body, sizeof body);
        while (attack_frame(a, type, body, type == SKT_FRAME_ACCEPT ? 5 : 8))
            continue;
        attack_send(a);
    }
}

static void parity(struct attack *a)
{
    if (!attack_connect(a))
        return;
    while (attack_next(a)) {
        uint8_t junk[1000];
        attack_random_bytes(junk, sizeof junk);
        junk[1] &= (uint8_t)(attack_random(8) ? 0x7f : 0xff);
        skt_write_u8(&a->w, SKT_FRAME_PARITY);
        skt_write_bytes(&a->w, junk, 2 + attack_random(900));
        attack_send(a);
    }
}

/* Any frame of any content. */
static void any(struct attack *a)
{
    if (!attack_connect(a))
        return;
    while (attack_next(a)) {
        uint8_t junk[255];
        for (uint32_t n = attack_random(12); n > 0; n--) {
            int type = (int)attack_random(32);
            attack_random_bytes(junk, sizeof junk);
            if (type != SKT_FRAME_CLOSE && type != SKT_FRAME_PAD)
                (void)attack_frame(a, type, junk, attack_random(attack_random(2) ? 16 : 255));
        }
        skt_write_u8(&a->w, (uint8_t)attack_random(3));
        attack_random_bytes(junk, sizeof junk);
        if (a->w.left >= sizeof junk)
            skt_write_bytes(&a->w, junk, sizeof junk);
        attack_send(a);
    }
}

const struct attack_case attack_frame_cases[] = {
    {"pings", "PING frames by the packetful", pings},
    {"ping", "one PING a packet", single_pings},
    {"probes", "PROBE and PROBED of every size", probes},
    {"attaches", "ATTACH again and again in a session", attaches},
    {"server-frames", "frames that only a server sends", server_frames},
    {"parity", "PARITY frames of any content", parity},
    {"any", "frames of any type, length and content", any},
    {0},
};
