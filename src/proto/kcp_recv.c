/* SPDX-License-Identifier: MIT */
/* Receiving: order, acknowledgements, the window. */
#include "base/err.h"
#include "proto/kcp_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    RESERVED_PART = 8, /* below this part of the budget only the next segment in order is taken */
    ACKS_MIN = 64,
    ACKS_MAX = 16384, /* more in one batch are left to the peer's retransmission */
    TELLS = 5,        /* how often news of a window that was closed is repeated when no data follows */
};

/* --- the window --- */

uint16_t skt_kcp_advertise(struct skt_kcp *k)
{
    const struct skt_pool *pool = k->path->pool;
    uint32_t unread = k->rcv_nxt - k->rcv_read;
    uint32_t wnd = unread < k->rcv_wnd ? k->rcv_wnd - unread : 0;
    size_t kept = pool->budget / RESERVED_PART, room = skt_pool_room(pool);
    if (wnd > 1 && pool->budget && room < kept + (size_t)wnd * pool->block_len) {
        /* Never 0 for want of memory alone: no event would tell when there is some again. */
        size_t blocks = room > kept ? (room - kept) / pool->block_len : 1;
        if (blocks < wnd)
            wnd = blocks > 0 ? (uint32_t)blocks : 1;
    }
    k->adv_end = k->rcv_nxt + wnd;
    k->adv_closed = wnd == 0;
    return (uint16_t)wnd;
}

/* Doubles the window when a reader kept up with half of it, or when holes alone use half of it. */
static void grow(struct skt_kcp *k, uint32_t used_to)
{
    uint32_t max = k->limits.rcv_wnd_max;
    bool due = !skt_serial_before(k->rcv_read, k->grow_at);
    if (k->rcv_wnd >= max || (!due && used_to - k->rcv_read < k->rcv_wnd / 2))
        return;
    if (k->rcv_nxt - k->rcv_read <= k->rcv_wnd / 8)
        k->rcv_wnd = k->rcv_wnd > max / 2 ? max : k->rcv_wnd * 2;
    else if (!due)
        return;
    k->grow_at = k->rcv_read + k->rcv_wnd / 2;
}

/* After reading: tells the peer of the room, where it would not learn of it by acknowledgements. */
static void tell_room(struct skt_kcp *k)
{
    uint32_t gained = k->rcv_read + k->rcv_wnd - k->adv_end;
    uint32_t left = k->adv_end - k->rcv_nxt;
    if ((int32_t)gained <= 0)
        return;
    bool enough = gained >= k->rcv_wnd / 4 || k->rcv_read == k->rcv_nxt;
    if (!enough || (!k->adv_closed && left >= k->rcv_wnd / 4))
        return;
    if (k->adv_closed) {
        k->tells_left = TELLS;
        k->tell_at = skt_us_add(k->path->now, skt_kcp_probe_time(k));
        skt_kcp_update_timer(k);
    }
    k->tell = true;
    skt_kcp_want_control(k);
}

static void stop_telling(struct skt_kcp *k)
{
    if (k->tell_at == SKT_NEVER)
        return;
    k->tell_at = SKT_NEVER;
    k->tells_left = 0;
    skt_kcp_update_timer(k);
}

/* --- acknowledgements --- */

static void ack_each(struct skt_kcp *k, const struct skt_kcp_header *h)
{
    if (k->ack_count == k->ack_cap) {
        uint32_t cap = k->ack_cap ? 2 * k->ack_cap : ACKS_MIN;
        void *acks = cap > ACKS_MAX ? NULL : realloc(k->acks, cap * sizeof(*k->acks));
        if (!acks)
            return;
        k->acks = (struct skt_kcp_ack *)acks;
        k->ack_cap = cap;
    }
    k->acks[k->ack_count++] = (struct skt_kcp_ack){h->sn, h->ts};
    skt_kcp_want_control(k);
}

static void ack_newest(struct skt_kcp *k, const struct skt_kcp_header *h)
{
    k->ack_newest = true;
    k->newest_sn = h->sn;
    k->newest_ts = h->ts;
    skt_kcp_want_control(k);
}

bool skt_kcp_has_control(const struct skt_kcp *k)
{
    return k->ask || k->tell || k->ack_newest || k->ack_count > k->ack_repeats;
}

static size_t put_ack(struct skt_kcp_header *h, const struct skt_kcp_ack *ack, uint8_t *out)
{
    h->sn = ack->sn;
    h->ts = ack->ts;
    skt_kcp_put_header(out, h);
    return SKT_KCP_HEADER_LEN;
}

/* New acknowledgements, then once more those of the packet before: what is beyond a hole has no una to cover
 * it, and each whose ACK is lost would be sent in vain again. */
