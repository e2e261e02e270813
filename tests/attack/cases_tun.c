/* SPDX-License-Identifier: MIT */
/* Packets for a TUN: malformed, from others' addresses, cut into single bytes. */
#include "attack/attack.h"

#include <string.h>

enum { IP_LEN = 20, UDP_LEN = 8, TCP_LEN = 20, FLOWS = 64, LONG_PAYLOAD = 60000 };

static void put_be16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put_sum(uint8_t ip[IP_LEN])
{
    uint32_t sum = 0;
    put_be16(ip + 10, 0);
    for (int i = 0; i < IP_LEN; i += 2)
        sum += (uint32_t)ip[i] << 8 | ip[i + 1];
    sum = (sum & 0xffff) + (sum >> 16);
    sum += sum >> 16;
    put_be16(ip + 10, ~sum & 0xffff);
}

/* Headers of an IPv4 packet from our TUN address to the server's (…1). */
static size_t write_headers(const struct attack *a, uint8_t *p, int protocol, size_t payload)
{
    size_t inner = protocol == 6 ? TCP_LEN : UDP_LEN;
    memset(p, 0, IP_LEN + TCP_LEN);
    p[0] = 0x45;
    put_be16(p + 2, (unsigned)(IP_LEN + inner + payload));
    p[8] = 64;
    p[9] = (uint8_t)protocol;
    memcpy(p + 12, a->p.tun_ip, 4);
    memcpy(p + 16, a->p.tun_ip, 3);
    p[19] = 1;
    put_be16(p + IP_LEN, 1024 + attack_random(60000));
    put_be16(p + IP_LEN + 2, 9);
    if (protocol == 6)
        p[IP_LEN + 12] = 0x50;
    else
        put_be16(p + IP_LEN + 4, (unsigned)(UDP_LEN + payload));
    put_sum(p);
    return IP_LEN + inner;
}

static void put_message(struct attack *a, uint32_t sns[FLOWS], const uint8_t *msg, size_t len)
{
    uint32_t flow = (uint32_t)(a->units % FLOWS);
    sns[flow] = attack_message(a, SKT_CONV_FLOW_FIRST + flow, sns[flow], msg, len);
    attack_send(a);
}

/* A right packet with a few bytes changed or cut off, of any kind. */
static void malformed(struct attack *a)
{
    uint32_t sns[FLOWS] = {0};
    if (!attack_connect(a))
        return;
    while (attack_next(a)) {
        uint8_t msg[3 + IP_LEN + TCP_LEN + 600];
        uint8_t kind = (uint8_t)(attack_random(8) ? attack_random(2) : attack_random(256));
        size_t head = kind == SKT_FLOW_OFFLOAD ? 3 : 1;
        attack_random_bytes(msg, sizeof msg);
        msg[0] = kind;
        size_t len = head + write_headers(a, msg + head, attack_random(2) ? 6 : 17, 600) + 600;
        for (uint32_t n = attack_random(6); n > 0; n--)
            msg[head + attack_random(60)] = (uint8_t)attack_random(256);
        if (attack_random(4) == 0)
            len = 1 + attack_random((uint32_t)len);
        put_message(a, sns, msg, len);
    }
}

/* Right packets from addresses that others have, and to all kinds of places. */
static void foreign(struct attack *a)
{
    uint32_t sns[FLOWS] = {0};
    if (!attack_connect(a))
        return;
    while (attack_next(a)) {
        uint8_t msg[1 + IP_LEN + TCP_LEN + 64] = {SKT_FLOW_PLAIN};
        size_t len = 1 + write_headers(a, msg + 1, 17, 64) + 64;
        if (a->units % 4)
            msg[1 + 15] = (uint8_t)attack_random(256);
        if (a->units % 8 == 0)
            attack_random_bytes(msg + 1 + 16, 4);
        put_sum(msg + 1);
        put_message(a, sns, msg, len);
    }
}

/* 60,000 bytes to be cut into pieces of one. */
static void pieces(struct attack *a)
{
    static uint8_t msg[3 + IP_LEN + TCP_LEN + LONG_PAYLOAD];
    uint32_t sns[FLOWS] = {0};
    if (!attack_connect(a))
        return;
    while (attack_next(a)) {
        msg[0] = SKT_FLOW_OFFLOAD;
        skt_put_u16(msg + 1, (uint16_t)(1 + attack_random(3)));
        size_t len = 3 + write_headers(a, msg + 3, a->units % 2 ? 6 : 17, LONG_PAYLOAD) + LONG_PAYLOAD;
        put_message(a, sns, msg, len);
    }
}

const struct attack_case attack_tun_cases[] = {
    {"tun-malformed", "packets with bytes changed or missing", malformed},
    {"tun-foreign", "packets from addresses that others have", foreign},
    {"tun-pieces", "60,000 bytes to be cut into single ones", pieces},
    {0},
};
