/* SPDX-License-Identifier: MIT */
#include "proto/path/path.h"

#include "proto/kcp/internal.h"

#include <assert.h>
#include <string.h>

#define MIN_RTT_WINDOW (10 * SKT_US_PER_SEC)
#define STARVED_TIME   (20 * SKT_US_PER_MS)
#define RTT_STALE      (5 * SKT_US_PER_SEC)

enum {
    OVERHEAD_GUESS = 25,
    OVERHEAD_MAX = 200,
    /* For one packet: 256 segments let go, 2048 taken into order, or 8192 looked at that were let go before.
     * What one packet makes possible beyond that is done in parts, so that none takes longer than 0.1 ms. */
    PACKET_WORK = 256 * SKT_WORK_RELEASE,
};

/* The segments that a stream holds are freed when it ends, and one packet may end a hundred. */
enum {
    RUBBLE_MIN = 16,   /* slots; smaller rings go at once */
    RUBBLE_SOME = 512, /* slots that are cleared at a time */
};

struct rubble {
    struct skt_list node;
    struct skt_seg_ring ring;
    uint32_t at; /* the next slot to be cleared */
};

enum { WAKES_MAX = 256 }; /* writers told of room at a time: thousands may wait, and each will use it */

static size_t datagram_len(const struct skt_path *p)
{
    return p->payload_limit + p->overhead;
}

static void begin_measuring(struct skt_path *p, skt_us now)
{
    p->rtt.srtt = p->rtt.rttvar = p->rtt.min = p->rtt.latest = 0;
    p->rtt.min_bucket[0] = p->rtt.min_bucket[1] = SKT_NEVER;
    p->rtt.min_at = p->rtt.epoch_at = now;
    p->recovery.rack_tx = 0;
    p->recovery.rack_rtt = p->recovery.reo_wnd = 0;
    p->recovery.reo_at = p->recovery.progress_at = p->recovery.fired_at = now;
    p->recovery.timeouts = p->recovery.probes = 0;
    p->delivery.at = p->delivery.first_sent_at = now;
    skt_redundancy_reset(&p->redundancy);
    p->cc->init(&p->cc_state, now, datagram_len(p));
    skt_pacer_init(&p->pacer, now, p->cc_state.out.pacing_rate, datagram_len(p));
    skt_path_update_pacer(p, now);
}

void skt_path_init(struct skt_path *p, struct skt_pool *pool, const struct skt_cc *cc, size_t payload_limit,
                   skt_us now)
{
    assert(pool->block_len >= SKT_KCP_BLOCK_LEN);
    memset(p, 0, sizeof *p);
    skt_account_init(&p->account, pool);
    p->cc = cc;
    p->payload_limit = payload_limit;
    p->overhead = OVERHEAD_GUESS;
    p->now = now;
    p->recovery.next_tx = 1;
    skt_list_init(&p->inflight);
    skt_list_init(&p->lost);
    skt_list_init(&p->copies);
    skt_list_init(&p->turns.controls);
    skt_list_init(&p->turns.acks);
    p->turns.ack_at = SKT_NEVER;
    skt_list_init(&p->turns.fresh);
    skt_list_init(&p->turns.ready);
    skt_list_init(&p->events);
    skt_list_init(&p->turns.starved);
    skt_list_init(&p->turns.lagging);
    skt_list_init(&p->rubble);
    skt_path_begin_receive(p);
    skt_heap_init(&p->turns.timers);
    skt_redundancy_init(&p->redundancy);
    begin_measuring(p, now);
}

bool skt_path_take_rubble(struct skt_path *p, struct skt_seg_ring *ring)
{
    struct rubble *r = ring->cap > RUBBLE_MIN ? skt_account_alloc(&p->account, sizeof *r, true) : NULL;
    if (!r)
        return false;
    r->ring = *ring;
    r->at = 0;
    *ring = (struct skt_seg_ring){0};
    skt_list_init(&r->node);
    skt_list_append(&p->rubble, &r->node);
    p->left_over = true;
    return true;
}

static void clear_rubble(struct skt_path *p, uint32_t slots)
{
    while (slots > 0 && !skt_list_empty(&p->rubble)) {
        struct rubble *r = SKT_CONTAINER(p->rubble.next, struct rubble, node);
        for (; r->at < r->ring.cap && slots > 0; r->at++, slots--)
            if (r->ring.slot[r->at])
                skt_account_put(&p->account, r->ring.slot[r->at]);
        if (r->at < r->ring.cap)
            return;
        skt_list_remove(&r->node);
        skt_seg_ring_free(&r->ring, &p->account);
        skt_account_free(&p->account, r, sizeof *r);
    }
}

