/* SPDX-License-Identifier: MIT */
#include "matrix/run.h"

#include "base/err.h"
#include "sim/blind.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define MS  SKT_US_PER_MS
#define SEC SKT_US_PER_SEC

enum {
    RCV_WND_MAX = 8192,          /* as the program has it */
    SND_UNSENT_MAX = 256 * 1024, /* the same */
    INNER_PAYLOAD = 1348,        /* of a packet of SIM_INNER_LEN */
    TCP_PAYLOAD = SIM_RIVAL_LEN + SIM_IP_OVERHEAD - 52,
    MTU = 1500,
    OURS_OVERHEAD = 80, /* bytes of a datagram of ours that are no payload, IP and UDP included */
    CONNECT_S = 120,
    THIN_PERIOD = 100 * MS,
    INNER_STEP = 1 * MS,
    FOREVER = 1 << 30,
    STUCK = 100000,
};

enum { SERVER, CLIENT };

/* --- what arrives, and what is sent --- */

static void send_ours(void *user, bool up, const uint8_t *data, size_t len)
{
    struct matrix_ours *o = (struct matrix_ours *)user;
    struct sim_link *l = up ? &o->run->forth : &o->run->back;
    l->tag = (uint8_t)o->tag;
    sim_link_send(l, o->run->now, data, len);
    if (up)
        o->sent_bytes += len + SIM_IP_OVERHEAD;
}

static void send_thin(struct matrix_run *r, struct sim_link *l, unsigned number)
{
    uint8_t data[100] = {0}; /* as long as our own requests or so */
    memcpy(data, &number, sizeof number);
    l->tag = MATRIX_THIN;
    sim_link_send(l, r->now, data, sizeof data);
}

static void take_thin(struct matrix_run *r, bool forth, const uint8_t *data)
{
    unsigned number;
    memcpy(&number, data, sizeof number);
    if (forth)
        send_thin(r, &r->back, number);
    else
        matrix_thin_answer(r, number);
}

static void take(struct matrix_run *r, bool forth, uint8_t *data, size_t len, enum matrix_tag tag)
{
    switch (tag) {
    case MATRIX_OURS:
    case MATRIX_OTHER: {
        struct matrix_ours *o = &r->ours[tag];
        o->world->now = r->now;
        sim_world_deliver(o->world, forth, data, len);
        o->touched[forth ? SERVER : CLIENT] = true;
        break;
    }
    case MATRIX_RIVAL:
        if (forth)
            sim_rival_arrived(&r->rival, r->now, data);
        else
            sim_rival_acked(&r->rival, data);
        break;
    case MATRIX_CROSSING:
        if (forth)
            sim_rival_acked(&r->crossing, data);
        else
            sim_rival_arrived(&r->crossing, r->now, data);
        break;
    case MATRIX_THIN:
        take_thin(r, forth, data);
        break;
    }
}

static void take_all(struct matrix_run *r, struct sim_link *l, bool forth)
{
    static uint8_t buf[2048];
    size_t len;
    while ((len = sim_link_receive(l, r->now, buf, sizeof buf)) > 0)
        take(r, forth, buf, len, (enum matrix_tag)l->tag);
}

/* --- our sessions --- */

static void on_app(struct sim_app *app)
{
    app->blank = true;
    if (app->st->name && strcmp(app->st->name, "thin") == 0)
        app->request_len = app->answer_len = MATRIX_THIN_LEN;
    app->open = true;
}

static void on_answer(void *user, skt_us asked)
{
    struct matrix_run *r = (struct matrix_run *)user;
    for (unsigned i = r->thin.first; i < r->thin.count; i++)
        if (r->thin.asked[i] == asked)
            matrix_thin_answer(r, i);
}

static void add_ours(struct matrix_run *r, uint64_t seed)
{
    struct matrix_ours *o = &r->ours[r->ours_count];
    *o = (struct matrix_ours){.bulk = -1, .thin = -1, .tag = (enum matrix_tag)r->ours_count, .run = r};
    r->ours_count++;
    struct sim_wire wire = {o, send_ours};
    struct sim_world_config c = {
        .seed = seed,
        .cc = r->cell.normal ? &skt_cc_normal : &skt_cc_turbo,
        .limits = {RCV_WND_MAX, SND_UNSENT_MAX},
        .crypto = sim_crypto_blind(),
        .wire = &wire,
    };
    o->world = sim_world_new(&c);
    o->world->now = r->now;
    o->world->client.addr.port = (uint16_t)(1111 + r->ours_count);
    o->world->server.on_app = on_app;
    if (r->cell.mode == MATRIX_TUN) {
        o->inner = sim_inner_new_in(o->world);
        o->inner->on_answer = on_answer;
        o->inner->on_answer_user = r;
    }
    sim_world_connect(o->world, true);
    o->touched[SERVER] = o->touched[CLIENT] = true;
}

