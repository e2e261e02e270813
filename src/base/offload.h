/* SPDX-License-Identifier: MIT */
/* Packets larger than the MTU and checksums that are not finished, as the kernel hands them over where
 * offloads are on (linux/virtio_net.h says how): cutting them into plain packets, and telling the kernel
 * about those of a peer. Pure; every function takes hostile input. */
#ifndef SKT_BASE_OFFLOAD_H
#define SKT_BASE_OFFLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum skt_gso {
    SKT_GSO_NONE, /* the packet is one packet */
    SKT_GSO_TCP4, /* many TCP segments under one header (TSO), over IPv4 */
    SKT_GSO_TCP6, /* the same, over IPv6 */
    SKT_GSO_UDP,  /* many UDP datagrams under one header (USO), IPv4 or IPv6 */
};

struct skt_offload {
    enum skt_gso gso;     /* what it stands for */
    bool partial;         /* the checksum at csum_start + csum_offset is that of the pseudo header only */
    uint16_t size;        /* with gso: bytes of payload in each packet but the last */
    uint16_t hdr_len;     /* with gso: bytes of all headers */
    uint16_t csum_start;  /* with partial: where summing starts, the transport header */
    uint16_t csum_offset; /* with partial: of the checksum field from there */
};

struct skt_tun_packet {
    struct skt_offload offload; /* what is still to be done with it */
    uint8_t *data;              /* the IP packet */
    size_t len;                 /* bytes of it */
};

/* Computes everything again from the packet itself and two facts, which is all that peers need to tell each
 * other: the size of its pieces (0: it is one packet) and whether its checksum is partial (it always is where
 * size > 0). SKT_ERR_MALFORMED: no such offload for this packet. Use it on what a peer sent; never believe
 * offsets from elsewhere. */
int skt_offload_derive(struct skt_offload *out, const uint8_t *packet, size_t len, size_t size, bool partial);

/* Makes a packet from the kernel one that skt_offload_derive can describe: where the kernel put the checksum
 * elsewhere than in the TCP or UDP header (a tunnel inside), or where the packet fits one piece, it becomes
 * plain. SKT_ERR_MALFORMED: headers that contradict the offload. */
int skt_offload_normalize(struct skt_tun_packet *p);

/* Finishes a partial checksum in place (offload.partial becomes false). Not for gso packets: cut those.
 * SKT_ERR_MALFORMED: the field lies outside the packet. */
int skt_offload_complete(struct skt_tun_packet *p);

/* How many packets it is: 1 without gso. */
size_t skt_offload_pieces(const struct skt_tun_packet *p);

/* Cuts one packet into plain ones with full checksums. */
struct skt_offload_cutter {
    const uint8_t *packet; /* what is cut, the caller's */
    size_t len;            /* bytes of it */
    size_t headers;        /* bytes of all its headers, which each piece gets */
    size_t transport;      /* bytes of these before the transport header */
    size_t piece;          /* bytes of payload in each piece but the last */
    size_t done;           /* bytes of payload cut so far */
    uint32_t seq;          /* of TCP: the next piece's */
    uint16_t id;           /* IPv4 identification of the next piece */
    uint8_t version;       /* 4 or 6 */
    uint8_t protocol;      /* of the transport header */
    uint8_t flags;         /* of TCP: the whole one's */
    bool whole;            /* not gso: one packet, only its checksum may be missing */
    bool partial;          /* with whole: it is missing */
    bool ended;            /* all was cut */
    uint16_t csum_start;   /* with partial: where summing starts */
    uint16_t csum_offset;  /* with partial: of the checksum field from there */
};

/* Begins; the packet must stay. mtu: the most bytes of a plain packet. TCP is cut finer where its pieces do
 * not fit; datagrams can't be. SKT_ERR_FULL: a datagram, or a packet that is no gso one, exceeds mtu (answer
 * with skt_ippkt_icmp_error); SKT_ERR_MALFORMED. */
int skt_offload_cut(struct skt_offload_cutter *c, const struct skt_tun_packet *p, size_t mtu);

/* Writes the next plain packet to out (room for the mtu given at the start); its length, 0: that was all. */
size_t skt_offload_cut_next(struct skt_offload_cutter *c, uint8_t *out);

#endif
