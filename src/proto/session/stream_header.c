/* SPDX-License-Identifier: MIT */
/* How a stream begins: its header, written by the end that opens it, read by the other one. */
#include "base/err.h"
#include "proto/session/destination.h"
#include "proto/session/internal.h"

#include <string.h>

enum {
    STREAM_BODY_MAX = UINT8_MAX, /* its length is a byte */
    STREAM_HEADER_MAX = 2 + STREAM_BODY_MAX,
};

static int open_with(struct skt_session *s, skt_us now, int kind, const uint8_t *body, size_t len,
                     struct skt_stream **out)
{
    if (s->state != SKT_SESSION_UP && s->state != SKT_SESSION_SUSPECT)
        return SKT_ERR_CLOSED;
    if (s->streams.next_conv >= SKT_CONV_FLOW_FIRST)
        return SKT_ERR_CLOSED; /* a thousand million streams: it takes a new session */
    struct skt_stream *st;
    int err = skt_stream_new(s, now, s->streams.next_conv, false, &st);
    if (err)
        return err;
    uint8_t header[STREAM_HEADER_MAX];
    header[0] = (uint8_t)kind;
    header[1] = (uint8_t)len;
    memcpy(header + 2, body, len);
    err = skt_kcp_write(&st->kcp, header, 2 + len);
    if (err) {
        skt_stream_free(s, st);
        return err;
    }
    st->kind = (uint8_t)kind;
    s->streams.next_conv += 2;
    *out = st;
    return SKT_OK;
}

int skt_session_open_stream(struct skt_session *s, skt_us now, int kind, const char *name,
                            struct skt_stream **out)
{
    size_t len = strlen(name);
    return len > SKT_TARGET_MAX ? SKT_ERR_ARG : open_with(s, now, kind, (const uint8_t *)name, len, out);
}

int skt_session_open_stream_to(struct skt_session *s, skt_us now, const struct skt_addr *to, const char *name,
                               struct skt_stream **out)
{
    uint8_t body[STREAM_BODY_MAX];
    size_t name_len = strlen(name), len = skt_destination_write(body, to);
    if (len == 0 || len + name_len > sizeof body)
        return SKT_ERR_ARG;
    if (!(s->features & SKT_FEATURE_ADDRESSES))
        return SKT_ERR_NOTFOUND;
    memcpy(body + len, name, name_len);
    return open_with(s, now, SKT_STREAM_TCP_TO, body, len + name_len, out);
}

/* Copies up to cap bytes in order to buf without consuming them. */
static size_t peek(struct skt_kcp *k, uint8_t *buf, size_t cap)
{
    struct iovec iov[8];
    int n = skt_kcp_read_begin(k, iov, 8);
    size_t len = 0;
    for (int i = 0; i < n && len < cap; i++) {
        size_t part = iov[i].iov_len < cap - len ? iov[i].iov_len : cap - len;
        memcpy(buf + len, iov[i].iov_base, part);
        len += part;
    }
    return len;
}

/* What the header asks for: kind, name and destination are the stream's then. 0, or what it is refused with,
 * an enum skt_reset; negative: SKT_RESET_ABORT, which is 0. */
static int take_header(struct skt_session *s, struct skt_stream *st, int kind, const uint8_t *body,
                       size_t len)
{
    struct skt_addr to;
    size_t to_len = 0;
    if (kind == SKT_STREAM_TCP_TO && !(s->features & SKT_FEATURE_ADDRESSES))
        return SKT_RESET_TARGET;
    if (kind == SKT_STREAM_TCP_TO)
        to_len = skt_destination_read(&to, body, len);
    if (kind != SKT_STREAM_TCP && to_len == 0)
        return -1;
    st->name = skt_account_alloc(&s->path.account, len + 1, true);
    if (!st->name)
        return SKT_RESET_LIMIT;
    st->kind = (uint8_t)kind;
    st->to_len = (uint8_t)to_len;
    st->name_len = (uint8_t)(len - to_len);
    memcpy(st->name, body + to_len, st->name_len);
    st->name[st->name_len] = '\0';
    memcpy(st->name + st->name_len + 1, body, to_len);
    return 0;
}

bool skt_stream_read_header(struct skt_session *s, struct skt_stream *st)
{
    uint8_t header[STREAM_HEADER_MAX];
    size_t len = peek(&st->kcp, header, sizeof header);
    if (len < 2 || len < (size_t)2 + header[1]) {
        if (!skt_kcp_at_end(&st->kcp))
            return true;
        skt_session_reset_stream(s, st, SKT_RESET_ABORT);
        return false;
    }
    int refused = take_header(s, st, header[0], header + 2, header[1]);
    if (refused) {
        skt_session_reset_stream(s, st, refused < 0 ? SKT_RESET_ABORT : refused);
        return false;
    }
    st->opened = true;
    skt_list_move_tail(&s->streams.quiet, &st->link);
    skt_kcp_read_consume(&st->kcp, (size_t)2 + header[1]);
    skt_stream_add_news(s, st, SKT_STREAM_OPENED);
    return true;
}

bool skt_stream_destination(const struct skt_stream *st, struct skt_addr *to)
{
    return st->to_len > 0 &&
           skt_destination_read(to, (const uint8_t *)st->name + st->name_len + 1, st->to_len);
}
