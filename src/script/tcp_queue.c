/* SPDX-License-Identifier: MIT */
#include "script/tcp_queue.h"

#include "base/err.h"
#include "script/hold.h"
#include "script/state.h"

#include <stdlib.h>
#include <string.h>

void skt_script_tcp_flush(struct skt_script_tcp *c)
{
    struct skt_script_chunks *q = &c->queue;
    while (q->first) {
        struct skt_script_chunk *chunk = q->first;
        const struct iovec iov = {chunk->bytes + chunk->done, chunk->len - chunk->done};
        ssize_t n = skt_tcp_conn_write(c->conn, &iov, 1);
        if (n == SKT_ERR_IO)
            skt_script_tcp_drop_queue(c); /* the reading side will find out why */
        if (n <= 0)
            return;
        chunk->done += (size_t)n;
        c->active = skt_loop_now(c->app->loop);
        q->len -= (size_t)n;
        if (chunk->done == chunk->len) {
            q->first = chunk->next;
            if (!q->first)
                q->last = &q->first;
            free(chunk);
        }
    }
}

int skt_script_tcp_send(struct skt_script_tcp *c, const uint8_t *buf, size_t len)
{
    struct skt_script_chunks *q = &c->queue;
    if (len == 0)
        return SKT_OK;
    size_t limit = skt_script_hold_has_source(c->app) ? SKT_TCP_HELD_MAX : SKT_TCP_QUEUE_MAX;
    if (q->len > 0 && q->len + len > limit) {
        c->blocked = true;
        return SKT_ERR_AGAIN;
    }
    struct skt_script_chunk *chunk = malloc(sizeof *chunk + len);
    if (!chunk)
        return SKT_ERR_NOMEM;
    *chunk = (struct skt_script_chunk){.len = len};
    memcpy(chunk->bytes, buf, len);
    bool idle = !q->first;
    *q->last = chunk;
    q->last = &chunk->next;
    q->len += len;
    if (idle && c->phase == SKT_TCP_UP)
        skt_script_tcp_flush(c);
    if (q->len > SKT_TCP_MARK)
        skt_script_hold_add(c->app, c);
    skt_script_tcp_watch(c);
    return SKT_OK;
}
