/* SPDX-License-Identifier: MIT */
#include "matrix/run.h"

#define SEC SKT_US_PER_SEC

enum {
    THIN_BEFORE_S = 5,
    THIN_LEAD_S = 2,  /* beside one: how long it is there before the bulk flow */
    OTHER_LEAD_S = 3, /* the other session, or TCP */
    SETTLE_S = 5,     /* shares count from then on */
    SHARE_S = 25,     /* and are means of as long, since two CUBIC flows take long to even out; */
    SHARE_FAST_S = 6, /* of less on links of FAST_KBIT, where that is much to compute */
    FAST_KBIT = 300000,
    ON_OFF_S = 2,
    IDLE_BEFORE_S = 3,
    IDLE_S = 300,
};

static void add(struct matrix_course *c, skt_us from, skt_us len)
{
    if (c->on_count < MATRIX_ON_MAX)
        c->on[c->on_count++] = (struct matrix_span){from, from + len};
    c->end = from + len;
}

static void add_on_off(struct matrix_course *c, skt_us len)
{
    skt_us end = skt_us_max(len, 6 * ON_OFF_S * SEC);
    for (skt_us t = 0; t < end; t += 2 * ON_OFF_S * SEC)
        add(c, t, ON_OFF_S * SEC);
}

static skt_us share_of(const struct matrix_cell *cell)
{
    return (cell->link->kbit >= FAST_KBIT ? SHARE_FAST_S : SHARE_S) * SEC;
}

struct matrix_course matrix_course_of(const struct matrix_cell *cell)
{
    struct matrix_course c = {.moves_at = SKT_NEVER};
    skt_us len = (cell->seconds ? cell->seconds : cell->link->seconds) * SEC;
    switch (cell->history) {
    case MATRIX_AFTER_THIN:
        c.thin = (struct matrix_span){0, THIN_BEFORE_S * SEC};
        add(&c, THIN_BEFORE_S * SEC, len);
        break;
    case MATRIX_BESIDE_THIN:
        add(&c, THIN_LEAD_S * SEC, len);
        c.thin = (struct matrix_span){0, c.end};
        break;
    case MATRIX_ON_OFF:
        add_on_off(&c, len);
        break;
    case MATRIX_AFTER_IDLE:
        add(&c, 0, IDLE_BEFORE_S * SEC);
        add(&c, (IDLE_BEFORE_S + IDLE_S) * SEC, len);
        c.counted = 1;
        break;
    case MATRIX_TWO:
    case MATRIX_BESIDE_CUBIC:
    case MATRIX_BESIDE_BBR:
        c.settle = SETTLE_S * SEC;
        add(&c, OTHER_LEAD_S * SEC, c.settle + (cell->seconds ? len : share_of(cell)));
        break;
    case MATRIX_MOVED:
        add(&c, 0, len);
        c.moves_at = len / 2 / MATRIX_TICK * MATRIX_TICK;
        break;
    case MATRIX_COLD:
    case MATRIX_HISTORIES:
        add(&c, 0, len);
        break;
    }
    return c;
}

bool matrix_is_on(const struct matrix_course *c, skt_us t)
{
    for (unsigned i = 0; i < c->on_count; i++)
        if (t >= c->on[i].from && t < c->on[i].to)
            return true;
    return false;
}

bool matrix_counts(const struct matrix_course *c, skt_us t)
{
    for (unsigned i = c->counted; i < c->on_count; i++)
        if (t >= c->on[i].from + c->settle && t < c->on[i].to)
            return true;
    return false;
}

bool matrix_has_reference(const struct matrix_cell *cell)
{
    return cell->history < MATRIX_TWO || cell->history == MATRIX_MOVED;
}
