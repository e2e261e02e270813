/* SPDX-License-Identifier: MIT */
/* The ACK frame on the wire: what has arrived of one conversation. Body:
 *   conv varint | wnd u16 | una u32 | newest sn varint | newest ts u32 | delay varint | records
 * wnd and una are those of KCP's header. The newest is the segment that came last, its sn as a signed
 * difference to una, its ts as in its header; delay: how long ago it came, in ticks of 32 us. A record is
 *   head varint | in a range: hi - lo varint | ts varint
 * with head = 2 * zigzag(lo - the record's before, una for the first) + (1 in a range), and ts as a signed
 * difference to the newest's. A range says that lo..hi came in this order, each above all that had come
 * before it; ts is that of hi. A record of one segment names the transmission (sn, ts). Records are in the
 * order of arrival. Varints are LEB128, signed ones zigzag (base/bytes.h). */
#ifndef SKT_PROTO_KCP_ACK_FRAME_H
#define SKT_PROTO_KCP_ACK_FRAME_H

#include "base/bytes.h"

enum {
    SKT_ACK_BODY_MAX = 255,                             /* bytes: the length is a byte */
    SKT_ACK_HEAD_MAX = 2 + 2 * SKT_VARINT_MAX + 10 + 3, /* frame type, length, fields before the records */
    SKT_ACK_RECORDS_MAX = 121,                          /* what fits a body, two bytes each */
    SKT_ACK_DELAY_MAX = 0xffff,                         /* ticks, 2 s: longer ones say this */
    SKT_ACK_RANGE_MAX = 0xffff,                         /* hi - lo of a record; longer ranges are cut */
};

struct skt_ack_record {
    uint32_t lo, hi, ts;
    bool range;
};

struct skt_ack_frame {
    uint32_t conv, una;
    uint16_t wnd;
    uint32_t newest_sn, newest_ts;
    uint32_t delay; /* ticks */
    size_t count;
    struct skt_ack_record records[SKT_ACK_RECORDS_MAX];
};

/* SKT_ERR_TRUNCATED, SKT_ERR_MALFORMED; f's content is undefined then. */
int skt_ack_frame_parse(struct skt_ack_frame *f, const uint8_t *body, size_t len);

/* A frame that is being written; type and length included. */
struct skt_ack_writer {
    struct skt_writer w;
    uint32_t base, newest_ts;
};

/* Begins a frame with f's fields, not its records, in room of at least SKT_ACK_HEAD_MAX bytes. */
void skt_ack_frame_begin(struct skt_ack_writer *a, const struct skt_ack_frame *f, uint8_t *out, size_t room);

/* False: no room; nothing is added then. */
bool skt_ack_frame_add(struct skt_ack_writer *a, const struct skt_ack_record *r);

/* The frame's length. */
size_t skt_ack_frame_end(struct skt_ack_writer *a);

#endif
