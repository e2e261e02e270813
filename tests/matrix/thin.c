/* SPDX-License-Identifier: MIT */
#include "matrix/run.h"

#include <stdlib.h>
#include <string.h>

enum {
    PACKET = 100, /* bytes of UDP payload or so that a request takes, whoever carries it */
    PERIOD = 100 * SKT_US_PER_MS,
};

/* Its number, or -1: there were too many. */
static int note(struct matrix_run *r)
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

static void send_thin(struct matrix_run *r, struct sim_link *l, unsigned number)
{
    uint8_t data[PACKET] = {0};
    memcpy(data, &number, sizeof number);
    l->tag = MATRIX_THIN;
    sim_link_send(l, r->now, data, sizeof data);
}

void matrix_thin_arrived(struct matrix_run *r, bool forth, const uint8_t *data)
{
    unsigned number;
    memcpy(&number, data, sizeof number);
    if (forth)
        send_thin(r, &r->back, number);
    else
        matrix_thin_answer(r, number);
}

/* How long after it was sent a TCP's request is found lost: when the next one is acknowledged, and as late as
 * reordering may make it (RACK). */
static skt_us again_after(const struct matrix_run *r, int number)
{
    skt_us rtt = r->thin.srtt ? r->thin.srtt : r->thin.alone[number];
    return rtt + rtt / 4 + PERIOD;
}

/* A TCP's requests are sent again after two round trips (its tail probe), then each time after twice as long.
 */
void matrix_thin_again(struct matrix_run *r)
{
    struct matrix_thin *t = &r->thin;
    for (int i = (int)t->first; r->ours_count == 0 && i < (int)t->count; i++) {
        if (t->answered[i] || r->now < t->again[i])
            continue;
        t->again[i] = r->now + again_after(r, i);
        send_thin(r, &r->forth, (unsigned)i);
    }
}

void matrix_thin_send(struct matrix_run *r)
{
    int number = note(r);
    if (number < 0)
        return;
    if (r->ours_count > 0) {
        matrix_ours_ask(&r->ours[MATRIX_OURS]);
        return;
    }
    send_thin(r, &r->forth, (unsigned)number);
    r->thin.again[number] = r->now + again_after(r, number);
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
