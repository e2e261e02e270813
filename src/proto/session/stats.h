/* SPDX-License-Identifier: MIT */
/* The numbers of a session, as users read them: one list, from which the status, the API's session_stats, the
 * table of `skcptun status`, the metrics and the demo are written. Names are promises: none changes its
 * meaning. */
#ifndef SKT_PROTO_SESSION_STATS_H
#define SKT_PROTO_SESSION_STATS_H

#include "base/clock.h"

#include <stdbool.h>
#include <stdint.h>

struct skt_session;

/* In the order in which the status has them. */
enum skt_stat {
    SKT_STAT_AGE,
    SKT_STAT_RTT_LAST,
    SKT_STAT_RTT,
    SKT_STAT_RTT_MIN,
    SKT_STAT_LOSS_TX,
    SKT_STAT_LOSS_RX,
    SKT_STAT_MTU,
    SKT_STAT_CWND,
    SKT_STAT_PACING,
    SKT_STAT_BYTES_TX,
    SKT_STAT_BYTES_RX,
    SKT_STAT_PAYLOAD_TX,
    SKT_STAT_PAYLOAD_RX,
    SKT_STAT_PACKETS_TX,
    SKT_STAT_PACKETS_RX,
    SKT_STAT_RETRANSMITTED,
    SKT_STAT_DUPLICATED,
    SKT_STAT_PARITY_SENT,
    SKT_STAT_PARITY_RECOVERED,
    SKT_STAT_STREAMS,
    SKT_STATS, /* how many there are */
};

/* What a value counts, and what it is shown in. */
enum skt_stat_unit {
    SKT_UNIT_COUNT,
    SKT_UNIT_BYTES,
    SKT_UNIT_MS,     /* µs, shown as ms */
    SKT_UNIT_S,      /* µs, shown as s */
    SKT_UNIT_SHARE,  /* thousandths, shown as 0..1 */
    SKT_UNIT_MBIT_S, /* bytes/s, shown as Mbit/s */
};

struct skt_stat_row {
    const char
        *status; /* its name in the status: "rtt_ms.min" is `min` in the object `rtt_ms`; NULL: not there */
    const char *api;    /* its name in what session_stats answers; NULL: not there */
    const char *words;  /* behind it in the line of what was sent again and mended; NULL: it is not there */
    const char *metric; /* its name in the metrics without prefix and "_total"; a space; what it is */
    bool counter;       /* it only grows, so that sums over sessions mean something */
    enum skt_stat_unit unit;
    uint64_t (*get)(const struct skt_session *s, skt_us now);
};

extern const struct skt_stat_row skt_stats[SKT_STATS];

/* Is it shown without decimals, as it is? */
bool skt_stat_is_whole(enum skt_stat_unit unit);

/* Of the others: thousandths of what is shown. */
uint64_t skt_stat_milli(enum skt_stat_unit unit, uint64_t value);

#endif
