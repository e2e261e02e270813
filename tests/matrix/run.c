/* SPDX-License-Identifier: MIT */
#include "matrix/run.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define MS  SKT_US_PER_MS
#define SEC SKT_US_PER_SEC

enum {
    TCP_PAYLOAD = SIM_RIVAL_LEN + SIM_IP_OVERHEAD - 52, /* IPv4 and TCP with timestamps */
    MTU = 1498,                                         /* our longest datagram, as IP has it */
    OURS_OVERHEAD = 77, /* bytes of it that are no payload, IP and UDP included */
    CONNECT_S = 120,    /* patience */
    THIN_PERIOD = 100 * MS,
};

/* --- what is counted --- */

static void read_counters(struct matrix_run *r)
{
    double ours = r->ours_count ? matrix_ours_payload(&r->ours[0]) : 0;
    double theirs = r->ours_count > 1 ? matrix_ours_payload(&r->ours[1]) : 0;
    double tcp = r->rival.kind ? (double)r->rival.received * TCP_PAYLOAD : 0;
    r->got[0] = r->ours_count ? ours : tcp;
    r->got[1] = r->ours_count ? theirs + tcp : 0;
    r->sent = r->ours_count ? (double)r->ours[0].sent_bytes
                            : (double)r->rival.next * (SIM_RIVAL_LEN + SIM_IP_OVERHEAD);
    r->dropped = r->forth.stats.dropped;
}

/* A span begins or ends to count one way after its sender does. */
static void open_span(struct matrix_run *r)
{
    read_counters(r);
    for (int i = 0; i < 2; i++)
        r->got_before[i] -= r->got[i];
    r->dropped_before -= r->dropped;
    r->open = true;
}

static void close_span(struct matrix_run *r)
{
    read_counters(r);
    for (int i = 0; i < 2; i++)
        r->got_before[i] += r->got[i];
    r->dropped_before += r->dropped;
    r->open = false;
}

static void probe(struct matrix_run *r)
{
    double wait = (double)sim_link_wait(&r->forth, r->now, 100) / 1000;
    unsigned slots = sizeof r->waits / sizeof r->waits[0];
    r->waits[wait < slots ? (unsigned)wait : slots - 1]++;
    r->wait_count++;
    r->wait_sum += wait;
    r->could += matrix_net_could(r);
}

static void begin_other(struct matrix_run *r)
{
    if (r->cell.history == MATRIX_TWO && r->ours_count > 1)
        matrix_ours_set_bulk(&r->ours[1], true);
    else if (r->cell.history == MATRIX_TWO || r->cell.history == MATRIX_BESIDE_CUBIC ||
             r->cell.history == MATRIX_BESIDE_BBR)
        r->rival.paused = false;
}

static void set_on(struct matrix_run *r, bool on)
{
    if (r->on == on)
        return;
    r->on = on;
    if (r->ours_count)
        matrix_ours_set_bulk(&r->ours[0], on);
    else
        r->rival.paused = !on;
}

static void ask(struct matrix_run *r)
{
    matrix_thin_send(r);
    /* It takes its part of what could pass. */
    if (matrix_counts(&r->course, r->now - r->start))
        r->could -= MATRIX_THIN_LEN + OURS_OVERHEAD;
}

static void tick(struct matrix_run *r)
{
    skt_us t = r->now - r->start;
    const struct matrix_course *c = &r->course;
    matrix_net_tick(r, t);
    if (t == 0)
        begin_other(r);
    set_on(r, matrix_is_on(c, t));
    if (t >= c->thin.from && t < c->thin.to && t % THIN_PERIOD == 0)
        ask(r);
    matrix_thin_again(r);
    if (matrix_counts(c, t))
        probe(r);
}

/* From one tick to the next; within it a span begins or ends to be read. */
static void run_tick(struct matrix_run *r)
{
    skt_us to = r->now + MATRIX_TICK, t = to - r->start, owd = matrix_net_delay(&r->forth);
    tick(r);
    bool counts = t > owd && matrix_counts(&r->course, t - 1 - owd);
    if (counts != r->open) {
        /* Spans begin and end at ticks, so what comes of them does as much later as the delay is long. */
        matrix_drive(r, to - MATRIX_TICK + owd % MATRIX_TICK);
        if (counts)
            open_span(r);
        else
            close_span(r);
    }
    matrix_drive(r, to);
}

/* --- a cell --- */

