/* SPDX-License-Identifier: MIT */
/* The application's side of sending: queueing, joining, holding back. */
#include "base/err.h"
#include "proto/kcp/internal.h"

#include <assert.h>
#include <string.h>

enum {
    FRAGMENTS_MAX = 256, /* of a message: frg is a byte */
    SMALL_MESSAGE = 256, /* what a shorter message counts for, since each takes a block */
    STARVED_PART = 4,    /* writers wait below this part of the share; the rest is for what arrives */
    FILL_FROM = 8,       /* segments of a message that is worth one more */
    FILL_LEAST = 128,    /* bytes of room in a packet that are worth a segment */
};

static size_t charge(const struct skt_kcp *k, size_t len)
{
    return k->stream || len >= SMALL_MESSAGE ? len : SMALL_MESSAGE;
}

size_t skt_kcp_writable(const struct skt_kcp *k)
{
    return k->queue.finished || k->queue.unsent >= k->limits.snd_unsent_max
               ? 0
               : k->limits.snd_unsent_max - k->queue.unsent;
}

static void wait_for_memory(struct skt_kcp *k)
{
    struct skt_turns *t = &k->path->turns;
    if (skt_list_empty(&t->starved))
        t->starved_at = skt_us_add(k->path->now, SKT_KCP_STARVED_TIME);
    if (skt_list_empty(&k->starved_node))
        skt_list_append(&t->starved, &k->starved_node);
}

static void hold_back(struct skt_kcp *k, bool for_memory)
{
    k->queue.want_write = true;
    if (for_memory)
        wait_for_memory(k);
}

/* Must a writer wait for memory? One with nothing queued may always try, for one segment of a stream. */
static bool starved(const struct skt_kcp *k)
{
    return k->snd.una != k->snd.end && skt_account_low(&k->path->account, STARVED_PART);
}

void skt_kcp_check_writable(struct skt_kcp *k)
{
    if (!k->queue.want_write || k->queue.unsent > k->limits.snd_unsent_max / 2)
        return;
    if (starved(k))
        return;
    k->queue.want_write = false;
    skt_list_remove(&k->starved_node);
    skt_kcp_notify(k, SKT_KCP_WRITABLE);
}

void skt_kcp_on_first_sent(struct skt_kcp *k, const struct skt_segment *seg)
{
    size_t bytes = seg->flags & SKT_SEG_FIN ? 0 : charge(k, seg->len);
    assert(k->queue.unsent >= bytes);
    k->queue.unsent -= bytes;
    k->snd.mean_len = (uint16_t)((7 * k->snd.mean_len + seg->len) / 8);
    k->snd.nxt++;
    skt_kcp_check_writable(k);
}

/* Sets up to n empty segments behind the queue; returns how many there are. */
static uint32_t reserve(struct skt_kcp *k, uint32_t n)
{
    uint32_t used = k->snd.end - k->snd.una;
    if (skt_seg_ring_reserve(&k->queue.ring, &k->path->account, k->snd.una, used + n) != SKT_OK)
        return 0;
    while (k->queue.reserved < n) {
        uint32_t sn =
            k->snd.end + k->queue.reserved; /* one with nothing queued may send a segment in any case */
        struct skt_segment *seg = skt_account_get(&k->path->account, k->snd.una == sn);
        if (!seg)
            break;
        skt_list_init(&seg->node);
        skt_list_init(&seg->copy_node);
        seg->sender = &k->snd;
        seg->sn = sn;
        seg->len = 0;
        seg->frg = seg->flags = seg->xmit = seg->copies_sent = seg->copies_due = 0;
        *skt_seg_ring_at(&k->queue.ring, sn) = seg;
        k->queue.reserved++;
    }
    return k->queue.reserved;
}

static void unreserve(struct skt_kcp *k)
{
    for (; k->queue.reserved > 0; k->queue.reserved--) {
        struct skt_segment **slot = skt_seg_ring_at(&k->queue.ring, k->snd.end + k->queue.reserved - 1);
        skt_account_put(&k->path->account, *slot);
        *slot = NULL;
    }
    if (k->snd.una == k->snd.end)
        skt_seg_ring_free(&k->queue.ring, &k->path->account);
}

/* Queues the first reserved segment with what was put into it. */
static struct skt_segment *queue_reserved(struct skt_kcp *k, size_t len)
{
    assert(k->queue.reserved > 0);
    struct skt_segment *seg = *skt_seg_ring_at(&k->queue.ring, k->snd.end);
    seg->len = (uint16_t)len;
    k->snd.end++;
    k->queue.reserved--;
    return seg;
}

/* The unsent segment that more bytes may be joined to, and the room in it. */
static struct skt_segment *joinable(const struct skt_kcp *k, size_t *room)
{
    *room = 0;
    if (!k->stream || k->snd.nxt == k->snd.end)
        return NULL;
    struct skt_segment *seg = *skt_seg_ring_at(&k->queue.ring, k->snd.end - 1);
    size_t mss = skt_path_mss(k->path);
    if ((seg->flags & SKT_SEG_FIN) || seg->len >= mss)
        return NULL;
    *room = mss - seg->len;
    return seg;
}

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Notes where the packet ends that the segment just queued will be in, if nothing else is sent meanwhile. */
static void note_packed(struct skt_kcp *k, size_t len)
{
    size_t taken = SKT_KCP_HEADER_LEN + len;
    size_t left = taken > k->queue.packet_left ? k->path->payload_limit : k->queue.packet_left;
    k->queue.packet_left = (uint16_t)(left > taken ? left - taken : 0);
}

