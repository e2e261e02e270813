/* SPDX-License-Identifier: MIT */
#include "proto/kcp/ack_frame.h"

#include "base/err.h"
#include "proto/wire.h"

#include <assert.h>

enum { FRAME_HEAD = 2 }; /* type and length, a byte each */

/* A number of 32 bits, or its zigzag. */
static uint32_t read_u32_varint(struct skt_reader *r)
{
    uint64_t v = skt_read_varint(r);
    if (v > UINT32_MAX)
        r->bad = true;
    return (uint32_t)v;
}

static uint32_t read_near(struct skt_reader *r, uint32_t base)
{
    return base + (uint32_t)skt_unzigzag(read_u32_varint(r));
}

static void write_near(struct skt_writer *w, uint32_t v, uint32_t base)
{
    skt_write_varint(w, skt_zigzag((int32_t)(v - base)));
}

static void read_record(struct skt_reader *r, struct skt_ack_record *rec, uint32_t base, uint32_t newest_ts)
{
    uint64_t head = skt_read_varint(r);
    if (head >> 33)
        r->bad = true;
    rec->range = head & 1;
    rec->lo = base + (uint32_t)skt_unzigzag((uint32_t)(head >> 1));
    uint32_t more = rec->range ? read_u32_varint(r) : 0;
    if (more > SKT_ACK_RANGE_MAX)
        r->bad = true;
    rec->hi = rec->lo + more;
    rec->ts = read_near(r, newest_ts);
}

int skt_ack_frame_parse(struct skt_ack_frame *f, const uint8_t *body, size_t len)
{
    struct skt_reader r = skt_reader_of(body, len);
    if (len > SKT_ACK_BODY_MAX)
        return SKT_ERR_MALFORMED;
    f->conv = read_u32_varint(&r);
    f->wnd = skt_read_u16(&r);
    f->una = skt_read_u32(&r);
    f->newest_sn = read_near(&r, f->una);
    f->newest_ts = skt_read_u32(&r);
    f->delay = read_u32_varint(&r);
    f->count = 0;
    if (r.bad)
        return SKT_ERR_TRUNCATED;
    uint32_t base = f->una;
    while (r.left > 0 && f->count < SKT_ACK_RECORDS_MAX) {
        struct skt_ack_record *rec = &f->records[f->count++];
        read_record(&r, rec, base, f->newest_ts);
        if (r.bad)
            return SKT_ERR_MALFORMED;
        base = rec->lo;
    }
    return r.left == 0 ? SKT_OK : SKT_ERR_MALFORMED;
}

void skt_ack_frame_begin(struct skt_ack_writer *a, const struct skt_ack_frame *f, uint8_t *out, size_t room)
{
    assert(room >= SKT_ACK_HEAD_MAX);
    if (room > FRAME_HEAD + SKT_ACK_BODY_MAX)
        room = FRAME_HEAD + SKT_ACK_BODY_MAX;
    a->w = skt_writer_of(out, room);
    a->base = f->una;
    a->newest_ts = f->newest_ts;
    skt_write_u8(&a->w, SKT_FRAME_ACK);
    skt_write_u8(&a->w, 0);
    skt_write_varint(&a->w, f->conv);
    skt_write_u16(&a->w, f->wnd);
    skt_write_u32(&a->w, f->una);
    write_near(&a->w, f->newest_sn, f->una);
    skt_write_u32(&a->w, f->newest_ts);
    skt_write_varint(&a->w, f->delay < SKT_ACK_DELAY_MAX ? f->delay : SKT_ACK_DELAY_MAX);
}

bool skt_ack_frame_add(struct skt_ack_writer *a, const struct skt_ack_record *r)
{
    struct skt_writer before = a->w;
    uint64_t lo = skt_zigzag((int32_t)(r->lo - a->base));
    skt_write_varint(&a->w, lo << 1 | (r->range ? 1 : 0));
    if (r->range)
        skt_write_varint(&a->w, r->hi - r->lo);
    write_near(&a->w, r->ts, a->newest_ts);
    if (a->w.bad) {
        a->w = before;
        return false;
    }
    a->base = r->lo;
    return true;
}

size_t skt_ack_frame_end(struct skt_ack_writer *a)
{
    size_t len = skt_writer_len(&a->w);
    a->w.start[1] = (uint8_t)(len - FRAME_HEAD);
    return len;
}