static int open_app(struct matrix_ours *o, const char *name)
{
    int n = sim_world_open(o->world, name, 0);
    if (n >= 0) {
        o->world->client.apps[n].open = true;
        o->world->client.apps[n].blank = true;
    }
    return n;
}

static void set_bulk(struct matrix_ours *o, bool on)
{
    struct sim_client *c = &o->world->client;
    o->world->now = o->run->now;
    o->touched[CLIENT] = true;
    if (o->inner) {
        if (on && o->inner->tcp_count == 0)
            sim_inner_add_tcp(o->inner, o->run->now);
        o->inner->paused = !on;
        return;
    }
    if (on && o->bulk < 0)
        o->bulk = open_app(o, "bulk");
    if (o->bulk < 0 || !c->apps[o->bulk].st)
        return;
    if (on)
        sim_world_send(o->world, o->bulk, UINT64_C(1) << 50);
    else
        c->apps[o->bulk].to_send = c->apps[o->bulk].sent;
}

/* How long after it was sent a TCP's request is found lost: when the next one is acknowledged, and as late as
 * reordering may make it (RACK). */
static skt_us again_after(const struct matrix_run *r, int number)
{
    skt_us rtt = r->thin.srtt ? r->thin.srtt : r->thin.alone[number];
    return rtt + rtt / 4 + THIN_PERIOD;
}

/* A TCP's requests are sent again after two round trips (its tail probe), then each time after twice as long.
 */
static void ask_again(struct matrix_run *r)
{
    struct matrix_thin *t = &r->thin;
    for (int i = (int)t->first; r->ours_count == 0 && i < (int)t->count; i++) {
        if (t->answered[i] || r->now < t->again[i])
            continue;
        t->again[i] = r->now + again_after(r, i);
        send_thin(r, &r->forth, (unsigned)i);
    }
}

static void ask(struct matrix_run *r, bool counts)
{
    int number = matrix_thin_ask(r);
    if (number < 0)
        return;
    /* It takes its part of what could pass. */
    if (counts)
        r->could -= MATRIX_THIN_LEN + OURS_OVERHEAD;
    if (r->ours_count == 0) {
        send_thin(r, &r->forth, (unsigned)number);
        r->thin.again[number] = r->now + again_after(r, number);
        return;
    }
    struct matrix_ours *o = &r->ours[MATRIX_OURS];
    o->world->now = r->now;
    o->touched[CLIENT] = true;
    if (o->inner) {
        if (o->inner->thin_count == 0)
            sim_inner_add_thin(o->inner, SKT_NEVER);
        sim_inner_ask(o->inner, 0);
        return;
    }
    if (o->thin < 0)
        o->thin = open_app(o, "thin");
    if (o->thin >= 0 && o->world->client.apps[o->thin].st)
        sim_world_send(o->world, o->thin, MATRIX_THIN_LEN);
}

static void take_answers(struct matrix_ours *o)
{
    if (o->tag != MATRIX_OURS || o->thin < 0)
        return;
    uint64_t answered = o->world->client.apps[o->thin].received / MATRIX_THIN_LEN;
    while (o->run->thin.first < answered && o->run->thin.first < o->run->thin.count)
        matrix_thin_answer(o->run, o->run->thin.first);
}

static double payload_of(const struct matrix_ours *o)
{
    if (o->inner)
        return o->inner->tcp_count ? (double)o->inner->tcp[0].delivered * INNER_PAYLOAD : 0;
    double sum = 0;
    for (int i = 0; i < o->world->server.app_count; i++)
        if (!o->world->server.apps[i].answer_len)
            sum += (double)o->world->server.apps[i].received;
    return sum;
}

/* --- turns --- */

static void turn_ours(struct matrix_ours *o)
{
    skt_us now = o->run->now;
    for (int end = 0; end < 2; end++) {
        if (!o->touched[end] && o->at[end] > now)
            continue;
        o->touched[end] = false;
        o->world->now = now;
        sim_world_turn(o->world, end == CLIENT);
        o->at[end] = sim_world_expiry(o->world, end == CLIENT);
        if (end == CLIENT)
            take_answers(o);
    }
}

