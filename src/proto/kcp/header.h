/* SPDX-License-Identifier: MIT */
/* The header of a KCP segment, read and written. */
#ifndef SKT_PROTO_KCP_HEADER_H
#define SKT_PROTO_KCP_HEADER_H

#include "base/bytes.h"
#include "proto/path/segment.h"

#include <stdint.h>

/* What a segment says. */
enum skt_kcp_cmd {
    SKT_KCP_CMD_PUSH = 81, /* data */
    SKT_KCP_CMD_ACK = 82,  /* a segment came */
    SKT_KCP_CMD_WASK = 83, /* how large is your window? */
    SKT_KCP_CMD_WINS = 84, /* the window has this size */
};

/* The header of a segment on the wire (facts of the KCP protocol: kcp.c ikcp_encode_seg). */
struct skt_kcp_header {
    uint32_t conv; /* the conversation */
    uint8_t cmd;   /* enum skt_kcp_cmd */
    uint8_t frg;   /* fragments of the message that follow; 0: the last one, or a stream */
    uint16_t wnd;  /* segments that its sender takes from una on */
    uint32_t ts;   /* PUSH: when it was sent; ACK: the ts of the segment that came */
    uint32_t sn;   /* PUSH: its number; ACK: that of the segment that came */
    uint32_t una;  /* its sender has all sn before this */
    uint32_t len;  /* bytes of data behind the header */
};

/* Reads one segment: header and the data's place in the buffer. SKT_ERR_TRUNCATED, SKT_ERR_MALFORMED (unknown
 * cmd, length beyond the buffer). Changes nothing. */
int skt_kcp_parse(struct skt_reader *r, struct skt_kcp_header *h, const uint8_t **data);

/* Writes SKT_KCP_HEADER_LEN bytes. */
void skt_kcp_put_header(uint8_t *out, const struct skt_kcp_header *h);

/* A segment of a conversation that is over on this side. */
struct skt_kcp_stateless {
    uint32_t conv; /* the conversation */
    uint32_t sn;   /* the segment's number */
    uint32_t ts;   /* when it was sent, as its header says */
};

/* Writes the acknowledgement that ends the matter for it: 24 bytes. */
void skt_kcp_write_stateless_ack(const struct skt_kcp_stateless *h, uint8_t out[SKT_KCP_HEADER_LEN]);

#endif
