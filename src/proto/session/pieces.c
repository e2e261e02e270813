/* SPDX-License-Identifier: MIT */
/* Segments that were cut for a larger datagram than the path carries now. KCP can't cut them anew, as the
 * peer may have them by that number already; so their packet's body goes in pieces. IP's own fragments, the
 * other way, are dropped by many firewalls. A piece that is lost takes its segment with it, which is sent
 * again. */
#include "base/err.h"
#include "proto/session/internal.h"

#include <stdlib.h>
#include <string.h>

enum {
    BODY_MAX = SKT_MTU_MAX - SKT_PACKET_OVERHEAD - SKT_FRAME_KCP_LEN,
    OPEN_MAX = 4, /* bodies being put together: pieces leave one behind the other, so these are reordered */
};

struct skt_pieces_out {
    size_t len, at; /* of the body, of the next piece in it */
    uint8_t body[BODY_MAX];
};

struct skt_pieces_in {
    struct skt_piece_body {
        uint16_t number;
        uint16_t total, got; /* bytes; total 0: free */
        uint8_t body[BODY_MAX];
    } open[OPEN_MAX];
    unsigned next; /* the one to be given up next */
};

void skt_pieces_dispose(struct skt_session *s)
{
    free(s->pieces.out);
    free(s->pieces.in);
    s->pieces.out = NULL;
    s->pieces.in = NULL;
}

/* --- sending --- */

void skt_pieces_begin(struct skt_session *s, const uint8_t *body, size_t len)
{
    struct skt_pieces_out *out = len <= BODY_MAX ? malloc(sizeof *out) : NULL;
    if (!out)
        return; /* lost, as on a bad link */
    out->len = len;
    out->at = 0;
    memcpy(out->body, body, len);
    s->pieces.out = out;
    s->pieces.number++;
}

size_t skt_pieces_write(struct skt_session *s, uint8_t *plain)
{
    struct skt_pieces_out *out = s->pieces.out;
    size_t room = s->mtu.current - SKT_PACKET_OVERHEAD - SKT_FRAME_PIECE_LEN, left = out->len - out->at;
    size_t pieces = (left + room - 1) / room; /* that are to come, of about one length */
    size_t len = (left + pieces - 1) / pieces;
    struct skt_writer w = skt_writer_of(plain, SKT_FRAME_PIECE_LEN + len);
    const struct skt_frame piece = {
        .type = SKT_FRAME_PIECE,
        .piece = {s->pieces.number, (uint16_t)out->at, (uint16_t)out->len, out->body + out->at, len}};
    skt_frame_write(&w, &piece);
    out->at += len;
    if (out->at == out->len) {
        free(out);
        s->pieces.out = NULL;
    }
    return skt_writer_len(&w);
}

/* --- receiving --- */

static struct skt_piece_body *body_of(struct skt_pieces_in *in, uint16_t number, uint16_t total)
{
    struct skt_piece_body *b = in->open;
    for (; b < in->open + OPEN_MAX; b++)
        if (b->total == total && b->number == number)
            return b;
    b = &in->open[in->next++ % OPEN_MAX];
    b->number = number;
    b->total = total;
    b->got = 0;
    return b;
}

/* Frees what no body is waiting in. */
static void free_idle(struct skt_session *s)
{
    for (unsigned i = 0; i < OPEN_MAX; i++)
        if (s->pieces.in->open[i].total)
            return;
    free(s->pieces.in);
    s->pieces.in = NULL;
}

int skt_pieces_receive(struct skt_session *s, skt_us now, const struct skt_frame_piece *piece)
{
    if (piece->len == 0 || piece->total > BODY_MAX || piece->at > piece->total ||
        piece->len > (size_t)(piece->total - piece->at))
        return SKT_ERR_MALFORMED;
    if (!s->pieces.in)
        s->pieces.in = calloc(1, sizeof *s->pieces.in);
    if (!s->pieces.in)
        return SKT_ERR_NOMEM;
    struct skt_piece_body *b = body_of(s->pieces.in, piece->number, piece->total);
    memcpy(b->body + piece->at, piece->bytes, piece->len);
    b->got = (uint16_t)(b->got + piece->len); /* no packet is taken twice, so no piece is */
    if (b->got < piece->total)
        return SKT_OK;
    uint8_t body[BODY_MAX];
    memcpy(body, b->body, piece->total);
    b->total = 0;
    free_idle(s);
    return skt_streams_receive(s, now, body, piece->total);
}