static size_t write_acks(struct skt_kcp *k, struct skt_kcp_header *h, uint8_t *out, size_t len)
{
    size_t n = 0;
    uint32_t i = k->ack_repeats;
    for (; i < k->ack_count && len - n >= SKT_KCP_HEADER_LEN; i++)
        n += put_ack(h, &k->acks[i], out + n);
    for (uint32_t j = 0; j < k->ack_repeats && len - n >= SKT_KCP_HEADER_LEN; j++) {
        if (!skt_serial_before(k->acks[j].sn, k->rcv_nxt))
            n += put_ack(h, &k->acks[j], out + n);
    }
    uint32_t sent = i - k->ack_repeats;
    if (sent > 0 && k->ack_repeats > 0)
        memmove(k->acks, k->acks + k->ack_repeats, (k->ack_count - k->ack_repeats) * sizeof(*k->acks));
    if (sent > 0) {
        k->ack_count -= k->ack_repeats;
        k->ack_repeats = sent;
    }
    return n;
}

static size_t write_simple(struct skt_kcp_header *h, uint8_t cmd, bool *due, uint8_t *out, size_t room)
{
    if (!*due || room < SKT_KCP_HEADER_LEN)
        return 0;
    *due = false;
    h->cmd = cmd;
    skt_kcp_put_header(out, h);
    return SKT_KCP_HEADER_LEN;
}

size_t skt_kcp_write_control(struct skt_kcp *k, uint8_t *out, size_t len)
{
    struct skt_kcp_header h = {.conv = k->conv, .cmd = SKT_KCP_CMD_ACK, .una = k->rcv_nxt};
    h.wnd = skt_kcp_advertise(k);
    size_t n = 0;
    if (k->ack_count > k->ack_repeats)
        n += write_acks(k, &h, out, len);
    h.sn = k->newest_sn;
    h.ts = k->newest_ts;
    n += write_simple(&h, SKT_KCP_CMD_ACK, &k->ack_newest, out + n, len - n);
    h.sn = h.ts = 0;
    n += write_simple(&h, SKT_KCP_CMD_WASK, &k->ask, out + n, len - n);
    n += write_simple(&h, SKT_KCP_CMD_WINS, &k->tell, out + n, len - n);
    if (k->rcv_held == 0 && k->ack_count == k->ack_repeats) {
        free(k->acks);
        k->acks = NULL;
        k->ack_count = k->ack_repeats = k->ack_cap = 0;
    }
    return n;
}

/* --- order --- */

static bool is_held(const struct skt_kcp *k, uint32_t sn)
{
    return sn - k->rcv_read < k->rcv.cap && *skt_seg_ring_at(&k->rcv, sn);
}

/* Takes the segment at rcv_nxt into order. Returns whether that is news for the reader. */
static bool take_in_order(struct skt_kcp *k, struct skt_segment **slot)
{
    struct skt_segment *seg = *slot;
    k->rcv_nxt++;
    if (!k->stream) {
        k->next_frg = seg->frg;
        k->messages += seg->frg == 0;
        return seg->frg == 0;
    }
    if (seg->len > 0 && !k->fin_received)
        return true;
    if (!k->fin_received)
        k->fin_sn = seg->sn;
    k->fin_received = true;
    skt_pool_put(k->path->pool, seg);
    *slot = NULL;
    return true;
}

/* The segment at rcv_nxt has come: takes it and what was held behind it. */
static bool advance(struct skt_kcp *k)
{
    bool news = take_in_order(k, skt_seg_ring_at(&k->rcv, k->rcv_nxt));
    while (k->rcv_held > 0 && is_held(k, k->rcv_nxt)) {
        struct skt_segment **slot = skt_seg_ring_at(&k->rcv, k->rcv_nxt);
        if (!k->stream && k->next_frg && (*slot)->frg != k->next_frg - 1)
            break; /* a peer that breaks its own messages is not read further */
        news |= take_in_order(k, slot);
        k->rcv_held--;
    }
    return news;
}

static int insert(struct skt_kcp *k, const struct skt_kcp_header *h, const uint8_t *data)
{
    if (skt_seg_ring_reserve(&k->rcv, k->rcv_read, h->sn - k->rcv_read + 1) != SKT_OK)
        return SKT_ERR_NOMEM;
    struct skt_segment *seg = (struct skt_segment *)skt_pool_get(k->path->pool);
    if (!seg)
        return SKT_ERR_NOMEM;
    skt_list_init(&seg->node);
    seg->sn = h->sn;
    seg->len = (uint16_t)h->len;
    seg->frg = h->frg;
    seg->flags = 0;
    if (h->len > 0)
        memcpy(seg->data, data, h->len);
    *skt_seg_ring_at(&k->rcv, h->sn) = seg;
    return SKT_OK;
}

