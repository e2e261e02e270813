/* SPDX-License-Identifier: MIT */
/* Gathers TCP segments of one flow that follow each other, or datagrams of UDP, into one large packet for a
 * TUN that takes such (offload.h): one system call, and one way through the network stack, for many. What is
 * joined can be cut again into exactly the same packets, so nobody on the way can tell. Pure; takes hostile
 * input. */
#ifndef SKT_BASE_JOIN_H
#define SKT_BASE_JOIN_H

#include "base/ippkt.h"
#include "base/offload.h"

enum {
    SKT_JOIN_LEN_MAX = 65535, /* bytes of a joined packet: what IPv4's length can say */
    SKT_JOIN_PIECE_MIN = 512, /* bytes of payload: shorter segments of TCP are no bulk */
    SKT_JOIN_DATAGRAMS = 64,  /* of UDP in one: as many as Linux lets a program send in one */
};

/* The fields are the implementation's, but for `count`. */
struct skt_join {
    uint8_t *buf;               /* of SKT_JOIN_LEN_MAX bytes, the caller's */
    bool datagrams;             /* those of UDP are joined, too */
    size_t count;               /* packets gathered; 0: none */
    size_t len;                 /* bytes in buf: the first packet, then payload */
    struct skt_ippkt ip;        /* of the first */
    struct skt_offload offload; /* the first's own */
    size_t piece;               /* bytes of payload in each but the last */
    uint32_t next_seq;          /* that the next segment must have (TCP) */
    bool checked;               /* the first one's checksums were looked at */
    bool ended;                 /* nothing may follow */
};

/* buf: SKT_JOIN_LEN_MAX bytes, the caller's. datagrams: the TUN takes joined ones of UDP, too (USO). */
void skt_join_init(struct skt_join *j, uint8_t *buf, bool datagrams);

/* Takes a copy of a packet that skt_ippkt_parse has read as `ip`. False: it can't follow what was gathered
 * (take that out first, then try again), or can't be joined at all; nothing changed.
 *
 * Joined are whole segments of IPv4 without options and IPv6 without extension headers that have data and no
 * flag but ACK and PSH, whose headers are alike in all but length, identification, sequence number, PSH and
 * checksums, the acknowledgement, the window and all TCP options included; each begins where the one before
 * ended, all are equally long but the last, and only the last has PSH. Of UDP: datagrams with data and a
 * checksum, in the order in which they come, all equally long but the last. Identifications count up where DF
 * is not set. Checksums must be right (or all of them partial), since the joined packet gets a new one. */
bool skt_join_add(struct skt_join *j, const struct skt_tun_packet *p, const struct skt_ippkt *ip);

/* Takes out what was gathered, as one packet whose data stays until the next skt_join_add; a single one is
 * as it came. False: nothing was. */
bool skt_join_take(struct skt_join *j, struct skt_tun_packet *out);

#endif
