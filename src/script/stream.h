/* SPDX-License-Identifier: MIT */
/* A stream that the peer has opened and that the script has not yet decided about: it waits until the script
 * gives it to a relay, or resets it. */
#ifndef SKT_SCRIPT_STREAM_H
#define SKT_SCRIPT_STREAM_H

#include "script/skcp.h"
#include "tunnel/endpoint.h"

struct skt_script_stream {
    struct skt_script_object base; /* what its handle stands for */
    struct skt_list link;          /* in k->streams */
    struct skt_script_skcp *k;     /* the endpoint */
    uint32_t cid;                  /* the session */
    struct skt_stream *st;         /* the stream */
};

/* The peer has opened a stream, or there is news of one that waits. */
void skt_script_stream_on_news(struct skt_script_skcp *k, uint32_t cid, struct skt_stream *st);

/* Resets the stream, and ends what the script has of it. */
void skt_script_stream_reset(struct skt_script_stream *s, int reason);

/* Somebody else has the stream: ends what the script has of it. */
void skt_script_stream_end(struct skt_script_stream *s);

/* Resets those of a session (cid 0: all). */
void skt_script_streams_forget(struct skt_script_skcp *k, uint32_t cid);

#endif
