/* SPDX-License-Identifier: MIT */
/* IP packets as bytes: what a tunnel needs to read from them and to change in them. Nothing here trusts a
 * length that the packet states; every function takes truncated or hostile input. (RFC 791, 8200, 9293, 768)
 */
#ifndef SKT_BASE_IPPKT_H
#define SKT_BASE_IPPKT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SKT_IPPKT_LEN_MAX = 65535 + 40, /* the longest packet: IPv6's length leaves its header out */
    SKT_IPPKT_ICMP_MAX = 1280,      /* room that an ICMP answer needs at most */
    /* Protocol numbers (IANA). */
    SKT_IPPKT_ICMP = 1,    /* of IPv4 */
    SKT_IPPKT_TCP = 6,     /* of both */
    SKT_IPPKT_UDP = 17,    /* of both */
    SKT_IPPKT_ICMPV6 = 58, /* of IPv6 */
};

/* What was read from a packet. Offsets count from its first byte. */
struct skt_ippkt {
    uint8_t version;    /* 4 or 6 */
    uint8_t protocol;   /* of the transport header, IPv6 extension headers skipped */
    uint8_t ecn;        /* 0 not capable, 1 and 2 capable, 3 congestion experienced (RFC 3168) */
    uint8_t ttl;        /* hops that are left (IPv6: hop limit) */
    bool fragment;      /* a piece of a packet: the first or a later one */
    bool has_ports;     /* source and destination port were read (never from later fragments) */
    bool df;            /* routers must not fragment it: IPv4's DF, always in IPv6 */
    uint16_t id;        /* IPv4 identification; IPv6: the low 16 bits of a fragment's, else 0 */
    uint16_t src_port;  /* with has_ports: where it comes from; host order */
    uint16_t dst_port;  /* with has_ports: where it goes; host order */
    uint8_t tcp_flags;  /* where protocol is TCP and has_ports */
    size_t transport;   /* offset of the transport header, or of what follows the headers known here */
    size_t payload;     /* TCP and UDP with has_ports: offset of the data; else same as transport */
    size_t len;         /* the packet's own length; what follows it in the buffer is padding */
    const uint8_t *src; /* address where it comes from: 4 or 16 bytes in the packet */
    const uint8_t *dst; /* address where it goes, likewise */
};

/* Reads a packet of `len` bytes. SKT_ERR_TRUNCATED: it says that it is longer, or ends inside a header;
 * SKT_ERR_MALFORMED: neither IPv4 nor IPv6, or lengths that contradict each other. `out` points into it. */
int skt_ippkt_parse(struct skt_ippkt *out, const uint8_t *packet, size_t len);

/* A number that all packets of a flow share, in one direction: from addresses, protocol and ports; of
 * fragments from addresses, protocol and identification, as later ones have no ports. `key` keeps others from
 * finding flows that collide. */
uint64_t skt_ippkt_hash(const struct skt_ippkt *p, uint64_t key);

/* 224.0.0.0/4, ff00::/8. */
bool skt_ippkt_is_multicast(uint8_t version, const uint8_t *ip);

/* 255.255.255.255; a network's own broadcast address: see skt_ipnet_broadcast. */
bool skt_ippkt_is_broadcast(uint8_t version, const uint8_t *ip);

/* fe80::/10 and 169.254.0.0/16: never to be routed. */
bool skt_ippkt_is_link_local(uint8_t version, const uint8_t *ip);

/* --- checksums (RFC 1071), as plain one's-complement sums to be folded at the end --- */

/* Adds bytes to a sum; they start at an even offset of what is summed. */
uint64_t skt_ippkt_sum(uint64_t sum, const uint8_t *data, size_t len);

/* The sum in 16 bits, not complemented. */
uint16_t skt_ippkt_fold(uint64_t sum);

/* Adds the pseudo header of TCP, UDP or ICMPv6: addresses, protocol, length of header and data. */
uint64_t skt_ippkt_pseudo(uint64_t sum, const struct skt_ippkt *p, uint8_t protocol, size_t transport_len);

/* The checksum field at `at` (2 bytes, big-endian) after a 16-bit word that it covers changed (RFC 1624). */
void skt_ippkt_sum_replace(uint8_t *at, uint16_t old_word, uint16_t new_word);

/* Are the checksums of a whole packet right: IPv4's header, and TCP's, UDP's and ICMP's where the packet is
 * no fragment? Absent UDP checksums (IPv4) are right; other protocols are not looked into. */
bool skt_ippkt_sums_ok(const uint8_t *packet, size_t len);

/* --- changes in place; the packet must have passed skt_ippkt_parse --- */

/* Marks congestion (ECN CE), with IPv4's checksum. False where the packet is not ECN capable: drop it, where
 * a mark was due. True also where it was marked already. */
bool skt_ippkt_mark_ce(uint8_t *packet, struct skt_ippkt *p);

/* Lowers the MSS option of a TCP SYN to `mss`, with the checksum (also a partial one: the option is not part
 * of the pseudo header, but of what is still to be summed: tell with `partial`). True: it was changed. */
bool skt_ippkt_clamp_mss(uint8_t *packet, const struct skt_ippkt *p, uint16_t mss, bool partial);

/* One hop less, with IPv4's checksum. False: it was 0 or 1 already; the packet must not go on. */
bool skt_ippkt_hop(uint8_t *packet, struct skt_ippkt *p);

/* --- answers --- */

/* What an ICMP error says. */
enum skt_ippkt_error {
    SKT_IPPKT_TOO_BIG,       /* "fragmentation needed" (RFC 792, 1191), "packet too big" (RFC 4443) */
    SKT_IPPKT_UNREACHABLE,   /* no route to the destination; IPv4: host unreachable */
    SKT_IPPKT_PROHIBITED,    /* administratively prohibited */
    SKT_IPPKT_TIME_EXCEEDED, /* TTL exceeded in transit */
};

/* Builds the error about a packet into out: its length (at most SKT_IPPKT_ICMP_MAX), or 0 where none may be
 * sent: about ICMP errors, later fragments, and packets from or to groups (RFC 1122 3.2.2, RFC 4443 2.4; the
 * exception for "packet too big" about multicast included). It goes from `from` (4 or 16 bytes of the
 * packet's version: the tunnel's own address) to the packet's source. mtu: with SKT_IPPKT_TOO_BIG. */
size_t skt_ippkt_icmp_error(uint8_t *out, size_t cap, const uint8_t *packet, const struct skt_ippkt *p,
                            enum skt_ippkt_error error, const uint8_t *from, size_t mtu);

#endif
