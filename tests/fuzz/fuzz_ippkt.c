/* SPDX-License-Identifier: MIT */
/* IP packets and offloads from anywhere: read, changed, answered, cut, joined. What was cut must be right. */
#include "base/ippkt.h"
#include "base/ippkt_tcp.h"
#include "base/join.h"
#include "base/offload.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD = 12 };

static void edit(uint8_t *packet, size_t len, uint8_t choice)
{
    static const uint8_t from[16] = {10, 0, 0, 9};
    uint8_t out[SKT_IPPKT_ICMP_MAX];
    struct skt_ippkt p;
    bool right = skt_ippkt_sums_ok(packet, len);
    if (skt_ippkt_parse(&p, packet, len) != 0)
        return;
    if (p.len > len || p.transport > p.len || p.payload > p.len || p.payload < p.transport)
        abort();
    (void)skt_ippkt_hash(&p, choice);
    size_t n =
        skt_ippkt_icmp_error(out, sizeof out, packet, &p, (enum skt_ippkt_error)(choice & 3), from, 1280);
    if (n > 0 && !skt_ippkt_sums_ok(out, n))
        abort();
    (void)skt_ippkt_mark_ce(packet, &p);
    (void)skt_ippkt_hop(packet, &p);
    (void)skt_ippkt_clamp_mss(packet, &p, choice, false);
    if (right && !skt_ippkt_sums_ok(packet, len))
        abort();
}

/* Given other ends and back again it is as it was. */
static void readdress(uint8_t *packet, size_t len)
{
    static const uint8_t far[16] = {203, 0, 113, 9, 0xff, 0xff};
    uint8_t own[32], out[SKT_IPPKT_RESET_MAX];
    struct skt_ippkt p;
    bool right = skt_ippkt_sums_ok(packet, len);
    if (skt_ippkt_parse(&p, packet, len) != 0)
        return;
    struct skt_tcp_too_big about;
    uint8_t big[SKT_IPPKT_TOO_BIG_MAX];
    if (skt_ippkt_read_too_big(&about, packet, &p)) {
        size_t len_big = skt_ippkt_write_too_big(big, p.version, &about); /* none about groups */
        if (len_big > sizeof big || (len_big > 0 && !skt_ippkt_sums_ok(big, len_big)))
            abort();
    }
    size_t n = skt_ippkt_tcp_refusal(out, packet, &p);
    if (n > 0 && !skt_ippkt_sums_ok(out, n))
        abort();
    if (!skt_ippkt_is_plain_tcp(&p))
        return;
    size_t ip = p.version == 4 ? 4 : 16;
    memcpy(own, p.src, ip);
    memcpy(own + 16, p.dst, ip);
    skt_ippkt_readdress(packet, &p, &(struct skt_tcp_ends){far, far, 1, 2}, false);
    if (right && !skt_ippkt_sums_ok(packet, len))
        abort();
    skt_ippkt_readdress(packet, &p, &(struct skt_tcp_ends){own, own + 16, p.src_port, p.dst_port}, false);
    if (right && !skt_ippkt_sums_ok(packet, len))
        abort();
}

/* How many packets it has to be altogether. */
static size_t cut_count(const struct skt_offload_cutter *c)
{
    if (c->whole || c->len <= c->headers)
        return 1;
    return (c->len - c->headers + c->piece - 1) / c->piece;
}

static void cut(struct skt_tun_packet *p, size_t mtu)
{
    struct skt_offload_cutter c;
    if (skt_offload_cut(&c, p, mtu) != 0)
        return;
    uint8_t *out = malloc(mtu);
    if (!out)
        return;
    size_t count = cut_count(&c), n = 0, len;
    while ((len = skt_offload_cut_next(&c, out)) > 0) {
        n++;
        if (len > mtu || (p->offload.gso != SKT_GSO_NONE && !skt_ippkt_sums_ok(out, len)))
            abort();
    }
    if (n != count && p->len > 0)
        abort();
    free(out);
}

/* The packet as it would be if it followed the given one, with a right checksum. */
static void make_next(struct skt_tun_packet *p, const struct skt_ippkt *ip)
{
    uint8_t *tcp = p->data + ip->transport;
    if (ip->protocol == SKT_IPPKT_UDP)
        return; /* the same once more */
    size_t carry = ip->len - ip->payload;
    for (int i = 7; i >= 4; i--, carry >>= 8) {
        carry += tcp[i];
        tcp[i] = (uint8_t)carry;
    }
    uint16_t sum = skt_ippkt_fold(skt_ippkt_pseudo(0, ip, SKT_IPPKT_TCP, ip->len - ip->transport));
    tcp[16] = (uint8_t)(sum >> 8);
    tcp[17] = (uint8_t)sum;
    p->offload =
        (struct skt_offload){.partial = true, .csum_start = (uint16_t)ip->transport, .csum_offset = 16};
    if (skt_offload_complete(p) != 0)
        abort();
}

/* What is joined can be cut again into as many packets, all as long as this one. */
static void join(uint8_t *packet, size_t len)
{
    static uint8_t buf[SKT_JOIN_LEN_MAX], out[SKT_JOIN_LEN_MAX];
    struct skt_tun_packet p = {.data = packet, .len = len};
    struct skt_offload_cutter c;
    struct skt_ippkt ip;
    struct skt_join j;
    size_t n = 1;
    skt_join_init(&j, buf, true);
    if (skt_ippkt_parse(&ip, packet, len) != 0 || !skt_join_add(&j, &p, &ip))
        return;
    for (make_next(&p, &ip); n < 40 && skt_join_add(&j, &p, &ip); n++)
        make_next(&p, &ip);
    if (!skt_join_take(&j, &p) || (n > 1) != (p.offload.gso != SKT_GSO_NONE))
        abort();
    if (n == 1)
        return;
    if (skt_offload_cut(&c, &p, sizeof out) != 0)
        abort();
    for (size_t got; (got = skt_offload_cut_next(&c, out)) > 0; n--)
        if (got != len || !skt_ippkt_sums_ok(out, got))
            abort();
    if (n != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < HEAD)
        return 0;
    struct skt_tun_packet p = {.len = size - HEAD};
    p.data = malloc(p.len > 0 ? p.len : 1);
    if (!p.data)
        return 0;
    memcpy(p.data, data + HEAD, p.len);
    struct skt_offload derived;
    p.offload = (struct skt_offload){.gso = (enum skt_gso)(data[0] & 3),
                                     .partial = data[0] & 4,
                                     .size = (uint16_t)(data[1] << 8 | data[2]),
                                     .csum_start = (uint16_t)(data[3] << 8 | data[4]),
                                     .csum_offset = (uint16_t)(data[5] << 8 | data[6])};
    size_t mtu = (size_t)(data[7] << 8 | data[8]) + 1;
    (void)skt_offload_derive(&derived, p.data, p.len, p.offload.size, p.offload.partial);
    cut(&p, mtu);
    if (data[0] & 8 && skt_offload_normalize(&p) == 0)
        cut(&p, mtu);
    if (p.len > 0 && !(data[0] & 16))
        (void)skt_offload_complete(&p);
    readdress(p.data, p.len);
    edit(p.data, p.len, data[9]);
    join(p.data, p.len);
    free(p.data);
    return 0;
}