static void begin_senders(struct matrix_run *r, uint64_t seed)
{
    enum matrix_history h = r->cell.history;
    enum sim_rival_kind kind = h == MATRIX_BESIDE_CUBIC ? SIM_RIVAL_CUBIC
                               : h == MATRIX_BESIDE_BBR ? SIM_RIVAL_BBR
                                                        : SIM_RIVAL_NONE;
    if (r->cell.mode == MATRIX_BBR)
        kind = SIM_RIVAL_BBR;
    else if (r->cell.mode == MATRIX_CUBIC)
        kind = SIM_RIVAL_CUBIC;
    else
        for (unsigned n = h == MATRIX_TWO ? 2 : 1; n > 0; n--)
            matrix_ours_add(r, seed + n * 1000);
    bool crossed = r->cell.link->shape == MATRIX_CROSS;
    sim_rival_init(&r->rival, kind, r->now, 0);
    sim_rival_init(&r->crossing, crossed ? SIM_RIVAL_CUBIC : SIM_RIVAL_NONE, r->now, 0);
    skt_us rtt = matrix_net_delay(&r->forth) + matrix_net_delay(&r->back);
    if (kind)
        sim_rival_set_link_back(&r->rival, &r->back, rtt);
    if (crossed)
        sim_rival_set_link_back(&r->crossing, &r->forth, rtt);
    r->rival.paused = true;
}

static bool connect_all(struct matrix_run *r)
{
    bool up = false;
    for (int i = 0; i < CONNECT_S * 10 && !up; i++) {
        matrix_drive(r, r->now + 100 * MS);
        up = true;
        for (unsigned n = 0; n < r->ours_count; n++)
            up = up && sim_is_up(r->ours[n].world);
    }
    matrix_drive(r, (r->now / SEC + 2) * SEC);
    return up;
}

/* Payload over IP bytes of the longest packet. */
static double share_of(enum matrix_mode mode)
{
    static const double shares[MATRIX_MODES] = {
        [MATRIX_TCP] = (MTU - OURS_OVERHEAD) / (double)MTU,
        [MATRIX_TUN] = MATRIX_INNER_PAYLOAD / (double)(SIM_INNER_LEN + OURS_OVERHEAD),
        [MATRIX_BBR] = TCP_PAYLOAD / (double)(SIM_RIVAL_LEN + SIM_IP_OVERHEAD),
        [MATRIX_CUBIC] = TCP_PAYLOAD / (double)(SIM_RIVAL_LEN + SIM_IP_OVERHEAD),
    };
    return shares[mode];
}

static void sum_up(struct matrix_run *r, struct matrix_result *out)
{
    double seconds = r->wait_count * (MATRIX_TICK / 1e6);
    out->payload_share = share_of(r->cell.mode);
    out->limit = r->could * share_of(r->cell.mode) * 8e-6 / seconds;
    out->goodput = r->got_before[0] * 8e-6 / seconds;
    double all = r->got_before[0] + r->got_before[1];
    out->both = all * 8e-6 / seconds / out->limit;
    out->share = r->ours_count > 1 || (r->ours_count && r->rival.kind) ? r->got_before[0] / all : 0;
    read_counters(r);
    out->bytes = r->got[0] > 0
                     ? (r->sent - r->sent_at_start) / (r->got[0] + r->thin.count * (double)MATRIX_THIN_LEN)
                     : 0;
    out->dropped = (double)r->dropped_before;
    out->queue_mean = r->wait_sum / r->wait_count;
    unsigned n = 0, ms = 0;
    while (n < r->wait_count * 99 / 100)
        n += r->waits[ms++];
    out->queue_p99 = ms;
    matrix_thin_result(r, out);
    if (r->ours_count && !r->ours[0].inner)
        out->cut = r->ours[0].bulk < 0 || !r->ours[0].world->client.apps[r->ours[0].bulk].st;
}

static void dispose(struct matrix_run *r)
{
    for (unsigned i = 0; i < r->ours_count; i++) {
        if (r->ours[i].inner)
            sim_inner_free(r->ours[i].inner);
        else
            sim_world_free(r->ours[i].world);
    }
    sim_rival_dispose(&r->rival);
    sim_rival_dispose(&r->crossing);
    matrix_net_dispose(r);
    free(r);
}

bool matrix_run(const struct matrix_cell *cell, uint64_t seed, struct matrix_result *out)
{
    struct matrix_run *r = calloc(1, sizeof *r);
    assert(r);
    r->cell = *cell;
    r->course = matrix_course_of(cell);
    r->rng = sim_rng_of(seed + 4000000);
    r->now = 1000 * SEC;
    memset(out, 0, sizeof *out);
    bool there = matrix_net_init(r, seed);
    if (there) {
        begin_senders(r, seed);
        if (connect_all(r)) {
            read_counters(r);
            r->sent_at_start = r->sent;
            for (r->start = r->now; r->now < r->start + r->course.end + 2 * SEC;)
                run_tick(r);
            if (r->open)
                close_span(r);
            sum_up(r, out);
        } else {
            out->cut = true;
        }
    }
    dispose(r);
    return there;
}
