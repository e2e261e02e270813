/* SPDX-License-Identifier: MIT */
/* A fixed load for counting instructions: two conversations over a lossy link, plain KCP without a session.
 * Prints the KiB of payload that were carried. */
#include <stdio.h>

#include "sim/pair.h"

int main(void)
{
    static struct sim_pair pair;
    struct sim_pair_config c;
    sim_pair_defaults(&c);
    for (int i = 0; i < 2; i++)
        c.link[i] = (struct sim_link_config){
            .rate = 12500000, .buffer = 625000, .delay = 20 * SKT_US_PER_MS, .loss = 100};
    sim_pair_init(&pair, &c);
    sim_pair_add(&pair, true, 20000000, 0, 1 << 20);
    sim_pair_add(&pair, true, 1000000, 1000000, 1 << 20);
    sim_pair_run(&pair, 60 * SKT_US_PER_SEC);
    bool done = sim_pair_done(&pair) && !pair.failure;
    printf("%llu\n", (unsigned long long)(pair.host[0].received + pair.host[1].received) / 1024);
    sim_pair_dispose(&pair);
    return done ? 0 : 1;
}
