/* SPDX-License-Identifier: MIT */
/* How long data has been waiting for pacer or window, and what follows for parity: a transfer that fills the
 * path mends its losses cheaper by sending again. */
#ifndef SKT_PROTO_PATH_WAITING_H
#define SKT_PROTO_PATH_WAITING_H

#include "proto/path/path.h"

/* Before and after each turn of sending. */
void skt_path_note_break(struct skt_path *p, skt_us now);
void skt_path_note_waiting(struct skt_path *p, skt_us now);

/* Has data been waiting for pacer or window for longer than a round trip? */
bool skt_path_is_full(const struct skt_path *p);

/* Does data go without parity now, since it is bulk? What gets no duplicates because parity covers it, and
 * what gets parity because it has no duplicates, both depend on it. */
bool skt_path_spares_parity(const struct skt_path *p);

#endif
