/* SPDX-License-Identifier: MIT */
#include "proto/cc/filter.h"

uint64_t skt_maxfilter_add(struct skt_maxfilter *f, uint64_t window, uint64_t at, uint64_t value)
{
    if (value >= f->best[0].value || at - f->best[2].at > window) {
        skt_maxfilter_reset(f, at, value);
        return value;
    }
    for (int i = 1; i < 3; i++) {
        if (value < f->best[i].value)
            continue;
        for (int j = i; j < 3; j++) {
            f->best[j].at = at;
            f->best[j].value = value;
        }
        break;
    }
    if (at - f->best[0].at > window) {
        f->best[0] = f->best[1];
        f->best[1] = f->best[2];
        f->best[2].at = at;
        f->best[2].value = value;
        if (at - f->best[0].at > window) {
            f->best[0] = f->best[1];
            f->best[1] = f->best[2];
        }
    } else if (f->best[1].at == f->best[0].at && at - f->best[1].at > window / 4) {
        /* A quarter of the window without a second best: take this one, so that one is there when the best
         * ages. */
        for (int j = 1; j < 3; j++) {
            f->best[j].at = at;
            f->best[j].value = value;
        }
    } else if (f->best[2].at == f->best[1].at && at - f->best[2].at > window / 2) {
        f->best[2].at = at;
        f->best[2].value = value;
    }
    return f->best[0].value;
}
