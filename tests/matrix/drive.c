/* SPDX-License-Identifier: MIT */
/* What happens from one time to the next. */
#include "matrix/run.h"

#include <assert.h>

enum {
    INNER_STEP = 1 * SKT_US_PER_MS, /* how often the inner TCPs look at their timers */
    STUCK = 100000, /* turns without the time's going on: somebody wants to be called at once, always */
};

static void take(struct matrix_run *r, bool forth, uint8_t *data, size_t len, enum matrix_tag tag)
{
    switch (tag) {
    case MATRIX_OURS:
    case MATRIX_OTHER: {
        struct matrix_ours *o = &r->ours[tag];
        o->world->now = r->now;
        sim_world_deliver(o->world, forth, data, len);
        o->touched[forth ? MATRIX_SERVER : MATRIX_CLIENT] = true;
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
        matrix_thin_arrived(r, forth, data);
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
        at = skt_us_min(at, skt_us_min(r->ours[i].at[MATRIX_SERVER], r->ours[i].at[MATRIX_CLIENT]));
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
    for (unsigned i = 0; i < r->ours_count; i++)
        if (r->ours[i].inner && r->now % INNER_STEP == 0)
            matrix_ours_check(&r->ours[i]);
}

/* Everything that happens before `until`, which becomes the time. */
void matrix_drive(struct matrix_run *r, skt_us until)
{
    for (unsigned stuck = 0;;) {
        /* A tag tells whose a packet is, so one link is read at a time, and its tag is set before each send.
         */
        take_all(r, &r->forth, true);
        take_all(r, &r->back, false);
        check_inner(r);
        for (unsigned i = 0; i < r->ours_count; i++)
            matrix_ours_turn(&r->ours[i]);
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
