/* SPDX-License-Identifier: MIT */
#include "proto/kcp/kcp.h"

#include "base/err.h"
#include "proto/kcp/internal.h"
#include "proto/path/flight.h"
#include "proto/path/rubble.h"
#include "proto/path/work.h"

#include <stdlib.h>
#include <string.h>

enum {
    RCV_WND_START = 128,   /* of streams: what KCP begins with (IKCP_WND_RCV) */
    RCV_WND_MESSAGE = 512, /* a message of 256 fragments must fit before any of it can be read */
    RMT_WND_START = 128,   /* the peer's, before it has told it: what its streams begin with */
};

int skt_kcp_init(struct skt_kcp *k, uint32_t conv, bool stream, struct skt_path *path,
                 const struct skt_kcp_limits *limits)
{
    memset(k, 0, sizeof *k);
    k->path = path;
    k->snd.conv = conv;
    k->stream = stream;
    k->limits = *limits;
    uint32_t floor = stream ? 1 : RCV_WND_MESSAGE;
    if (k->limits.rcv_wnd_max < floor)
        k->limits.rcv_wnd_max = floor;
    if (k->limits.rcv_wnd_max > UINT16_MAX)
        k->limits.rcv_wnd_max = UINT16_MAX;
    uint32_t start = stream ? RCV_WND_START : RCV_WND_MESSAGE;
    k->rcv.wnd = start < k->limits.rcv_wnd_max ? start : k->limits.rcv_wnd_max;
    k->window.size = RMT_WND_START;
    k->window.probe_at = k->rcv.tell_at = SKT_NEVER;
    skt_list_init(&k->ready_node);
    skt_list_init(&k->control_node);
    skt_list_init(&k->ack_node);
    skt_list_init(&k->event_node);
    skt_list_init(&k->starved_node);
    skt_list_init(&k->lag_node);
    skt_kcp_set_sn(k, 0, 0);
    k->timer.at = SKT_NEVER;
    return SKT_OK;
}

void skt_kcp_set_sn(struct skt_kcp *k, uint32_t snd_sn, uint32_t rcv_sn)
{
    k->snd.una = k->snd.nxt = k->snd.end = k->window.una = snd_sn;
    k->rcv.read = k->rcv.nxt = k->rcv.top = rcv_sn;
    k->rcv.grow_at = rcv_sn + k->rcv.wnd / 2;
    k->rcv.adv_end = rcv_sn + k->rcv.wnd;
}

static void drop_all(struct skt_kcp *k, struct skt_seg_ring *ring)
{
    for (uint32_t i = 0; i < ring->cap; i++) {
        if (!ring->slot[i])
            continue;
        skt_path_forget(k->path, ring->slot[i]);
        skt_account_put(&k->path->account, ring->slot[i]);
    }
    skt_seg_ring_free(ring, &k->path->account);
}

static void set_held(struct skt_kcp *k, bool held)
{
    if (held && !k->window.held)
        k->path->turns.held++;
    if (!held && k->window.held)
        k->path->turns.held--;
    k->window.held = held;
}

void skt_kcp_dispose(struct skt_kcp *k)
{
    drop_all(k, &k->queue.ring);
    if (!skt_path_take_rubble(k->path, &k->rcv.ring))
        drop_all(k, &k->rcv.ring);
    skt_account_free(&k->path->account, k->owed.list, k->owed.cap * sizeof *k->owed.list);
    set_held(k, false);
    skt_list_remove(&k->ready_node);
    skt_list_remove(&k->control_node);
    skt_list_remove(&k->ack_node);
    skt_list_remove(&k->event_node);
    skt_list_remove(&k->starved_node);
    skt_list_remove(&k->lag_node);
    skt_heap_remove(&k->path->turns.timers, &k->timer);
    if (k->path->completing == k)
        k->path->completing = NULL;
    memset(k, 0, sizeof *k);
}

void skt_kcp_notify(struct skt_kcp *k, unsigned events)
{
    k->events = (uint8_t)(k->events | events);
    if (skt_list_empty(&k->event_node))
        skt_list_append(&k->path->events, &k->event_node);
}

unsigned skt_kcp_take_events(struct skt_kcp *k)
{
    unsigned events = k->events;
    k->events = 0;
    skt_list_remove(&k->event_node);
    return events;
}

bool skt_kcp_drained(const struct skt_kcp *k)
{
    return k->snd.una == k->snd.end;
}

uint32_t skt_kcp_end(const struct skt_kcp *k)
{
    return k->snd.end;
}

bool skt_kcp_has_come(const struct skt_kcp *k, uint32_t sn)
{
    return (int32_t)(k->rcv.nxt - sn) >= 0;
}

uint32_t skt_kcp_backlog(const struct skt_kcp *k)
{
    return k->snd.end - k->snd.una;
}

bool skt_kcp_heard(const struct skt_kcp *k)
{
    return k->heard;
}

void skt_kcp_want_control(struct skt_kcp *k)
{
    if (skt_list_empty(&k->control_node))
        skt_list_append(&k->path->turns.controls, &k->control_node);
}

