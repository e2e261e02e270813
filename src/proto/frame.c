/* SPDX-License-Identifier: MIT */
#include "proto/frame.h"

#include "base/err.h"

#include <assert.h>

/* --- reading --- */

static void read_accept(struct skt_reader *r, struct skt_frame_accept *a)
{
    a->result = skt_read_u8(r);
    a->cid = skt_read_u32(r);
    a->text = r->p;
    a->text_len = r->left;
}

static void read_attach(struct skt_reader *r, struct skt_frame_attach *a)
{
    a->ticket = skt_read_bytes(r, SKT_TICKET_LEN);
    a->cid = skt_read_u32(r);
    a->proof = skt_read_bytes(r, SKT_PROOF_LEN);
    a->extensions = r->p;
    a->extensions_len = r->left;
}

static void read_report(struct skt_reader *r, struct skt_frame_report *report)
{
    report->lost = skt_read_u32(r);
    report->runs = skt_read_u32(r);
    report->recovered = skt_read_u32(r);
}

static void read_piece(struct skt_reader *r, struct skt_frame_piece *p)
{
    p->number = skt_read_u16(r);
    p->at = skt_read_u16(r);
    p->total = skt_read_u16(r);
    p->bytes = r->p;
    p->len = r->left;
}

/* What the type makes of the body. Bytes behind what it knows are a later version's. */
static void read_body(struct skt_frame *f)
{
    struct skt_reader r = skt_reader_of(f->body, f->body_len);
    switch (f->type) {
    case SKT_FRAME_ATTACH:
        read_attach(&r, &f->attach);
        break;
    case SKT_FRAME_ACCEPT:
        read_accept(&r, &f->accept);
        break;
    case SKT_FRAME_PING:
    case SKT_FRAME_PONG:
        f->stamp = skt_read_u32(&r);
        break;
    case SKT_FRAME_CHALLENGE:
    case SKT_FRAME_RESPONSE:
        f->token = skt_read_bytes(&r, SKT_CHALLENGE_LEN);
        r.bad = r.bad || r.left > 0;
        break;
    case SKT_FRAME_PROBE:
    case SKT_FRAME_PROBED:
        f->size = skt_read_u16(&r);
        break;
    case SKT_FRAME_REPORT:
        read_report(&r, &f->report);
        break;
    case SKT_FRAME_CLOSE: /* without a reason: it was asked for */
        f->reason = f->body_len > 0 ? skt_read_u8(&r) : SKT_CLOSE_LOCAL;
        break;
    case SKT_FRAME_PIECE:
        read_piece(&r, &f->piece);
        break;
    default:
        break;
    }
    f->good = !r.bad;
}

static bool takes_the_rest(uint8_t type)
{
    return type == SKT_FRAME_KCP || type == SKT_FRAME_PAD || type == SKT_FRAME_PARITY ||
           type == SKT_FRAME_PIECE;
}

int skt_frame_read(struct skt_reader *r, struct skt_frame *f)
{
    f->type = skt_read_u8(r);
    f->good = true;
    f->body_len = takes_the_rest(f->type) ? r->left : skt_read_u8(r);
    f->body = skt_read_bytes(r, f->body_len);
    if (r->bad)
        return SKT_ERR_MALFORMED;
    if (f->type != SKT_FRAME_KCP) /* the most frequent one by far */
        read_body(f);
    /* It has no length, so that there is no later version of it either that would be longer. */
    return f->type == SKT_FRAME_PIECE && !f->good ? SKT_ERR_MALFORMED : SKT_OK;
}

/* --- writing --- */

static void write_attach(struct skt_writer *w, const struct skt_frame_attach *a)
{
    skt_write_bytes(w, a->ticket, SKT_TICKET_LEN);
    skt_write_u32(w, a->cid);
    skt_write_bytes(w, a->proof, SKT_PROOF_LEN);
    skt_write_bytes(w, a->extensions, a->extensions_len);
}

static void write_accept(struct skt_writer *w, const struct skt_frame_accept *a)
{
    skt_write_u8(w, a->result);
    skt_write_u32(w, a->cid);
    skt_write_bytes(w, a->text, a->text_len);
}

static void write_report(struct skt_writer *w, const struct skt_frame_report *report)
{
    skt_write_u32(w, report->lost);
    skt_write_u32(w, report->runs);
    skt_write_u32(w, report->recovered);
}

static void write_piece(struct skt_writer *w, const struct skt_frame_piece *p)
{
    skt_write_u16(w, p->number);
    skt_write_u16(w, p->at);
    skt_write_u16(w, p->total);
    skt_write_bytes(w, p->bytes, p->len);
}

static void write_body(struct skt_writer *w, const struct skt_frame *f)
{
    switch (f->type) {
    case SKT_FRAME_ATTACH:
        write_attach(w, &f->attach);
        break;
    case SKT_FRAME_ACCEPT:
        write_accept(w, &f->accept);
        break;
    case SKT_FRAME_PING:
    case SKT_FRAME_PONG:
        skt_write_u32(w, f->stamp);
        break;
    case SKT_FRAME_CHALLENGE:
    case SKT_FRAME_RESPONSE:
        skt_write_bytes(w, f->token, SKT_CHALLENGE_LEN);
        break;
    case SKT_FRAME_PROBE:
    case SKT_FRAME_PROBED:
        skt_write_u16(w, f->size);
        break;
    case SKT_FRAME_REPORT:
        write_report(w, &f->report);
        break;
    case SKT_FRAME_CLOSE:
        skt_write_u8(w, f->reason);
        break;
    case SKT_FRAME_PIECE:
        write_piece(w, &f->piece);
        break;
    default:
        assert(false && "a frame that is written in place");
    }
}

void skt_frame_write(struct skt_writer *w, const struct skt_frame *f)
{
    skt_write_u8(w, f->type);
    uint8_t *len = takes_the_rest(f->type) ? NULL : skt_write_room(w, 1);
    uint8_t *start = w->p;
    write_body(w, f);
    assert(w->bad || !len || w->p - start <= UINT8_MAX);
    if (len)
        *len = (uint8_t)(w->p - start);
}

void skt_frame_pad(struct skt_writer *w, size_t len)
{
    if (len > w->left)
        len = w->left;
    uint8_t *p = skt_write_room(w, len);
    if (p && len)
        memset(p, SKT_FRAME_PAD, len);
}
