/* SPDX-License-Identifier: MIT */
#include "sim/inner.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum kind { DATA, ACK, REQUEST, ANSWER };

enum {
    QUEUE_MAX = 4 << 20,
    HEADERS = 52, /* IPv4 and TCP with timestamps */
    THIN_LEN = 64,
    HYSTART_SAMPLES = 8,
    HYSTART_LOW = 16,
    BACKOFF_MAX = 6,
};

#define MS           SKT_US_PER_MS
#define RTO_MIN      (200 * MS)
#define DELAYED_ACK  (40 * MS)
#define THIN_PERIOD  (100 * MS)
#define SECONDS(us)  ((double)(us) / 1e6)
#define CONNECT_TIME (600 * SKT_US_PER_SEC) /* over a link that loses 60 % it may take minutes */

/* --- packets --- */

struct packet {
    enum kind kind;
    unsigned flow;
    uint64_t tx;    /* the transmission, or the newest that is acknowledged */
    uint64_t count; /* ACK: of all that arrived */
    skt_us stamp;   /* when that transmission was sent */
};

static void push(struct sim_inner *in, bool client, struct packet packet)
{
    static const size_t lens[] = {SIM_INNER_LEN, HEADERS + 1, HEADERS + 1 + THIN_LEN, HEADERS + 1 + THIN_LEN};
    struct skt_aqm_packet *p = skt_aqm_packet_new(lens[packet.kind]);
    assert(p);
    memset(p->data, 0, p->len);
    memcpy(p->data, &packet, sizeof packet);
    p->ack = packet.kind == ACK;
    in->pushed[client] = true;
    skt_aqm_push(&in->queue[client], in->world->now, packet.flow * UINT64_C(0x9e3779b97f4a7c15) + 1, p);
}

/* --- a TCP sender --- */

static double cube_root(double x)
{
    double y = x > 1 ? x : 1;
    for (int i = 0; i < 60; i++)
        y = (2 * y + x / (y * y)) / 3;
    return x > 0 ? y : 0;
}

static void grow(struct sim_inner_tcp *t, skt_us now)
{
    if (t->cwnd < t->ssthresh) {
        t->cwnd += 1;
        return;
    }
    if (t->epoch == 0) {
        t->epoch = now;
        t->w_est = t->cwnd;
        if (t->w_max < t->cwnd)
            t->w_max = t->cwnd;
        t->k = cube_root((t->w_max - t->cwnd) / 0.4);
    }
    double x = SECONDS(now - t->epoch + t->min_rtt) - t->k;
    double target = t->w_max + 0.4 * x * x * x;
    t->w_est += 0.53 / t->cwnd;
    if (target > t->cwnd * 1.5)
        target = t->cwnd * 1.5;
    if (target > t->cwnd)
        t->cwnd += (target - t->cwnd) / t->cwnd;
    if (t->cwnd < t->w_est)
        t->cwnd = t->w_est;
    if (t->reductions == 0 && target < t->cwnd * 1.05)
        t->cwnd += 0.05;
}

static void reduce(struct sim_inner_tcp *t)
{
    t->reductions++;
    t->w_max = t->cwnd < t->w_max ? t->cwnd * 0.85 : t->cwnd;
    t->cwnd = t->cwnd * 0.7 > 2 ? t->cwnd * 0.7 : 2;
    t->ssthresh = t->cwnd;
    t->epoch = 0;
    t->recover = t->next;
}

static void hystart(struct sim_inner_tcp *t, skt_us rtt)
{
    if (t->una >= t->round_end) {
        t->round_end = t->next;
        t->round_samples = 0;
        t->round_min = SKT_NEVER;
    }
    if (++t->round_samples > HYSTART_SAMPLES)
        return;
    t->round_min = skt_us_min(t->round_min, rtt);
    skt_us slack = skt_us_min(skt_us_max(t->min_rtt / 8, 4 * MS), 16 * MS);
    if (t->round_samples == HYSTART_SAMPLES && t->cwnd >= HYSTART_LOW && t->cwnd < t->ssthresh &&
        t->round_min > t->min_rtt + slack)
        t->ssthresh = t->cwnd;
}