/* Data bytes of the segments that are to be cut: of a long message as many as its number of fragments asks
 * for, whatever the path carries. */
static size_t part_len(const struct skt_kcp *k, size_t len)
{
    size_t mss = skt_path_mss(k->path), least = (len + FRAGMENTS_MAX - 1) / FRAGMENTS_MAX;
    return k->stream || mss >= least ? mss : least;
}

/* Message mode: the length of a long message's first segment. What waits before it may end in a packet that
 * is not full, and a run of packets that one system call takes ends with such a packet: so it is filled. */
static size_t first_part(const struct skt_kcp *k, size_t len, size_t mss)
{
    size_t left = k->queue.packet_left;
    if (k->stream || k->snd.nxt == k->snd.end || len < FILL_FROM * mss || len > (FRAGMENTS_MAX - 1) * mss)
        return mss;
    if (left < SKT_KCP_HEADER_LEN + FILL_LEAST || left - SKT_KCP_HEADER_LEN > mss)
        return mss;
    return left - SKT_KCP_HEADER_LEN;
}

/* Joins bytes to the last segment, which has room for them. */
static void join(struct skt_kcp *k, struct skt_segment *tail, const uint8_t *from, size_t len)
{
    memcpy(tail->data + tail->len, from, len);
    tail->len = (uint16_t)(tail->len + len);
    k->queue.unsent += len;
}

/* Cuts bytes into n reserved segments: `part` of them in the first, mss in the others. */
static void cut(struct skt_kcp *k, const uint8_t *from, size_t len, uint32_t n, size_t part, size_t mss)
{
    while (n-- > 0) {
        part = min_size(len, part);
        struct skt_segment *seg = queue_reserved(k, part);
        memcpy(seg->data, from, part);
        seg->frg = k->stream ? 0 : (uint8_t)n;
        k->queue.unsent += charge(k, part);
        note_packed(k, part);
        from += part;
        len -= part;
        part = mss;
    }
}

int skt_kcp_write(struct skt_kcp *k, const void *buf, size_t len)
{
    size_t room, mss = skt_path_mss(k->path);
    if (k->queue.finished)
        return SKT_ERR_CLOSED;
    if (len == 0 || (!k->stream && len > mss * FRAGMENTS_MAX && len > SKT_MESSAGE_MAX))
        return SKT_ERR_ARG;
    mss = part_len(k, len);
    if (k->queue.unsent > 0 && k->queue.unsent + len > k->limits.snd_unsent_max) {
        hold_back(k, false);
        return SKT_ERR_AGAIN;
    }
    struct skt_segment *tail = joinable(k, &room);
    size_t joined = min_size(room, len);
    size_t part = first_part(k, len, mss);
    uint32_t n = (uint32_t)((len - joined + mss - part + mss - 1) / mss);
    if (starved(k) || reserve(k, n) < n) {
        unreserve(k);
        hold_back(k, true);
        return SKT_ERR_AGAIN;
    }
    if (tail)
        join(k, tail, buf, joined);
    cut(k, (const uint8_t *)buf + joined, len - joined, n, part, mss);
    skt_kcp_update_sending(k);
    return SKT_OK;
}

int skt_kcp_write_begin(struct skt_kcp *k, struct iovec *iov, int max)
{
    assert(k->stream && k->queue.reserved == 0);
    size_t mss = skt_path_mss(k->path), room, allowed = skt_kcp_writable(k);
    int pieces = 0;
    if (k->queue.finished || max <= 0)
        return 0;
    if (allowed == 0 || starved(k)) {
        hold_back(k, allowed > 0);
        return 0;
    }
    struct skt_segment *tail = joinable(k, &room);
    if (tail)
        iov[pieces++] = (struct iovec){tail->data + tail->len, room};
    /* Whole segments, though that may be a little more than is allowed. */
    size_t want = allowed > room ? (allowed - room + mss - 1) / mss : 0;
    if (want > 1 && skt_account_low(&k->path->account, STARVED_PART))
        want = 1;
    uint32_t n = reserve(k, (uint32_t)min_size(want, (size_t)(max - pieces)));
    for (uint32_t i = 0; i < n; i++) {
        struct skt_segment *seg = *skt_seg_ring_at(&k->queue.ring, k->snd.end + i);
        iov[pieces++] = (struct iovec){seg->data, mss};
    }
    if (pieces == 0)
        hold_back(k, true);
    return pieces;
}

void skt_kcp_write_commit(struct skt_kcp *k, size_t len)
{
    size_t mss = skt_path_mss(k->path), room;
    struct skt_segment *tail = joinable(k, &room);
    k->queue.unsent += len;
    if (tail) {
        size_t joined = min_size(room, len);
        tail->len = (uint16_t)(tail->len + joined);
        len -= joined;
    }
    while (len > 0) {
        size_t part = min_size(len, mss);
        queue_reserved(k, part);
        len -= part;
    }
    unreserve(k);
    if (skt_kcp_writable(k) == 0)
        hold_back(k, false);
    skt_kcp_update_sending(k);
}

int skt_kcp_finish(struct skt_kcp *k)
{
    assert(k->stream && k->queue.reserved == 0);
    if (k->queue.finished)
        return SKT_ERR_CLOSED;
    if (reserve(k, 1) < 1) {
        unreserve(k);
        return SKT_ERR_NOMEM;
    }
    queue_reserved(k, 0)->flags = SKT_SEG_FIN;
    k->queue.finished = true;
    skt_kcp_update_sending(k);
    return SKT_OK;
}
