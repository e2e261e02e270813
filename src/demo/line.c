/* SPDX-License-Identifier: MIT */
#include "demo/line.h"

#include <stdlib.h>
#include <string.h>

enum { QUEUE_MAX = 64 * 1024 * 1024 }; /* bytes under way each way, whatever the delay */
static const double buffer_s = 0.1;

/* Uniform in [0, 1): xorshift64* (Vigna 2016). */
static double random_unit(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return (double)((x * UINT64_C(0x2545f4914f6cdd1d)) >> 11) / 9007199254740992.0;
}

void skt_demo_line_init(struct skt_demo_line *l, const struct skt_demo_line_conf *conf)
{
    *l = (struct skt_demo_line){.conf = *conf, .random_state = conf->seed ? conf->seed : 1};
    for (int way = 0; way < SKT_DEMO_LINE_WAYS; way++)
        l->queues[way].last = &l->queues[way].first;
}

/* The time at which the line has sent len bytes more; negative: there is no room for them in its buffer. */
static double line_time(const struct skt_demo_line *l, const struct skt_demo_line_queue *q, size_t len,
                        double now)
{
    if (l->conf.rate_mbit <= 0)
        return now;
    double start = q->free_at > now ? q->free_at : now;
    if (start - now > buffer_s)
        return -1;
    return start + (double)len * 8 / (l->conf.rate_mbit * 1e6);
}

void skt_demo_line_take(struct skt_demo_line *l, enum skt_demo_line_way way, const uint8_t *data, size_t len,
                        size_t extra, double now)
{
    struct skt_demo_line_queue *q = &l->queues[way];
    l->seen++;
    double through = line_time(l, q, len + extra, now);
    struct skt_demo_packet *p = NULL;
    if (through >= 0) {
        q->free_at = through;
        if (random_unit(&l->random_state) >= l->conf.loss && q->bytes + len <= QUEUE_MAX)
            p = malloc(sizeof *p + len);
    }
    if (!p) {
        l->lost++;
        return;
    }
    p->next = NULL;
    p->due = through + l->conf.delay_s;
    p->len = len;
    memcpy(p->data, data, len);
    *q->last = p;
    q->last = &p->next;
    q->bytes += len;
}

struct skt_demo_packet *skt_demo_line_give(struct skt_demo_line *l, enum skt_demo_line_way way, double now)
{
    struct skt_demo_line_queue *q = &l->queues[way];
    struct skt_demo_packet *p = q->first;
    if (!p || p->due > now)
        return NULL;
    q->first = p->next;
    if (!q->first)
        q->last = &q->first;
    q->bytes -= p->len;
    return p;
}

double skt_demo_line_next(const struct skt_demo_line *l, double otherwise)
{
    for (int way = 0; way < SKT_DEMO_LINE_WAYS; way++) {
        const struct skt_demo_packet *first = l->queues[way].first;
        if (first && first->due < otherwise)
            otherwise = first->due;
    }
    return otherwise;
}
