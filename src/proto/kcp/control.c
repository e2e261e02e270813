/* SPDX-License-Identifier: MIT */
/* What goes to the peer besides data and acknowledgements: the window, questions about it. */
#include "proto/kcp/internal.h"

enum {
    GROWTH = 4, /* of a window, at a time: a sender that starts may triple what it has in flight each round */
    /* So much of a window must have come, where holes alone say that it is used: half of it with a loss of 75
     * %. A single segment far ahead would else make a ring of slots many times its own size, again and again.
     */
    HELD_PART = 8,
    /* Segments: a wider window is for fast and far paths only, where it would else be what limits, since a
     * reader that stops leaves all of it behind. 11 MB, 0.6 Gbit/s at 160 ms. */
    WIDE = 8192,
    NEEDED_RTTS = 2, /* half of a window read within so many: it holds four of what is on the way, or less */
    SPARE_RTTS = 16, /* half of it read in no less: twice as much as it need be, and twice again */
};

/* --- the window --- */

uint16_t skt_kcp_advertise(struct skt_kcp *k)
{
    const struct skt_account *a = &k->path->account;
    size_t block_len = a->pool->block_len;
    uint32_t unread = k->rcv.nxt - k->rcv.read;
    uint32_t wnd = unread < k->rcv.wnd ? k->rcv.wnd - unread : 0;
    size_t room = wnd > 1 ? skt_account_room(a) : SIZE_MAX;
    size_t share = a->pool->budget ? a->used + room : 0, kept = share / SKT_KCP_RESERVED_PART;
    if (share && wnd > 1 && room < kept + (size_t)wnd * block_len) {
        /* Never 0 for want of memory alone: no event would tell when there is some again, but for reading. */
        bool none = room < share / SKT_KCP_LAST_PART && !skt_kcp_reader_waits(k);
        size_t blocks = room > kept ? (room - kept) / block_len : !none;
        if (blocks < wnd)
            wnd = blocks > 0 ? (uint32_t)blocks : !none;
    }
    k->rcv.adv_end = k->rcv.nxt + wnd;
    k->rcv.adv_closed = wnd == 0;
    return (uint16_t)wnd;
}

/* When half of a window has been read: is the wide one needed, or not even as wide as it is? */
static bool needs_wide(struct skt_kcp *k)
{
    uint32_t now_ms = (uint32_t)(k->path->now / SKT_US_PER_MS);
    skt_us took = (skt_us)(now_ms - k->rcv.grew_ms) * SKT_US_PER_MS, rtt = k->path->rtt.srtt;
    k->rcv.grew_ms = now_ms;
    if (rtt > 0 && took > SPARE_RTTS * rtt && k->rcv.wnd > WIDE)
        k->rcv.wnd = k->rcv.wnd / 2 > WIDE ? k->rcv.wnd / 2 : WIDE;
    return rtt == 0 || took <= NEEDED_RTTS * rtt;
}

void skt_kcp_grow_window(struct skt_kcp *k, uint32_t used_to)
{
    uint32_t max = k->limits.rcv_wnd_max;
    bool due = !skt_serial_before(k->rcv.read, k->rcv.grow_at);
    bool used = used_to - k->rcv.read >= k->rcv.wnd / 2 && k->rcv.held >= k->rcv.wnd / HELD_PART;
    if (!due && !used)
        return;
    bool grows = k->rcv.wnd < max && k->rcv.nxt - k->rcv.read <= k->rcv.wnd / 8;
    if (due && !needs_wide(k) && k->rcv.wnd >= WIDE)
        grows = false;
    if (grows)
        k->rcv.wnd = k->rcv.wnd > max / GROWTH ? max : k->rcv.wnd * GROWTH;
    else if (!due)
        return;
    k->rcv.grow_at = k->rcv.read + k->rcv.wnd / 2;
}

void skt_kcp_tell_room(struct skt_kcp *k)
{
    uint32_t gained = k->rcv.read + k->rcv.wnd - k->rcv.adv_end;
    uint32_t left = k->rcv.adv_end - k->rcv.nxt;
    if ((int32_t)gained <= 0)
        return;
    bool enough = gained >= k->rcv.wnd / 4 || k->rcv.read == k->rcv.nxt;
    if (!enough || (!k->rcv.adv_closed && left >= k->rcv.wnd / 4))
        return;
    if (k->rcv.adv_closed) {
        k->rcv.tells_left = SKT_KCP_TELLS;
        k->rcv.tell_at = skt_us_add(k->path->now, skt_kcp_probe_time(k));
        skt_kcp_update_timer(k);
    }
    k->rcv.tell = true;
    skt_kcp_want_control(k);
}

void skt_kcp_stop_telling(struct skt_kcp *k)
{
    if (k->rcv.tell_at == SKT_NEVER)
        return;
    k->rcv.tell_at = SKT_NEVER;
    k->rcv.tells_left = 0;
    skt_kcp_update_timer(k);
}

/* --- segments without data --- */

bool skt_kcp_has_control(const struct skt_kcp *k)
{
    return k->window.ask || k->rcv.tell || (!k->path->ack_frames && skt_kcp_owes(k));
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
    struct skt_kcp_header h = {.conv = k->snd.conv, .cmd = SKT_KCP_CMD_ACK, .una = k->rcv.nxt};
    h.wnd = skt_kcp_advertise(k);
    size_t n = k->path->ack_frames ? 0 : skt_kcp_write_ack_segments(k, &h, out, len);
    h.sn = h.ts = 0;
    n += write_simple(&h, SKT_KCP_CMD_WASK, &k->window.ask, out + n, len - n);
    n += write_simple(&h, SKT_KCP_CMD_WINS, &k->rcv.tell, out + n, len - n);
    return n;
}
