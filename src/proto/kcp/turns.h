/* SPDX-License-Identifier: MIT */
/* The conversations of a path in turn: what they have to say, put into packets as pacer and congestion window
 * allow, and what is due for them in time. */
#ifndef SKT_PROTO_KCP_TURNS_H
#define SKT_PROTO_KCP_TURNS_H

#include "proto/path/path.h"

/* Writes the frames of one packet: ACK frames that are due, or that what goes now has room for, then a KCP
 * frame where there are segments: acknowledgements first, then lost ones, then new data, as far as pacer and
 * congestion window allow, conversations taking turns; their bytes are the last *segments_len. Returns the
 * bytes written, 0 when nothing may be sent now. A result above payload_limit + 1 is a single segment cut for
 * a larger limit: the packet may be fragmented. cap is above SKT_MTU_MAX. */
size_t skt_turns_send(struct skt_path *p, skt_us now, uint8_t *out, size_t cap, size_t *segments_len);

/* Are acknowledgements to go as ACK frames or as KCP's segments?
 * KCP's at first. */
void skt_turns_set_ack_frames(struct skt_path *p, bool on);

/* Bytes of new data that wait to be sent; counted up to `enough` and little more. */
size_t skt_turns_waiting(const struct skt_path *p, size_t enough);

/* Of thin conversations only. */
size_t skt_turns_waiting_thin(const struct skt_path *p, size_t enough);

/* When expire or send wants to be called next: loss timers, window probes, the pacer when something waits for
 * it. In the past or now: call at once. */
skt_us skt_turns_expiry(const struct skt_path *p, skt_us now);

/* Does what is due: marks losses, probes the tail. Call skt_turns_send afterwards. */
void skt_turns_expire(struct skt_path *p, skt_us now);

/* What holds new data up now. */
enum skt_trace_limit skt_turns_limit(const struct skt_path *p);

#endif
