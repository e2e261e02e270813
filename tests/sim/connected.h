/* SPDX-License-Identifier: MIT */
/* What tests of sessions begin with. For after cmocka.h. */
#ifndef SIM_CONNECTED_H
#define SIM_CONNECTED_H

#include "sim/world.h"

/* Links alike in both directions: delay of one, loss in ten-thousandths. */
static inline struct sim_world_config sim_link_of(skt_us delay, unsigned loss, uint64_t seed)
{
    struct sim_world_config c = {.seed = seed};
    c.up.delay = c.down.delay = delay;
    c.up.loss = c.down.loss = loss;
    return c;
}

/* A world whose session is up; fails the test where it is not within 30 s. */
static inline struct sim_world *sim_connected(const struct sim_world_config *c)
{
    struct sim_world *w = sim_world_new(c);
    sim_world_connect(w, true);
    assert_true(sim_world_run(w, w->now + 30 * SKT_US_PER_SEC, sim_is_up));
    return w;
}

#endif
