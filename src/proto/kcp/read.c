/* SPDX-License-Identifier: MIT */
/* The application's side of receiving: bytes or messages in order. */
#include "base/err.h"
#include "proto/kcp/internal.h"

#include <assert.h>
#include <string.h>

/* The end of what can be read: the segment that ends the stream carries nothing. */
static uint32_t read_end(const struct skt_kcp *k)
{
    return k->rcv.fin_received ? k->rcv.fin_sn : k->rcv.nxt;
}

static void release_first(struct skt_kcp *k)
{
    struct skt_segment **slot = skt_seg_ring_at(&k->rcv.ring, k->rcv.read);
    skt_account_put(&k->path->account, *slot);
    *slot = NULL;
    k->rcv.read++;
    k->rcv.read_off = 0;
}

static void after_reading(struct skt_kcp *k)
{
    if (k->rcv.fin_received && k->rcv.read == k->rcv.fin_sn && k->rcv.held == 0) {
        skt_seg_ring_free(&k->rcv.ring, &k->path->account);
        return;
    }
    skt_kcp_grow_window(k, k->rcv.read);
    skt_kcp_tell_room(k);
    if (k->rcv.read == k->rcv.nxt && k->rcv.held == 0)
        skt_seg_ring_free(&k->rcv.ring, &k->path->account);
}

int skt_kcp_read_begin(struct skt_kcp *k, struct iovec *iov, int max)
{
    assert(k->stream);
    int n = 0;
    uint16_t off = k->rcv.read_off;
    for (uint32_t sn = k->rcv.read; sn != read_end(k) && n < max; sn++) {
        struct skt_segment *seg = *skt_seg_ring_at(&k->rcv.ring, sn);
        iov[n++] = (struct iovec){seg->data + off, (size_t)(seg->len - off)};
        off = 0;
    }
    return n;
}

void skt_kcp_read_consume(struct skt_kcp *k, size_t len)
{
    while (len > 0) {
        assert(k->rcv.read != read_end(k));
        const struct skt_segment *seg = *skt_seg_ring_at(&k->rcv.ring, k->rcv.read);
        size_t left = (size_t)(seg->len - k->rcv.read_off);
        if (len < left) {
            k->rcv.read_off = (uint16_t)(k->rcv.read_off + len);
            break;
        }
        len -= left;
        release_first(k);
    }
    after_reading(k);
}

bool skt_kcp_at_end(const struct skt_kcp *k)
{
    return k->rcv.fin_received && k->rcv.read == k->rcv.fin_sn;
}

long skt_kcp_message_len(const struct skt_kcp *k)
{
    assert(!k->stream);
    if (k->rcv.messages == 0)
        return SKT_ERR_AGAIN;
    long len = 0;
    for (uint32_t sn = k->rcv.read;; sn++) {
        const struct skt_segment *seg = *skt_seg_ring_at(&k->rcv.ring, sn);
        len += seg->len;
        if (seg->frg == 0)
            return len;
    }
}

/* Takes the segments of the next message; to: where its bytes go, or NULL. */
static void take_message(struct skt_kcp *k, uint8_t *to)
{
    for (bool last = false; !last;) {
        const struct skt_segment *seg = *skt_seg_ring_at(&k->rcv.ring, k->rcv.read);
        last = seg->frg == 0;
        if (to && seg->len > 0) {
            memcpy(to, seg->data, seg->len);
            to += seg->len;
        }
        release_first(k);
    }
    k->rcv.messages--;
    if (k->path->completing == k)
        k->path->completing = NULL;
    after_reading(k);
}

void skt_kcp_drop_message(struct skt_kcp *k)
{
    take_message(k, NULL);
}

long skt_kcp_read_message(struct skt_kcp *k, void *buf, size_t cap)
{
    long len = skt_kcp_message_len(k);
    if (len < 0)
        return len;
    if ((size_t)len > cap)
        return SKT_ERR_TRUNCATED;
    take_message(k, (uint8_t *)buf);
    return len;
}
