/* SPDX-License-Identifier: MIT */
/* What has not: RACK by transmission (RFC 8985, 6), tail probe (7), RTO. */
#ifndef SKT_PROTO_PATH_LOSS_H
#define SKT_PROTO_PATH_LOSS_H

#include "proto/path/path.h"

/* Marks what is lost, as much as one turn may take; the rest is due at once. */
void skt_path_detect_losses(struct skt_path *p, skt_us now);

/* Has the retransmission timer fired for transmissions that are not marked yet? */
bool skt_path_is_timing_out(const struct skt_path *p);

/* When the oldest transmission in flight is to be acted upon; SKT_NEVER without one. */
skt_us skt_path_loss_expiry(const struct skt_path *p);

#endif
