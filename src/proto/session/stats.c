/* SPDX-License-Identifier: MIT */
#include "proto/session/stats.h"

#include "proto/session/session.h"

#define NUMBER(name, value)                                                                                  \
    static uint64_t name(const struct skt_session *s, skt_us now)                                            \
    {                                                                                                        \
        (void)now;                                                                                           \
        return value;                                                                                        \
    }

static uint64_t age(const struct skt_session *s, skt_us now)
{
    skt_us created = skt_session_created(s);
    return now > created ? now - created : 0;
}

/* Shares of loss are counted in transmissions found lost, spurious ones left out. */
static uint64_t loss_tx(const struct skt_session *s, skt_us now)
{
    const struct skt_path_stats *st = &skt_session_path(s)->stats;
    uint64_t sent = st->sent + st->retransmitted;
    uint64_t lost = st->lost > st->spurious ? st->lost - st->spurious : 0;
    (void)now;
    return sent ? lost * 1000 / sent : 0;
}

NUMBER(rtt_last, skt_session_path(s)->rtt.latest)
NUMBER(rtt, skt_session_path(s)->rtt.srtt)
NUMBER(rtt_min, skt_session_path(s)->rtt.min)
NUMBER(loss_rx, (uint64_t)(skt_session_loss_rx(s) * 1000 + 0.5))
NUMBER(mtu, skt_session_mtu(s))
NUMBER(cwnd, skt_path_cwnd(skt_session_path(s)))
NUMBER(pacing, skt_path_pacing_rate(skt_session_path(s)))
NUMBER(bytes_tx, skt_session_stats(s)->bytes_tx)
NUMBER(bytes_rx, skt_session_stats(s)->bytes_rx)
NUMBER(payload_tx, skt_session_stats(s)->payload_tx)
NUMBER(payload_rx, skt_session_stats(s)->payload_rx)
NUMBER(packets_tx, skt_session_stats(s)->packets_tx)
NUMBER(packets_rx, skt_session_stats(s)->packets_rx)
NUMBER(retransmitted, skt_session_path(s)->stats.retransmitted)
NUMBER(duplicated, skt_session_path(s)->stats.duplicated)
NUMBER(parity_sent, skt_session_parity_sent(s))
NUMBER(parity_recovered, skt_session_parity_recovered(s))
NUMBER(streams, skt_session_stream_count(s))

const struct skt_stat_row skt_stats[SKT_STATS] = {
    [SKT_STAT_AGE] = {"age_s", NULL, NULL, "age_seconds Age", false, SKT_UNIT_S, age},
    [SKT_STAT_RTT_LAST] = {"rtt_ms.last", NULL, NULL, "rtt_last_seconds Latest round trip", false,
                           SKT_UNIT_MS, rtt_last},
    [SKT_STAT_RTT] = {"rtt_ms.smoothed", "rtt_ms", NULL, "rtt_seconds Smoothed round trip", false,
                      SKT_UNIT_MS, rtt},
    [SKT_STAT_RTT_MIN] = {"rtt_ms.min", "rtt_min_ms", NULL, "rtt_min_seconds Least round trip", false,
                          SKT_UNIT_MS, rtt_min},
    [SKT_STAT_LOSS_TX] = {"loss_tx", NULL, NULL, "loss_tx_ratio Share of segments lost so far", false,
                          SKT_UNIT_SHARE, loss_tx},
    [SKT_STAT_LOSS_RX] = {"loss_rx", NULL, NULL, "loss_rx_ratio Share of the peer's packets lost lately",
                          false, SKT_UNIT_SHARE, loss_rx},
    [SKT_STAT_MTU] = {"mtu", "mtu", NULL, "mtu_bytes Longest datagram", false, SKT_UNIT_BYTES, mtu},
    [SKT_STAT_CWND] = {"cwnd_bytes", NULL, NULL, "congestion_window_bytes Congestion window", false,
                       SKT_UNIT_BYTES, cwnd},
    [SKT_STAT_PACING] = {"pacing_mbit", NULL, NULL, "pacing_bytes_per_second Rate of the pacer", false,
                         SKT_UNIT_MBIT_S, pacing},
    [SKT_STAT_BYTES_TX] = {"bytes_tx", "bytes_tx", NULL, "tx_bytes UDP payload sent", true, SKT_UNIT_BYTES,
                           bytes_tx},
    [SKT_STAT_BYTES_RX] = {"bytes_rx", "bytes_rx", NULL, "rx_bytes UDP payload received", true,
                           SKT_UNIT_BYTES, bytes_rx},
    [SKT_STAT_PAYLOAD_TX] = {"payload_tx", "payload_tx", NULL, "payload_tx_bytes User bytes sent, each once",
                             true, SKT_UNIT_BYTES, payload_tx},
    [SKT_STAT_PAYLOAD_RX] = {"payload_rx", "payload_rx", NULL,
                             "payload_rx_bytes User bytes received, each once", true, SKT_UNIT_BYTES,
                             payload_rx},
    [SKT_STAT_PACKETS_TX] = {NULL, "packets_tx", NULL, "tx_packets Datagrams sent", true, SKT_UNIT_COUNT,
                             packets_tx},
    [SKT_STAT_PACKETS_RX] = {NULL, "packets_rx", NULL, "rx_packets Datagrams received", true, SKT_UNIT_COUNT,
                             packets_rx},
    [SKT_STAT_RETRANSMITTED] = {"retransmitted", "retransmitted", "segments sent again",
                                "retransmitted_segments Segments sent again", true, SKT_UNIT_COUNT,
                                retransmitted},
    [SKT_STAT_DUPLICATED] = {"duplicated", "duplicated", "sent twice",
                             "duplicated_segments Segments sent twice", true, SKT_UNIT_COUNT, duplicated},
    [SKT_STAT_PARITY_SENT] = {"fec_sent", "fec_sent", "packets of parity", "parity_tx_packets Parity sent",
                              true, SKT_UNIT_COUNT, parity_sent},
    [SKT_STAT_PARITY_RECOVERED] = {"fec_recovered", "fec_recovered", "recovered by the peer's",
                                   "recovered_packets Lost packets that parity gave back", true,
                                   SKT_UNIT_COUNT, parity_recovered},
    [SKT_STAT_STREAMS] = {"streams", "streams", NULL, "streams Connections", false, SKT_UNIT_COUNT, streams},
};

bool skt_stat_is_whole(enum skt_stat_unit unit)
{
    return unit == SKT_UNIT_COUNT || unit == SKT_UNIT_BYTES;
}

uint64_t skt_stat_milli(enum skt_stat_unit unit, uint64_t value)
{
    switch (unit) {
    case SKT_UNIT_COUNT:
    case SKT_UNIT_BYTES:
        return value * 1000;
    case SKT_UNIT_S:
        return value / 1000;
    case SKT_UNIT_MS:
    case SKT_UNIT_SHARE:
        break;
    case SKT_UNIT_MBIT_S:
        return value / 125;
    }
    return value;
}
