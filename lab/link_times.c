/* SPDX-License-Identifier: MIT */
/* How long things took: counted in steps of a quarter of a millisecond, so that a percentile is exact to one.
 */
#include "link.h"

#include <string.h>

void link_times_reset(struct link_times *t)
{
    memset(t, 0, sizeof *t);
}

void link_times_add(struct link_times *t, int64_t ns)
{
    int64_t step = ns / LINK_TIMES_STEP_NS;
    t->steps[step < 0 ? 0 : step < LINK_TIMES_STEPS ? step : LINK_TIMES_STEPS - 1]++;
    t->count++;
    if (ns > t->max)
        t->max = ns;
}

int64_t link_times_part(const struct link_times *t, unsigned permille)
{
    uint64_t rank = t->count * permille / 1000, below = 0;
    for (int64_t i = 0; i < LINK_TIMES_STEPS - 1; i++) {
        below += t->steps[i];
        if (below > rank)
            return (i + 1) * LINK_TIMES_STEP_NS < t->max ? (i + 1) * LINK_TIMES_STEP_NS : t->max;
    }
    return t->max;
}
