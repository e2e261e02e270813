/* SPDX-License-Identifier: MIT */
/* Segments longer than the path's datagrams, cut for a larger one: they go in pieces. */
#ifndef SKT_PROTO_SESSION_PIECES_H
#define SKT_PROTO_SESSION_PIECES_H

#include "proto/frame.h"
#include "proto/session/session.h"

struct skt_pieces {
    struct skt_pieces_out *out; /* the one being sent, or NULL */
    struct skt_pieces_in *in;   /* those being put together, or NULL */
    uint16_t number;            /* of the last one that was begun */
};

void skt_pieces_dispose(struct skt_session *s); /* what is under way is lost */
/* Takes the KCP bytes of a packet that is too long; where there is no memory they are lost. */
void skt_pieces_begin(struct skt_session *s, const uint8_t *body, size_t len);
/* While there is pieces_out: the next PIECE frame; its length. */
size_t skt_pieces_write(struct skt_session *s, uint8_t *plain);
int skt_pieces_receive(struct skt_session *s, skt_us now, const struct skt_frame_piece *piece);

#endif
