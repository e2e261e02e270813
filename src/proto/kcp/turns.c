/* SPDX-License-Identifier: MIT */
#include "proto/kcp/turns.h"

#include "proto/kcp/internal.h"
#include "proto/path/copies.h"
#include "proto/path/gate.h"
#include "proto/path/loss.h"
#include "proto/path/rubble.h"

enum {
    WAKES_MAX = 256,   /* writers told of room at a time: thousands may wait, and each will use it */
    RUBBLE_SOME = 512, /* slots of ended conversations that are cleared at a time */
};

void skt_turns_set_ack_frames(struct skt_path *p, bool on)
{
    p->ack_frames = on;
    while (!on && !skt_list_empty(&p->turns.acks)) {
        struct skt_kcp *k = SKT_CONTAINER(p->turns.acks.next, struct skt_kcp, ack_node);
        skt_list_remove(&k->ack_node);
        skt_kcp_want_control(k);
    }
}

/* The share depends on what others hold, and nobody is told when there is room again: waiting writers look
 * now and then. */
static skt_us starved_expiry(const struct skt_path *p)
{
    return skt_list_empty(&p->turns.starved) ? SKT_NEVER : p->turns.starved_at;
}

skt_us skt_turns_expiry(const struct skt_path *p, skt_us now)
{
    if (p->left_over || !skt_list_empty(&p->turns.controls))
        return now;
    skt_us at = skt_us_min(skt_path_loss_expiry(p), starved_expiry(p));
    if (!skt_list_empty(&p->turns.acks))
        at = skt_us_min(at, p->turns.ack_at);
    at = skt_us_min(at, skt_path_copies_expiry(p));
    skt_us probe = skt_heap_expiry(&p->turns.timers);
    at = skt_us_min(at, probe >= SKT_NEVER - 1 ? SKT_NEVER : probe);
    return skt_us_min(at, skt_path_gate_expiry(p, now));
}

/* The first of them, as many as do not take long; those that go on waiting stand at the end then. */
static void wake_starved(struct skt_path *p, skt_us now)
{
    const struct skt_list *first = NULL;
    for (unsigned n = 0;
         n < WAKES_MAX && !skt_list_empty(&p->turns.starved) && p->turns.starved.next != first; n++) {
        struct skt_list *node = p->turns.starved.next;
        skt_list_move_tail(&p->turns.starved, node);
        skt_kcp_check_writable(SKT_CONTAINER(node, struct skt_kcp, starved_node));
        if (!first && !skt_list_empty(node))
            first = node;
    }
    p->turns.starved_at = now + SKT_KCP_STARVED_TIME;
}

void skt_turns_catch_up(struct skt_path *p, skt_us now)
{
    skt_path_begin_receive(p);
    if (!p->left_over)
        return;
    skt_path_clear_rubble(p, RUBBLE_SOME);
    while (p->work > 0 && !skt_list_empty(&p->turns.lagging))
        skt_kcp_catch_up(SKT_CONTAINER(p->turns.lagging.next, struct skt_kcp, lag_node), now);
    p->left_over =
        !skt_list_empty(&p->turns.lagging) || !skt_list_empty(&p->rubble) || skt_path_is_timing_out(p);
}

void skt_turns_expire(struct skt_path *p, skt_us now)
{
    p->now = skt_us_max(p->now, now);
    skt_turns_catch_up(p, now);
    skt_path_detect_losses(p, now);
    for (struct skt_heap_node *node; (node = skt_heap_first(&p->turns.timers)) && node->at <= now;)
        skt_kcp_on_timer(SKT_CONTAINER(node, struct skt_kcp, timer), now);
    if (starved_expiry(p) <= now)
        wake_starved(p, now);
}

/* Data that the window admits waits for the pacer, be it only until its owner has the next turn. */
enum skt_trace_limit skt_turns_limit(const struct skt_path *p)
{
    if (skt_path_has_data(p)) {
        if (skt_path_window_full(p))
            return SKT_TRACE_WINDOW;
        return p->max_rate && p->max_rate < p->cc_state.out.pacing_rate ? SKT_TRACE_RATE_CAP
                                                                        : SKT_TRACE_PACING;
    }
    if (!skt_list_empty(&p->turns.starved))
        return SKT_TRACE_MEMORY;
    /* Those that wait with nothing in flight ask for the window now and then. */
    const struct skt_heap_node *first = skt_heap_first(&p->turns.timers);
    bool asks = first && SKT_CONTAINER(first, const struct skt_kcp, timer)->window.probe_at != SKT_NEVER;
    return p->turns.held > 0 || asks ? SKT_TRACE_PEER_WINDOW : SKT_TRACE_NOTHING;
}

static size_t waiting_in(const struct skt_list *conversations, size_t waiting, size_t enough)
{
    for (const struct skt_list *l = conversations->next; l != conversations && waiting < enough; l = l->next)
        waiting += SKT_CONTAINER(l, struct skt_kcp, ready_node)->queue.unsent;
    return waiting;
}

size_t skt_turns_waiting_thin(const struct skt_path *p, size_t enough)
{
    return waiting_in(&p->turns.fresh, 0, enough);
}

size_t skt_turns_waiting(const struct skt_path *p, size_t enough)
{
    return waiting_in(&p->turns.ready, skt_turns_waiting_thin(p, enough), enough);
}
