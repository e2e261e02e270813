/* SPDX-License-Identifier: MIT */
#include "matrix/run.h"

#include <stdlib.h>

enum { PACKET = 100 /* bytes of UDP payload or so that a request takes, whoever carries it */ };

int matrix_thin_ask(struct matrix_run *r)
{
    struct matrix_thin *t = &r->thin;
    if (t->count == MATRIX_THIN_MAX)
        return -1;
    const struct sim_link_config *forth = &r->forth.config, *back = &r->back.config;
    size_t len = PACKET + SIM_IP_OVERHEAD;
    skt_us there = sim_link_alone(forth, r->now, len) + matrix_net_delay(&r->forth);
    skt_us home = sim_link_alone(back, there, len) + matrix_net_delay(&r->back);
    t->asked[t->count] = r->now;
    t->alone[t->count] = home - r->now;
    return (int)t->count++;
}

void matrix_thin_answer(struct matrix_run *r, unsigned number)
{
    struct matrix_thin *t = &r->thin;
    if (number >= t->count || t->answered[number])
        return;
    t->answered[number] = r->now;
    skt_us rtt = r->now - t->asked[number];
    t->srtt = t->srtt ? (7 * t->srtt + rtt) / 8 : rtt;
    while (t->first < t->count && t->answered[t->first])
        t->first++;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

void matrix_thin_result(struct matrix_run *r, struct matrix_result *out)
{
    static double over[MATRIX_THIN_MAX];
    struct matrix_thin *t = &r->thin;
    unsigned n = 0;
    skt_us in_order = 0;
    for (unsigned i = 0; i < t->count; i++) {
        /* What is not answered yet is not forgotten, and what comes out of order waits. */
        in_order = skt_us_max(in_order, t->answered[i] ? t->answered[i] : r->now);
        if (!matrix_counts(&r->course, t->asked[i] - r->start) ||
            (!t->answered[i] && in_order - t->asked[i] < t->alone[i]))
            continue;
        over[n] = ((double)(in_order - t->asked[i]) - (double)t->alone[i]) / 1000;
        out->thin_mean += over[n++];
    }
    if (n == 0)
        return;
    qsort(over, n, sizeof over[0], by_size);
    out->thin_mean /= n;
    out->thin_p50 = over[n / 2];
    out->thin_p99 = over[(n - 1) * 99 / 100];
    out->thin_count = n;
}