static void measure(struct sim_inner_tcp *t, skt_us rtt)
{
    if (t->srtt == 0) {
        t->srtt = t->min_rtt = rtt;
        t->rttvar = rtt / 2;
    }
    t->min_rtt = skt_us_min(t->min_rtt, rtt);
    skt_us delta = rtt > t->srtt ? rtt - t->srtt : t->srtt - rtt;
    t->rttvar = (3 * t->rttvar + delta) / 4;
    t->srtt = (7 * t->srtt + rtt) / 8;
}

static void send_all(struct sim_inner *in, unsigned flow)
{
    struct sim_inner_tcp *t = &in->tcp[flow];
    if (t->next == t->una)
        t->heard_at = in->world->now;
    while (!in->paused && (double)(t->next - t->una) < t->cwnd &&
           (in->window == 0 || t->next - t->una < in->window))
        push(in, true, (struct packet){DATA, flow, t->next++, 0, in->world->now});
}

/* What was sent before the acknowledged one and has not arrived by then is lost. */
static void take_ack(struct sim_inner *in, const struct packet *p)
{
    struct sim_inner_tcp *t = &in->tcp[p->flow];
    skt_us now = in->world->now;
    if (p->tx < t->una)
        return;
    uint64_t lost = p->tx + 1 - p->count;
    t->una = p->tx + 1;
    t->heard_at = now;
    t->backoff = 0;
    measure(t, now - p->stamp);
    hystart(t, now - p->stamp);
    if (lost > t->lost && p->tx >= t->recover)
        reduce(t);
    for (; t->acked < p->count; t->acked++)
        if (lost <= t->lost)
            grow(t, now);
    t->lost = lost;
    send_all(in, p->flow);
}

static void acknowledge(struct sim_inner *in, unsigned flow)
{
    struct sim_inner_tcp *t = &in->tcp[flow];
    t->ack_pending = 0;
    push(in, false, (struct packet){ACK, flow, t->ack_tx, t->received, t->ack_stamp});
}

static skt_us timeout_of(const struct sim_inner_tcp *t)
{
    skt_us rto = t->srtt ? t->srtt + skt_us_max(RTO_MIN, 4 * t->rttvar) : SKT_US_PER_SEC;
    return rto << (t->backoff < BACKOFF_MAX ? t->backoff : BACKOFF_MAX);
}

static void check_timeout(struct sim_inner *in, unsigned flow)
{
    struct sim_inner_tcp *t = &in->tcp[flow];
    if (in->world->now < t->begin)
        return;
    if (t->ack_pending && in->world->now >= t->ack_at)
        acknowledge(in, flow);
    if (t->next > t->una && in->world->now >= t->heard_at + timeout_of(t)) {
        reduce(t);
        t->cwnd = 1;
        t->una = t->next;
        t->heard_at = in->world->now;
        t->backoff++;
        t->timeouts++;
    }
    send_all(in, flow);
}

/* --- requests --- */

void sim_inner_ask(struct sim_inner *in, unsigned i)
{
    in->thin[i].waiting = true;
    in->thin[i].ack_at = SKT_NEVER;
    push(in, true, (struct packet){REQUEST, SIM_INNER_FLOWS + i, 0, 0, in->world->now});
}

static void check_thin(struct sim_inner *in, unsigned i)
{
    struct sim_inner_thin *t = &in->thin[i];
    skt_us now = in->world->now;
    if (now >= t->next_at && !t->waiting) {
        t->next_at = now + THIN_PERIOD;
        sim_inner_ask(in, i);
    }
    if (now >= t->ack_at) {
        t->ack_at = SKT_NEVER;
        push(in, true, (struct packet){ACK, SIM_INNER_FLOWS + i, 0, 0, now});
    }
}

static void take_answer(struct sim_inner *in, unsigned i, skt_us stamp)
{
    skt_us now = in->world->now;
    in->thin[i].waiting = false;
    in->thin[i].ack_at = now + DELAYED_ACK;
    if (in->on_answer)
        in->on_answer(in->on_answer_user, stamp);
    if (now < in->from || in->on_answer)
        return;
    assert(in->took_count < SIM_INNER_THIN_MAX);
    in->took[in->took_count++] = now - stamp;
}

/* --- both ends --- */

