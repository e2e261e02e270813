/* SPDX-License-Identifier: MIT */
/* Segments of conversations that have ended: one packet may end a hundred with a thousand each, so they are
 * freed bit by bit. They are charged to the path's account till then. */
#ifndef SKT_PROTO_PATH_RUBBLE_H
#define SKT_PROTO_PATH_RUBBLE_H

#include "proto/path/path.h"
#include "proto/path/ring.h"

/* Takes over a ring of segments that are nowhere else. False: it is small, or there is no memory for that; it
 * is the caller's. */
bool skt_path_take_rubble(struct skt_path *p, struct skt_seg_ring *ring);

/* Frees what is in so many slots. */
void skt_path_clear_rubble(struct skt_path *p, uint32_t slots);

#endif
