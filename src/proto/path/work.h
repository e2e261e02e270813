/* SPDX-License-Identifier: MIT */
/* What a packet may cost: steps, of which each is given so many when it begins to be read; what it makes
 * possible beyond them is left over, and goes on with the next send or expire. */
#ifndef SKT_PROTO_PATH_WORK_H
#define SKT_PROTO_PATH_WORK_H

#include "proto/path/path.h"

enum {
    SKT_WORK_RELEASE = 32, /* steps that letting an acknowledged segment go takes */
    SKT_WORK_ORDER = 4,    /* those that taking a held segment into order takes */
};

static inline void skt_path_charge_work(struct skt_path *p, unsigned steps)
{
    p->work -= steps < p->work ? steps : p->work;
}

/* A conversation (its lag_node) has more to do than one packet may cost. */
static inline void skt_path_add_lagging(struct skt_path *p, struct skt_list *node)
{
    skt_list_append(&p->turns.lagging, node);
    p->left_over = true;
}

#endif
