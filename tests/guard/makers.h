/* SPDX-License-Identifier: MIT */
/* Packets that are as dear as a peer with good keys can make them. */
#ifndef GUARD_MAKERS_H
#define GUARD_MAKERS_H

#include "proto/session/internal.h"
#include "sim/forge.h"

enum { GUARD_ROOM = 1300 /* bytes of frames in a packet */ };

/* Makes what is to be measured: frames (at most GUARD_ROOM bytes and one frame), of whose bytes it returns
 * the number; what has to come before them it gives to the sessions itself. n counts the packets from 0. */
typedef size_t guard_make(struct sim_world *w, unsigned n, uint8_t *frames);

guard_make guard_ping, guard_pong, guard_report, guard_attach, guard_probe, guard_challenge,
    guard_acks_of_nothing;
guard_make guard_bytes, guard_streams, guard_parts, guard_wask, guard_ack_segments, guard_over,
    guard_duplicates;
guard_make guard_reset_unknown, guard_reset_open, guard_reset_holding, guard_close;
guard_make guard_hole, guard_holes, guard_hole_of_resets, guard_piece;
guard_make guard_parity, guard_parity_of_streams, guard_parity_rest;

/* While a download is in flight (guard_fill_the_path). */
guard_make guard_ack_ranges, guard_ack_una;
guard_make guard_rto; /* fills the path by itself */
guard_make guard_waiting;

/* Makes the server send what nobody acknowledges, 8 MB on each of some streams; how many segments are in
 * flight. */
uint32_t guard_fill_the_path(struct sim_world *w, unsigned streams);

#endif