void skt_path_dispose(struct skt_path *p)
{
    clear_rubble(p, UINT32_MAX);
    assert(skt_list_empty(&p->inflight) && skt_list_empty(&p->lost));
    skt_account_dispose(&p->account);
}

void skt_path_set_payload_limit(struct skt_path *p, size_t payload_limit)
{
    p->payload_limit = payload_limit;
    p->cc->set_mss(&p->cc_state, datagram_len(p));
    skt_pacer_set_mtu(&p->pacer, datagram_len(p));
}

size_t skt_path_mss(const struct skt_path *p)
{
    return p->payload_limit - SKT_KCP_HEADER_LEN;
}

void skt_path_update_pacer(struct skt_path *p, skt_us now)
{
    uint64_t rate = p->cc_state.out.pacing_rate, most = p->max_rate ? p->max_rate : SKT_PATH_RATE_MAX;
    skt_pacer_set_rate(&p->pacer, now, rate < most ? rate : most);
}

void skt_path_set_tuning(struct skt_path *p, skt_us now, const struct skt_tuning *tuning)
{
    p->redundancy.off = tuning->redundancy == SKT_REDUNDANCY_OFF;
    p->redundancy.cap_permille = tuning->overhead_cap_permille;
    p->redundancy.fixed_data = tuning->redundancy_data;
    p->redundancy.fixed_parity = tuning->redundancy_parity;
    skt_path_set_max_rate(p, now, tuning->max_rate);
}

void skt_path_on_parity(struct skt_path *p, skt_us now, size_t len)
{
    skt_redundancy_on_parity(&p->redundancy, now, len);
    if (p->max_rate && p->max_rate < p->cc_state.out.pacing_rate)
        skt_pacer_on_sent(&p->pacer, now, len);
}

void skt_path_on_mended(struct skt_path *p, skt_us now, uint32_t count)
{
    p->stats.lost += count;
    if (count > 0)
        skt_trace_tell(&p->trace, mended, now, count);
    if (count == 0 || !p->cc->on_mended)
        return;
    p->cc->on_mended(&p->cc_state, now);
    skt_path_update_pacer(p, now);
}

void skt_path_set_max_rate(struct skt_path *p, skt_us now, uint64_t rate)
{
    p->max_rate = rate < SKT_PATH_RATE_MAX ? rate : SKT_PATH_RATE_MAX;
    skt_path_update_pacer(p, now);
}

void skt_path_on_sent(struct skt_path *p, skt_us now, size_t len)
{
    p->now = skt_us_max(p->now, now);
    size_t charged = p->precharged;
    p->precharged = 0;
    if (charged > p->overhead) {
        size_t kcp_len = charged - p->overhead;
        if (len > kcp_len && len - kcp_len <= OVERHEAD_MAX)
            p->overhead = len - kcp_len;
    }
    if (len > charged)
        skt_pacer_on_sent(&p->pacer, now, len - charged);
}

static void update_min_rtt(struct skt_path *p, skt_us now, skt_us rtt)
{
    if (now - p->rtt.min_at >= MIN_RTT_WINDOW) {
        p->rtt.min_bucket[1] = p->rtt.min_bucket[0];
        p->rtt.min_bucket[0] = SKT_NEVER;
        p->rtt.min_at = now;
    }
    p->rtt.min_bucket[0] = skt_us_min(p->rtt.min_bucket[0], rtt);
    p->rtt.min = skt_us_min(p->rtt.min_bucket[0], p->rtt.min_bucket[1]);
}

/* RFC 6298, 2. */
void skt_path_take_rtt(struct skt_path *p, skt_us now, skt_us rtt)
{
    if (rtt == 0)
        rtt = 1;
    p->rtt.latest = rtt;
    p->rtt.at = now;
    update_min_rtt(p, now, rtt);
    if (p->rtt.srtt == 0) {
        p->rtt.srtt = rtt;
        p->rtt.rttvar = rtt / 2;
        return;
    }
    skt_us delta = rtt > p->rtt.srtt ? rtt - p->rtt.srtt : p->rtt.srtt - rtt;
    p->rtt.rttvar = (3 * p->rtt.rttvar + delta) / 4;
    p->rtt.srtt = (7 * p->rtt.srtt + rtt) / 8;
}

