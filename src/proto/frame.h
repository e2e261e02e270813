/* SPDX-License-Identifier: MIT */
/* Frames: what a sealed packet holds (wire.h, enum skt_frame_type), encoded and decoded side by side. Only
 * ACK, whose body is a run of ranges, has a file of its own: kcp/ack_frame.h. */
#ifndef SKT_PROTO_FRAME_H
#define SKT_PROTO_FRAME_H

#include "base/bytes.h"
#include "proto/wire.h"

/* One frame. Pointers are into the packet that was read, or into what is to be written. */
struct skt_frame {
    uint8_t type;        /* enum skt_frame_type; any other number is a later version's, to be ignored */
    bool good;           /* read: the body has what the type needs. If not, the frame is to be ignored */
    const uint8_t *body; /* read: what follows type and length (KCP, PARITY, PIECE: what follows the type) */
    size_t body_len;     /* read: its bytes */
    union {
        uint32_t stamp;       /* PING, PONG */
        const uint8_t *token; /* CHALLENGE, RESPONSE: SKT_CHALLENGE_LEN bytes */
        uint16_t size;        /* PROBE, PROBED: bytes of a datagram */
        uint8_t reason;       /* CLOSE: enum skt_close */
        struct skt_frame_report {
            uint32_t lost;      /* packets of the session that did not come */
            uint32_t runs;      /* runs of packets that did not come */
            uint32_t recovered; /* packets that did not come and parity gave back */
        } report;
        struct skt_frame_accept {
            uint8_t result;      /* enum skt_attach */
            uint32_t cid;        /* of the session; 0: refused */
            const uint8_t *text; /* of a refusal, no zero at its end */
            size_t text_len;     /* bytes of `text` */
        } accept;
        struct skt_frame_attach {
            const uint8_t *ticket;     /* SKT_TICKET_LEN: the ticket, or its id and a proof */
            uint32_t cid;              /* of the session to be continued; 0: none */
            const uint8_t *proof;      /* SKT_PROOF_LEN: that it is ours */
            const uint8_t *extensions; /* enum skt_attach_extension */
            size_t extensions_len;     /* bytes of `extensions` */
        } attach;
        struct skt_frame_piece {
            uint16_t number;      /* of the KCP frame's body that this is a piece of */
            uint16_t at;          /* where in that body the piece begins */
            uint16_t total;       /* bytes of that body */
            const uint8_t *bytes; /* the piece */
            size_t len;           /* bytes of the piece */
        } piece;
    };
};

enum {
    SKT_FRAME_KCP_LEN = 1,       /* before the segments */
    SKT_FRAME_PIECE_LEN = 1 + 6, /* before the bytes */
};

/* Takes the next frame of a packet; PAD, KCP, PARITY and PIECE take all that is left. SKT_ERR_MALFORMED: it
 * is longer than the packet, or a PIECE that is too short. */
int skt_frame_read(struct skt_reader *r, struct skt_frame *f);

/* Adds a frame; sets w->bad where there is no room. Of the types that have a body above (not KCP, PARITY and
 * ACK, which are written in place). */
void skt_frame_write(struct skt_writer *w, const struct skt_frame *f);

/* Adds padding, at most len bytes of it and what there is room for: the end of a packet. */
void skt_frame_pad(struct skt_writer *w, size_t len);

#endif
