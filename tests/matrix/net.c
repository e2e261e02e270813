/* SPDX-License-Identifier: MIT */
#include "matrix/run.h"

#define MS  SKT_US_PER_MS
#define SEC SKT_US_PER_SEC

enum {
    SCHEDULE_S = 120,         /* of the models; then they begin anew */
    BUFFER_BACK_MS = 200,     /* of the way back */
    LEO_PERIOD_S = 15,        /* a satellite */
    LEO_GONE_MS = 40,         /* what is sent while the satellite changes is lost */
    MOVED_MS = 10,            /* one way, what the other path is longer by than twice */
    RECORDED_FROM_MAX_S = 60, /* a seed begins that late in a recording at most */
};

/* Every seed varies rate and delay by up to a tenth. */
static uint64_t vary(struct matrix_run *r, uint64_t value)
{
    return value * sim_rng_range(&r->rng, 900, 1100) / 1000;
}

static void set_losses(struct sim_link_config *c, unsigned loss, unsigned run)
{
    if (run == 0) {
        c->loss = loss;
        return;
    }
    /* Gilbert: within a run everything is lost. */
    c->burst_loss = 10000;
    c->burst_leave = 10000 / run;
    c->burst_enter = (unsigned)((uint64_t)c->burst_leave * loss / (10000 - loss));
}

static struct sim_link_config config_of(struct matrix_run *r, bool back)
{
    const struct matrix_link *l = r->cell.link;
    unsigned kbit = back && l->kbit_back ? l->kbit_back : l->kbit;
    struct sim_link_config c = {
        .rate = kbit * UINT64_C(125),
        .buffer = l->buffer,
        .delay = l->delay_us,
        .jitter = l->jitter_us,
        .reorder = l->reorder,
        .reorder_delay = l->reorder_us,
        .in_order = l->jitter_us == 0,
    };
    if (back && kbit)
        c.buffer = (size_t)(c.rate * BUFFER_BACK_MS / 1000) + 3000;
    set_losses(&c, back ? l->loss_back : l->loss, l->run);
    return c;
}

static struct sim_capacity *schedule_of(struct matrix_run *r, bool back, uint64_t seed)
{
    const struct matrix_link *l = r->cell.link;
    uint64_t own = 2 * seed + back;
    if (!back && r->cell.recording)
        return sim_capacity_read(r->cell.recording);
    if (l->shape == MATRIX_RECORDED)
        return sim_capacity_recorded(back ? l->back : l->forth);
    if (l->shape == MATRIX_WANDER)
        return sim_capacity_wander(own, SCHEDULE_S);
    return sim_capacity_wifi(own, (back ? l->kbit_back : l->kbit) * UINT64_C(125), SCHEDULE_S);
}

bool matrix_net_init(struct matrix_run *r, uint64_t seed)
{
    struct sim_link_config config[2] = {config_of(r, false), config_of(r, true)};
    uint64_t rate = vary(r, 1000), delay = vary(r, 1000);
    enum matrix_shape shape = r->cell.link->shape;
    for (int i = 0; i < 2; i++) {
        struct sim_link_config *c = &config[i];
        c->rate = c->rate * rate / 1000;
        c->delay = c->delay * delay / 1000;
        if (shape != MATRIX_RECORDED && shape != MATRIX_WANDER && shape != MATRIX_WIFI &&
            !(i == 0 && r->cell.recording))
            continue;
        if (!(r->schedule[i] = schedule_of(r, i == 1, seed)))
            return false;
        c->capacity = r->schedule[i];
        c->capacity_from = r->now - sim_rng_below(&r->rng, RECORDED_FROM_MAX_S * 1000) * MS;
    }
    sim_link_init(&r->forth, &config[0], 2 * seed + 1);
    sim_link_init(&r->back, &config[1], 2 * seed + 2);
    return true;
}

void matrix_net_dispose(struct matrix_run *r)
{
    sim_link_dispose(&r->forth);
    sim_link_dispose(&r->back);
    for (int i = 0; i < 2; i++)
        sim_capacity_free(r->schedule[i]);
}

static void next_satellite(struct matrix_run *r)
{
    const struct matrix_link *l = r->cell.link;
    uint64_t rate = sim_rng_range(&r->rng, 500, 1500);
    skt_us delay = l->delay_us + sim_rng_below(&r->rng, 21) * MS - 10 * MS;
    struct sim_link *both[] = {&r->forth, &r->back};
    for (int i = 0; i < 2; i++) {
        both[i]->config.rate = l->kbit * UINT64_C(125) * rate / 1000;
        both[i]->config.delay = delay;
        both[i]->config.outage_at = r->now;
        both[i]->config.outage_len = LEO_GONE_MS * MS;
    }
}

void matrix_net_tick(struct matrix_run *r, skt_us t)
{
    /* Not when the bulk flow begins. */
    if (r->cell.link->shape == MATRIX_LEO && t % (LEO_PERIOD_S * SEC) == LEO_PERIOD_S * SEC / 2)
        next_satellite(r);
    if (t == r->course.moves_at)
        matrix_net_move(r);
}

void matrix_net_move(struct matrix_run *r)
{
    struct sim_link *both[] = {&r->forth, &r->back};
    for (int i = 0; i < 2; i++) {
        both[i]->config.delay = 2 * both[i]->config.delay + MOVED_MS * MS;
        both[i]->config.rate /= 2;
    }
    for (unsigned i = 0; i < r->ours_count; i++)
        r->ours[i].world->client.addr.ip[3] += 10;
}

double matrix_net_could(const struct matrix_run *r)
{
    const struct sim_link_config *c = &r->forth.config;
    double passes = 1 - sim_link_loss(c);
    if (c->outage_len && r->now >= c->outage_at && r->now < c->outage_at + c->outage_len)
        return 0;
    if (!c->capacity)
        return passes * (double)c->rate * MATRIX_TICK / 1e6;
    skt_us t = r->now - c->capacity_from;
    return passes * (double)sim_capacity_between(c->capacity, t, t + MATRIX_TICK);
}

skt_us matrix_net_delay(const struct sim_link *l)
{
    return l->config.delay + l->config.jitter / 2;
}
