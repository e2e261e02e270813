/* SPDX-License-Identifier: MIT */
/* TCP segments that go another way than their sender thinks: given other addresses, or refused. The packets
 * have passed skt_ippkt_parse, and have ports. */
#ifndef SKT_BASE_IPPKT_TCP_H
#define SKT_BASE_IPPKT_TCP_H

#include "base/ippkt.h"

/* Flags of a TCP header (RFC 9293, 3.1). */
enum skt_tcp_flag {
    SKT_TCP_FIN = 0x01, /* its sender has no more data */
    SKT_TCP_SYN = 0x02, /* a connection begins */
    SKT_TCP_RST = 0x04, /* there is no such connection */
    SKT_TCP_ACK = 0x10, /* the acknowledgement number counts */
};

/* Both ends of a segment; the addresses are of the packet's version, 4 or 16 bytes. */
struct skt_tcp_ends {
    const uint8_t *src; /* address of the sender */
    const uint8_t *dst; /* address of the receiver */
    uint16_t src_port;  /* of the sender; host order */
    uint16_t dst_port;  /* of the receiver; host order */
};

/* May its addresses be changed? Neither a fragment nor one whose way is told in options or extension headers
 * (a routing header takes part in the checksum). */
bool skt_ippkt_is_plain_tcp(const struct skt_ippkt *p);

/* Gives a plain TCP packet other ends, in place, with its checksums. partial: its checksum field holds the
 * sum of the pseudo header only. `p` is not the packet's any more in what it says of addresses and ports. */
void skt_ippkt_readdress(uint8_t *packet, const struct skt_ippkt *p, const struct skt_tcp_ends *to,
                         bool partial);

/* A router's word that a TCP segment was too big, as far as it quotes that. */
struct skt_tcp_too_big {
    struct skt_tcp_ends ends; /* of the segment; the addresses are in the message */
    uint8_t seq[4];           /* its sequence number, as in its header */
    size_t mtu;               /* that fits */
};

/* Reads one: "fragmentation needed" (RFC 1191) or "packet too big" (RFC 4443). False: it is something else,
 * or about no plain TCP segment. */
bool skt_ippkt_read_too_big(struct skt_tcp_too_big *out, const uint8_t *packet, const struct skt_ippkt *p);

enum { SKT_IPPKT_TOO_BIG_MAX = 40 + 8 + 40 + 20 }; /* room that such a message needs at most */

/* Builds one about a segment with these ends and this number, from its destination to its source. Its length.
 */
size_t skt_ippkt_write_too_big(uint8_t out[SKT_IPPKT_TOO_BIG_MAX], uint8_t version,
                               const struct skt_tcp_too_big *about);

enum { SKT_IPPKT_RESET_MAX = 40 + 20 }; /* room that a refusal needs at most */

/* Builds what a host answers that has nobody at the port (RFC 9293, 3.10.7.1): a RST to the packet's sender,
 * from its destination. Its length, or 0: a RST is not answered, nor is what ends inside its header. */
size_t skt_ippkt_tcp_refusal(uint8_t out[SKT_IPPKT_RESET_MAX], const uint8_t *packet,
                             const struct skt_ippkt *p);

#endif
