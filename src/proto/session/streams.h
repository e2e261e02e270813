/* SPDX-License-Identifier: MIT */
/* The streams of a session, and which conversation a segment or an acknowledgement belongs to. */
#ifndef SKT_PROTO_SESSION_STREAMS_H
#define SKT_PROTO_SESSION_STREAMS_H

#include "proto/keys/replay.h"
#include "proto/session/session.h"

enum {
    SKT_STATELESS_ACKS_MAX = 32, /* for conversations that are over, in one receive batch */
    SKT_CONV_WINDOW = 32768,     /* conversations opened out of order */
};

struct skt_streams {
    struct skt_idmap map;     /* conv -> struct skt_stream */
    struct skt_replay opened; /* the peer's convs / 2 that were opened or refused */
    uint32_t next_conv;       /* of the next stream opened here */
    /* Each stream is in one of three lists, but for those whose owner was told of their reset. */
    struct skt_list news;     /* with news for their owners */
    struct skt_list quiet;    /* without */
    struct skt_list unopened; /* opened by the peer with a header that is not complete yet, oldest first */
    uint32_t peer_count;      /* streams that the peer opened: at most tuning.streams_max */
    struct skt_kcp_stateless
        stateless[SKT_STATELESS_ACKS_MAX]; /* to be acknowledged, though their streams are over */
    unsigned stateless_count;
    skt_us last_data; /* a KCP data segment was sent */
};

/* session/streams.c */
int skt_streams_init(struct skt_session *s);
void skt_streams_dispose(struct skt_session *s);
int skt_streams_restart(struct skt_session *s, skt_us now); /* the peer is a new one */
int skt_stream_new(struct skt_session *s, skt_us now, uint32_t conv, bool by_peer, struct skt_stream **out);
void skt_stream_add_news(struct skt_session *s, struct skt_stream *st, unsigned news);
void skt_stream_mark_reset(struct skt_session *s, struct skt_stream *st, int reason); /* by the peer */
/* The peer's stream of this number is not to be: it is told so, with a reason, or asked to repeat itself. */
void skt_streams_refuse(struct skt_session *s, uint32_t conv, int reason);
skt_us skt_streams_expiry(const struct skt_session *s); /* of headers that are not complete */
void skt_streams_expire(struct skt_session *s, skt_us now);
/* The same behind what the peer sent before end_sn; the stream may be gone afterwards. */
void skt_stream_end_at(struct skt_session *s, struct skt_stream *st, int reason, uint32_t end_sn);
/* After more has come. False: the stream is gone. */
bool skt_stream_check_end(struct skt_session *s, struct skt_stream *st);
bool skt_stream_read_header(struct skt_session *s, struct skt_stream *st); /* false: the stream is gone */
void skt_stream_free(struct skt_session *s, struct skt_stream *st);        /* whatever is under way in it */
/* The conversation is over on this side; its segments are acknowledged without any state. */
void skt_streams_queue_stateless_ack(struct skt_session *s, const struct skt_kcp_header *h);

/* session/conversations.c */
int skt_streams_receive(struct skt_session *s, skt_us now, const uint8_t *segments, size_t len);
int skt_streams_receive_acks(struct skt_session *s, skt_us now, const uint8_t *body, size_t len);
void skt_streams_absorb(struct skt_session *s, skt_us now); /* conversations' news -> streams' news */

#endif
