/* SPDX-License-Identifier: MIT */
/* What has arrived, as acknowledgements tell: rate samples, round trips, RACK's newest transmission, and
 * losses that were none. */
#ifndef SKT_PROTO_PATH_ARRIVAL_H
#define SKT_PROTO_PATH_ARRIVAL_H

#include "proto/path/path.h"

/* What one received segment acknowledged, gathered until the path is told. */
struct skt_ack_round {
    skt_us now;
    size_t acked; /* bytes as counted in flight */
    uint64_t tx;  /* newest transmission known to have arrived; 0: none */
    skt_us sent_at, delivered_at, first_sent_at;
    uint64_t prior_delivered;
    bool app_limited;
    skt_us rtt;     /* of the transmission that the ACK named; 0: none */
    size_t late;    /* bytes of `acked` that came long after what was sent later had come */
    skt_us late_by; /* the most that any of these was behind; 0: none was */
};

/* Takes a sent segment off the path's lists and counts, as one acknowledged. named: the acknowledgement named
 * its last transmission. */
void skt_path_take_acked(struct skt_path *p, struct skt_segment *seg, struct skt_ack_round *round,
                         bool named);

/* A transmission that its ACK named, `took` after its sending, and a later one before: puts into round->late
 * whether it was overtaken by far. */
void skt_path_note_late(const struct skt_path *p, const struct skt_segment *seg, skt_us took,
                        struct skt_ack_round *round);

/* An earlier transmission of seg than the last one arrived, after `late` since its sending; or one that was
 * thought lost. */
void skt_path_take_spurious(struct skt_path *p, struct skt_segment *seg, skt_us now, skt_us late);

/* Closes a round: congestion control and RACK learn of it. */
void skt_path_end_round(struct skt_path *p, const struct skt_ack_round *round);

#endif