static void turn_rivals(struct matrix_run *r)
{
    if (r->rival.kind) {
        r->forth.tag = r->back.tag = MATRIX_RIVAL;
        sim_rival_turn(&r->rival, r->now, &r->forth);
    }
    if (r->crossing.kind) {
        r->forth.tag = r->back.tag = MATRIX_CROSSING;
        sim_rival_turn(&r->crossing, r->now, &r->back);
    }
}

static skt_us next_time(const struct matrix_run *r)
{
    skt_us at = skt_us_min(sim_link_expiry(&r->forth), sim_link_expiry(&r->back));
    for (unsigned i = 0; i < r->ours_count; i++) {
        at = skt_us_min(at, skt_us_min(r->ours[i].at[SERVER], r->ours[i].at[CLIENT]));
        if (r->ours[i].inner)
            at = skt_us_min(at, (r->now / INNER_STEP + 1) * INNER_STEP);
    }
    if (r->rival.kind)
        at = skt_us_min(at, sim_rival_expiry(&r->rival));
    if (r->crossing.kind)
        at = skt_us_min(at, sim_rival_expiry(&r->crossing));
    return at;
}

static void check_inner(struct matrix_run *r)
{
    for (unsigned i = 0; i < r->ours_count; i++) {
        struct matrix_ours *o = &r->ours[i];
        if (!o->inner || r->now % INNER_STEP)
            continue;
        o->world->now = r->now;
        sim_inner_check(o->inner);
        o->touched[CLIENT] = o->touched[SERVER] = true;
    }
}

/* Everything that happens before `until`, which becomes the time. */
static void run_until(struct matrix_run *r, skt_us until)
{
    for (unsigned stuck = 0;;) {
        /* A tag tells whose a packet is, so one link is read at a time, and its tag is set before each send.
         */
        take_all(r, &r->forth, true);
        take_all(r, &r->back, false);
        check_inner(r);
        for (unsigned i = 0; i < r->ours_count; i++)
            turn_ours(&r->ours[i]);
        turn_rivals(r);
        skt_us next = next_time(r);
        stuck = next <= r->now ? stuck + 1 : 0;
        assert(stuck < STUCK);
        next = skt_us_max(next, r->now + 1);
        if (next >= until) {
            r->now = until;
            return;
        }
        r->now = next;
    }
}

/* --- what is counted --- */

static void read_counters(struct matrix_run *r)
{
    double ours = r->ours_count ? payload_of(&r->ours[0]) : 0;
    double theirs = r->ours_count > 1 ? payload_of(&r->ours[1]) : 0;
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
        set_bulk(&r->ours[1], true);
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
        set_bulk(&r->ours[0], on);
    else
        r->rival.paused = !on;
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
        ask(r, matrix_counts(c, t));
    ask_again(r);
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
        run_until(r, to - MATRIX_TICK + owd % MATRIX_TICK);
        if (counts)
            open_span(r);
        else
            close_span(r);
    }
    run_until(r, to);
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
            add_ours(r, seed + n * 1000);
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
        run_until(r, r->now + 100 * MS);
        up = true;
        for (unsigned n = 0; n < r->ours_count; n++)
            up = up && sim_is_up(r->ours[n].world);
    }
    run_until(r, (r->now / SEC + 2) * SEC);
    return up;
}

/* Payload over IP bytes of the longest packet. */
static double share_of(enum matrix_mode mode)
{
    static const double shares[MATRIX_MODES] = {
        [MATRIX_TCP] = (MTU - OURS_OVERHEAD) / (double)MTU,
        [MATRIX_TUN] = INNER_PAYLOAD / (double)(SIM_INNER_LEN + OURS_OVERHEAD),
        [MATRIX_BBR] = TCP_PAYLOAD / (double)(SIM_RIVAL_LEN + SIM_IP_OVERHEAD),
        [MATRIX_CUBIC] = TCP_PAYLOAD / (double)(SIM_RIVAL_LEN + SIM_IP_OVERHEAD),
    };
    return shares[mode];
}

static void sum_up(struct matrix_run *r, struct matrix_result *out)
{
    double seconds = r->wait_count * (MATRIX_TICK / 1e6);
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