static void take_packet(struct sim_inner *in, bool client, const struct packet *p)
{
    if (p->kind == DATA) {
        struct sim_inner_tcp *t = &in->tcp[p->flow];
        t->delivered += in->world->now >= in->from;
        t->received++;
        t->ack_tx = p->tx;
        t->ack_stamp = p->stamp;
        if (t->ack_pending++ == 0)
            t->ack_at = in->world->now + DELAYED_ACK;
        if (in->window == 1)
            acknowledge(in, p->flow);
    } else if (p->kind == ACK && client) {
        take_ack(in, p);
    } else if (p->kind == REQUEST) {
        push(in, false, (struct packet){ANSWER, p->flow, 0, 0, p->stamp});
    } else if (p->kind == ANSWER) {
        take_answer(in, p->flow - SIM_INNER_FLOWS, p->stamp);
    }
}

static void mark(struct skt_aqm_packet *p)
{
    (void)p;
}

static void pump(void *user, struct skt_session *s, bool client)
{
    struct sim_inner *in = (struct sim_inner *)user;
    uint8_t buf[SIM_INNER_LEN];
    skt_us now = in->world->now;
    unsigned news;
    for (int flow; (flow = skt_session_next_flow(s, &news)) >= 0;) {
        struct packet p = {0};
        while ((news & SKT_FLOW_READABLE) &&
               skt_session_read_packet(s, (unsigned)flow, buf, sizeof buf) > 0) {
            memcpy(&p, buf, sizeof p);
            take_packet(in, client, &p);
        }
        if (p.stamp && p.kind == DATA && in->tcp[p.flow].ack_pending >= 2)
            acknowledge(in, p.flow);
        skt_session_tell_queue(s, now, &in->queue[client], (unsigned)flow, news);
    }
    (void)skt_session_fill(s, now, &in->queue[client], mark);
}

struct sim_inner *sim_inner_new_in(struct sim_world *world)
{
    struct sim_inner *in = calloc(1, sizeof *in);
    assert(in);
    in->world = world;
    world->client.ctx.mode = world->server.ctx.mode = SKT_MODE_TUN;
    world->pump = pump;
    world->pump_user = in;
    for (int i = 0; i < 2; i++)
        skt_aqm_init(&in->queue[i], SKT_FLOWS_MAX, QUEUE_MAX);
    return in;
}

struct sim_inner *sim_inner_new(const struct sim_world_config *c)
{
    struct sim_inner *in = sim_inner_new_in(sim_world_new(c));
    sim_world_connect(in->world, true);
    bool up = sim_world_run(in->world, in->world->now + CONNECT_TIME, sim_is_up);
    assert(up);
    (void)up;
    return in;
}

void sim_inner_free(struct sim_inner *in)
{
    sim_world_free(in->world);
    for (int i = 0; i < 2; i++)
        skt_aqm_dispose(&in->queue[i]);
    free(in);
}

unsigned sim_inner_add_tcp(struct sim_inner *in, skt_us begin)
{
    assert(in->tcp_count < SIM_INNER_FLOWS);
    struct sim_inner_tcp *t = &in->tcp[in->tcp_count];
    *t = (struct sim_inner_tcp){.begin = begin, .cwnd = 10, .ssthresh = 1e9, .round_min = SKT_NEVER};
    return in->tcp_count++;
}

void sim_inner_add_thin(struct sim_inner *in, skt_us begin)
{
    assert(in->thin_count < SIM_INNER_FLOWS);
    in->thin[in->thin_count++] = (struct sim_inner_thin){.next_at = begin, .ack_at = SKT_NEVER};
}

void sim_inner_check(struct sim_inner *in)
{
    for (unsigned i = 0; i < in->tcp_count; i++)
        check_timeout(in, i);
    for (unsigned i = 0; i < in->thin_count; i++)
        check_thin(in, i);
}

void sim_inner_run(struct sim_inner *in, skt_us until)
{
    while (in->world->now < until) {
        sim_inner_check(in);
        sim_world_run(in->world, in->world->now + 1 * MS, NULL);
    }
}

static int by_time(const void *a, const void *b)
{
    skt_us x = *(const skt_us *)a, y = *(const skt_us *)b;
    return x < y ? -1 : x > y;
}

skt_us sim_inner_took(struct sim_inner *in, unsigned permille)
{
    assert(in->took_count > 0);
    qsort(in->took, in->took_count, sizeof in->took[0], by_time);
    return in->took[(in->took_count - 1) * permille / 1000];
}
