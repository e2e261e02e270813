/* SPDX-License-Identifier: MIT */
#include "proto/path/path.h"

#include "proto/path/flight.h"
#include "proto/path/gate.h"
#include "proto/path/rubble.h"
#include "proto/path/tell.h"
#include "proto/path/work.h"

#include <assert.h>
#include <string.h>

#define RTT_STALE (5 * SKT_US_PER_SEC)

enum {
    OVERHEAD_GUESS = 25,
    OVERHEAD_MAX = 200,
    /* For one packet: 256 segments let go, 2048 taken into order, or 8192 looked at that were let go before.
     * What one packet makes possible beyond that is done in parts, so that none takes longer than 0.1 ms. */
    PACKET_WORK = 256 * SKT_WORK_RELEASE,
};

static size_t datagram_len(const struct skt_path *p)
{
    return p->payload_limit + p->overhead;
}

static void begin_measuring(struct skt_path *p, skt_us now)
{
    skt_rtt_begin(&p->rtt, now);
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

void skt_path_dispose(struct skt_path *p)
{
    skt_path_clear_rubble(p, UINT32_MAX);
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

void skt_path_set_tuning(struct skt_path *p, skt_us now, const struct skt_tuning *tuning)
{
    p->redundancy.off = tuning->redundancy == SKT_REDUNDANCY_OFF;
    p->redundancy.cap_permille = tuning->overhead_cap_permille;
    p->redundancy.fixed_data = tuning->redundancy_data;
    p->redundancy.fixed_parity = tuning->redundancy_parity;
    p->max_rate = tuning->max_rate < SKT_PATH_RATE_MAX ? tuning->max_rate : SKT_PATH_RATE_MAX;
    skt_path_update_pacer(p, now);
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

void skt_path_on_rtt(struct skt_path *p, skt_us now, skt_us rtt)
{
    p->now = skt_us_max(p->now, now);
    skt_rtt_take(&p->rtt, now, rtt);
    p->cc->on_rtt(&p->cc_state, now, p->rtt.latest);
    skt_path_update_pacer(p, now);
    skt_path_trace_metrics(p, now);
}

bool skt_path_wants_rtt(const struct skt_path *p)
{
    return p->data_at > p->rtt.at && (p->rtt.srtt == 0 || p->data_at - p->rtt.at > RTT_STALE);
}

void skt_path_reset(struct skt_path *p, skt_us now)
{
    p->now = skt_us_max(p->now, now);
    for (struct skt_segment *seg; (seg = skt_path_oldest(p));)
        skt_path_requeue(p, seg);
    begin_measuring(p, now);
    skt_path_trace_metrics(p, now);
}

void skt_path_begin_receive(struct skt_path *p)
{
    p->work = PACKET_WORK;
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