void skt_path_on_rtt(struct skt_path *p, skt_us now, skt_us rtt)
{
    p->now = skt_us_max(p->now, now);
    rtt = skt_us_max(rtt, 1); /* 0 means none, and divides badly */
    skt_path_take_rtt(p, now, rtt);
    p->cc->on_rtt(&p->cc_state, now, rtt);
    skt_path_update_pacer(p, now);
    skt_path_trace_metrics(p, now);
}

bool skt_path_wants_rtt(const struct skt_path *p)
{
    return p->data_at > p->rtt.at && (p->rtt.srtt == 0 || p->data_at - p->rtt.at > RTT_STALE);
}

void skt_path_set_ack_frames(struct skt_path *p, bool on)
{
    p->ack_frames = on;
    while (!on && !skt_list_empty(&p->turns.acks)) {
        struct skt_kcp *k = SKT_CONTAINER(p->turns.acks.next, struct skt_kcp, ack_node);
        skt_list_remove(&k->ack_node);
        skt_kcp_want_control(k);
    }
}

void skt_path_requeue(struct skt_path *p, struct skt_segment *seg)
{
    assert(seg->flags & SKT_SEG_FLYING);
    assert(p->inflight_bytes >= seg->cost);
    p->inflight_bytes -= seg->cost;
    seg->flags &= (uint8_t) ~(SKT_SEG_FLYING | SKT_SEG_LOST | SKT_SEG_PROBED);
    skt_path_cancel_copies(seg);
    skt_list_move_tail(&p->lost, &seg->node);
}

void skt_path_forget(struct skt_path *p, struct skt_segment *seg)
{
    if (seg->flags & SKT_SEG_FLYING)
        p->inflight_bytes -= seg->cost;
    seg->flags = 0;
    skt_path_cancel_copies(seg);
    skt_list_remove(&seg->node);
}

void skt_path_reset(struct skt_path *p, skt_us now)
{
    p->now = skt_us_max(p->now, now);
    while (!skt_list_empty(&p->inflight))
        skt_path_requeue(p, SKT_CONTAINER(p->inflight.next, struct skt_segment, node));
    begin_measuring(p, now);
    skt_path_trace_metrics(p, now);
}

/* The share depends on what others hold, and nobody is told when there is room again: waiting writers look
 * now and then. */
static skt_us starved_expiry(const struct skt_path *p)
{
    return skt_list_empty(&p->turns.starved) ? SKT_NEVER : p->turns.starved_at;
}

void skt_path_add_starved(struct skt_path *p, struct skt_list *node)
{
    if (skt_list_empty(&p->turns.starved))
        p->turns.starved_at = skt_us_add(p->now, STARVED_TIME);
    if (skt_list_empty(node))
        skt_list_append(&p->turns.starved, node);
}

skt_us skt_path_expiry(const struct skt_path *p, skt_us now)
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
    p->turns.starved_at = now + STARVED_TIME;
}

void skt_path_begin_receive(struct skt_path *p)
{
    p->work = PACKET_WORK;
}

void skt_path_catch_up(struct skt_path *p, skt_us now)
{
    skt_path_begin_receive(p);
    if (!p->left_over)
        return;
    clear_rubble(p, RUBBLE_SOME);
    while (p->work > 0 && !skt_list_empty(&p->turns.lagging))
        skt_kcp_catch_up(SKT_CONTAINER(p->turns.lagging.next, struct skt_kcp, lag_node), now);
    p->left_over =
        !skt_list_empty(&p->turns.lagging) || !skt_list_empty(&p->rubble) || skt_path_is_timing_out(p);
}

void skt_path_expire(struct skt_path *p, skt_us now)
{
    p->now = skt_us_max(p->now, now);
    skt_path_catch_up(p, now);
    skt_path_detect_losses(p, now);
    for (struct skt_heap_node *node; (node = skt_heap_first(&p->turns.timers)) && node->at <= now;)
        skt_kcp_on_timer(SKT_CONTAINER(node, struct skt_kcp, timer), now);
    if (starved_expiry(p) <= now)
        wake_starved(p, now);
}

unsigned skt_path_timeouts(const struct skt_path *p)
{
    return p->recovery.timeouts;
}

size_t skt_path_cwnd(const struct skt_path *p)
{
    return p->cc_state.out.cwnd;
}

uint64_t skt_path_pacing_rate(const struct skt_path *p)
{
    return p->cc_state.out.pacing_rate;
}
