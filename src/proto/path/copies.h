/* SPDX-License-Identifier: MIT */
/* Duplicates of what thin flows send: where there is little in flight nothing that follows would show a loss
 * soon, so a segment is sent again unasked, some ms later since losses come in bursts. So is one that was
 * lost twice, whatever the flow: everything behind it waits. */
#ifndef SKT_PROTO_PATH_COPIES_H
#define SKT_PROTO_PATH_COPIES_H

#include "proto/path/path.h"

/* After seg was sent: schedules its duplicates. */
void skt_path_plan_copies(struct skt_path *p, struct skt_segment *seg, skt_us now);
void skt_path_cancel_copies(struct skt_segment *seg);

/* When the next duplicate is due; SKT_NEVER: none. */
skt_us skt_path_copies_expiry(const struct skt_path *p);

/* The segment to duplicate now, or NULL; skt_path_note_copy when it is sent (with copy_ts as its ts). */
struct skt_segment *skt_path_next_copy(struct skt_path *p, skt_us now);
void skt_path_note_copy(struct skt_path *p, struct skt_segment *seg, skt_us now);

/* When the last transmission's last duplicate was or will be sent, or the transmission itself without any. */
skt_us skt_path_last_sent_at(const struct skt_path *p, const struct skt_segment *seg);

/* Which duplicate of the last transmission a ts names, from 1; 0: none of them. */
unsigned skt_path_copy_number(const struct skt_segment *seg, uint32_t ts);

#endif