skt_us skt_kcp_probe_time(const struct skt_kcp *k)
{
    return skt_us_max(2 * k->path->rtt.srtt, SKT_KCP_PROBE_MIN);
}

void skt_kcp_update_timer(struct skt_kcp *k)
{
    skt_us at = skt_us_min(k->window.probe_at, k->rcv.tell_at);
    if (at != k->timer.at)
        skt_heap_set(&k->path->turns.timers, &k->timer, at);
}

void skt_kcp_update_sending(struct skt_kcp *k)
{
    bool waiting = k->snd.nxt != k->snd.end;
    bool open = skt_kcp_window_open(k);
    if (waiting && open) {
        if (skt_list_empty(&k->ready_node))
            skt_kcp_queue_turn(k);
    } else {
        skt_list_remove(&k->ready_node);
    }
    set_held(k, waiting && !open && k->snd.nxt - k->snd.una > SKT_SENDER_THIN);
    /* What is in flight will bring news of the window; only with nothing there must it be asked for. */
    bool stuck = waiting && !open && k->snd.una == k->snd.nxt;
    if (stuck && k->window.probe_at == SKT_NEVER) {
        k->window.probe_wait = skt_kcp_probe_time(k);
        k->window.probe_at = skt_us_add(k->path->now, k->window.probe_wait);
    } else if (!stuck && k->window.probe_at != SKT_NEVER) {
        k->window.probe_at = SKT_NEVER;
        k->window.ask = false;
    } else {
        return;
    }
    skt_kcp_update_timer(k);
}

void skt_kcp_on_timer(struct skt_kcp *k, skt_us now)
{
    if (k->window.probe_at <= now) {
        k->window.ask = true;
        k->window.probe_wait = skt_us_min(k->window.probe_wait + k->window.probe_wait / 2, SKT_KCP_PROBE_MAX);
        k->window.probe_at = now + k->window.probe_wait;
        skt_kcp_want_control(k);
    }
    if (k->rcv.tell_at <= now) {
        k->rcv.tell = true;
        k->rcv.tells_left--;
        k->rcv.tell_at = k->rcv.tells_left
                             ? now + (skt_kcp_probe_time(k) << (SKT_KCP_TELLS - k->rcv.tells_left))
                             : SKT_NEVER;
        skt_kcp_want_control(k);
    }
    skt_kcp_update_timer(k);
}

static void update_lag(struct skt_kcp *k)
{
    if (!skt_kcp_lags(k) && !skt_kcp_is_behind(k))
        skt_list_remove(&k->lag_node);
    else if (skt_list_empty(&k->lag_node))
        skt_path_add_lagging(k->path, &k->lag_node);
}

void skt_kcp_end_round(struct skt_kcp *k, struct skt_ack_round *round, uint32_t una, uint16_t wnd)
{
    k->heard = true;
    if (!skt_serial_before(una, k->window.una)) {
        k->window.una = una;
        k->window.size = wnd;
    }
    skt_kcp_take_una(k, round);
    update_lag(k);
    if (round->acked || round->rtt)
        skt_path_end_round(k->path, round);
    skt_kcp_update_sending(k);
    if (round->acked && k->snd.una == k->snd.end) {
        skt_seg_ring_free(&k->queue.ring, &k->path->account);
        skt_kcp_notify(k, SKT_KCP_DRAINED);
        skt_kcp_check_writable(k);
    }
}

void skt_kcp_catch_up(struct skt_kcp *k, skt_us now)
{
    struct skt_ack_round round = {.now = now};
    skt_kcp_take_held(k);
    skt_kcp_end_round(k, &round, k->window.una, (uint16_t)k->window.size);
}

int skt_kcp_receive(struct skt_kcp *k, skt_us now, const struct skt_kcp_header *h, const uint8_t *data)
{
    k->path->now = skt_us_max(k->path->now, now);
    if (skt_serial_before(k->snd.nxt, h->una))
        return SKT_ERR_MALFORMED;
    if (h->cmd == SKT_KCP_CMD_ACK && !skt_serial_before(h->sn, k->snd.nxt))
        return SKT_ERR_MALFORMED;
    if (h->cmd == SKT_KCP_CMD_PUSH) {
        int err = skt_kcp_take_push(k, h, data);
        if (err)
            return err;
    } else if (h->cmd == SKT_KCP_CMD_WASK) {
        k->rcv.tell = true;
        skt_kcp_want_control(k);
    }
    struct skt_ack_round round = {.now = now};
    if (h->cmd == SKT_KCP_CMD_ACK)
        skt_kcp_take_ack(k, &round, h->sn, h->ts);
    skt_kcp_end_round(k, &round, h->una, h->wnd);
    return SKT_OK;
}

void skt_kcp_resend_all(struct skt_kcp *k, skt_us now)
{
    k->path->now = skt_us_max(k->path->now, now);
    for (uint32_t sn = k->snd.una; sn != k->snd.nxt; sn++) {
        struct skt_segment *seg = *skt_seg_ring_at(&k->queue.ring, sn);
        if (seg && (seg->flags & SKT_SEG_FLYING))
            skt_path_requeue(k->path, seg);
    }
}