int skt_kcp_take_push(struct skt_kcp *k, const struct skt_kcp_header *h, const uint8_t *data)
{
    int32_t ahead = skt_serial_diff(h->sn, k->rcv_nxt);
    if (ahead >= (int32_t)k->rcv_wnd || (ahead >= 0 && h->sn - k->rcv_read >= 2 * k->rcv_wnd))
        return SKT_OK;
    if (ahead == 0 && !k->stream && k->next_frg && h->frg != k->next_frg - 1)
        return SKT_ERR_MALFORMED;
    stop_telling(k);
    if (ahead < 0 || is_held(k, h->sn)) {
        ack_each(k, h);
        return SKT_OK;
    }
    if ((ahead > 0 && skt_kcp_memory_low(k->path, RESERVED_PART)) || insert(k, h, data) != SKT_OK)
        return SKT_OK; /* no memory: not acknowledged, so it comes again */
    k->path->stats.payload_rx += h->len;
    grow(k, h->sn);
    if (ahead > 0) {
        k->rcv_held++;
        ack_each(k, h);
        return SKT_OK;
    }
    /* What fills a hole is named of its own: it may be a retransmission, and its sender wants to know which.
     */
    bool fills = k->rcv_held > 0 && is_held(k, h->sn + 1);
    if (fills)
        ack_each(k, h);
    else
        ack_newest(k, h);
    if (advance(k))
        skt_kcp_notify(k, SKT_KCP_READABLE);
    return SKT_OK;
}

/* --- the application's side --- */

/* The end of what can be read: the segment that ends the stream carries nothing. */
static uint32_t read_end(const struct skt_kcp *k)
{
    return k->fin_received ? k->fin_sn : k->rcv_nxt;
}

static void release_first(struct skt_kcp *k)
{
    struct skt_segment **slot = skt_seg_ring_at(&k->rcv, k->rcv_read);
    skt_pool_put(k->path->pool, *slot);
    *slot = NULL;
    k->rcv_read++;
    k->read_off = 0;
}

static void after_reading(struct skt_kcp *k)
{
    if (k->fin_received && k->rcv_read == k->fin_sn && k->rcv_held == 0) {
        skt_seg_ring_free(&k->rcv);
        return;
    }
    grow(k, k->rcv_read);
    tell_room(k);
    if (k->rcv_read == k->rcv_nxt && k->rcv_held == 0)
        skt_seg_ring_free(&k->rcv);
}

int skt_kcp_read_begin(struct skt_kcp *k, struct iovec *iov, int max)
{
    assert(k->stream);
    int n = 0;
    uint16_t off = k->read_off;
    for (uint32_t sn = k->rcv_read; sn != read_end(k) && n < max; sn++) {
        struct skt_segment *seg = *skt_seg_ring_at(&k->rcv, sn);
        iov[n++] = (struct iovec){seg->data + off, (size_t)(seg->len - off)};
        off = 0;
    }
    return n;
}

void skt_kcp_read_consume(struct skt_kcp *k, size_t len)
{
    while (len > 0) {
        assert(k->rcv_read != read_end(k));
        const struct skt_segment *seg = *skt_seg_ring_at(&k->rcv, k->rcv_read);
        size_t left = (size_t)(seg->len - k->read_off);
        if (len < left) {
            k->read_off = (uint16_t)(k->read_off + len);
            break;
        }
        len -= left;
        release_first(k);
    }
    after_reading(k);
}

bool skt_kcp_at_end(const struct skt_kcp *k)
{
    return k->fin_received && k->rcv_read == k->fin_sn;
}

long skt_kcp_message_len(const struct skt_kcp *k)
{
    assert(!k->stream);
    if (k->messages == 0)
        return SKT_ERR_AGAIN;
    long len = 0;
    for (uint32_t sn = k->rcv_read;; sn++) {
        const struct skt_segment *seg = *skt_seg_ring_at(&k->rcv, sn);
        len += seg->len;
        if (seg->frg == 0)
            return len;
    }
}

long skt_kcp_read_message(struct skt_kcp *k, void *buf, size_t cap)
{
    long len = skt_kcp_message_len(k);
    if (len < 0)
        return len;
    if ((size_t)len > cap)
        return SKT_ERR_TRUNCATED;
    uint8_t *to = (uint8_t *)buf;
    for (bool last = false; !last;) {
        const struct skt_segment *seg = *skt_seg_ring_at(&k->rcv, k->rcv_read);
        last = seg->frg == 0;
        if (seg->len > 0)
            memcpy(to, seg->data, seg->len);
        to += seg->len;
        release_first(k);
    }
    k->messages--;
    after_reading(k);
    return len;
}
