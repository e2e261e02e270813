/* SPDX-License-Identifier: MIT */
/* When data may go: as window and pacer say, and a little of what thin conversations send in spite of both.
 * Where the window was made smaller, all would stand still until enough of what is in flight has arrived;
 * those that have next to nothing in flight are not to wait for that. */
#ifndef SKT_PROTO_PATH_GATE_H
#define SKT_PROTO_PATH_GATE_H

#include "proto/path/path.h"

/* Is there data to send, but for pacer and window? */
static inline bool skt_path_has_data(const struct skt_path *p)
{
    return !skt_list_empty(&p->lost) || !skt_list_empty(&p->turns.ready) || !skt_list_empty(&p->turns.fresh);
}

static inline bool skt_path_window_full(const struct skt_path *p)
{
    return p->inflight_bytes >= p->cc_state.out.cwnd;
}

/* Takes over the rate that congestion control has found right, up to max_rate. */
void skt_path_update_pacer(struct skt_path *p, skt_us now);

/* May data be sent now? */
bool skt_path_may_send(const struct skt_path *p, skt_us now);

/* May new data of a thin conversation, also where the window is full or the pacer not ready? Up to an eighth
 * of the window a round trip, at least SKT_CC_MIN_PACKETS, and up to a burst of the pacer. */
bool skt_path_may_send_ahead(const struct skt_path *p, skt_us now);

/* New data of a thin conversation goes; before it counts as in flight. */
void skt_path_note_ahead(struct skt_path *p, skt_us now, size_t bytes);

/* When data may go next; SKT_NEVER: only after something else has happened. */
skt_us skt_path_gate_expiry(const struct skt_path *p, skt_us now);

#endif
