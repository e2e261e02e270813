/* SPDX-License-Identifier: MIT */
/* The texts of what is told. */
#include "proto/trace.h"

const char *skt_trace_keys_str(enum skt_trace_keys what)
{
    switch (what) {
    case SKT_TRACE_KEYS_ASKED:
        return "asked";
    case SKT_TRACE_KEYS_ANSWERED:
        return "answered";
    case SKT_TRACE_KEYS_NEW:
        return "new";
    case SKT_TRACE_KEYS_CONTINUED:
        return "continued";
    }
    return "unknown";
}

const char *skt_trace_datagram_str(enum skt_trace_datagram what)
{
    switch (what) {
    case SKT_TRACE_DATA:
        return "data";
    case SKT_TRACE_PARITY:
        return "parity";
    case SKT_TRACE_PROBE:
        return "probe";
    case SKT_TRACE_HANDSHAKE:
        return "handshake";
    }
    return "unknown";
}

const char *skt_trace_cause_str(enum skt_trace_cause cause)
{
    switch (cause) {
    case SKT_TRACE_FIRST:
        return "first";
    case SKT_TRACE_AGAIN:
        return "again";
    case SKT_TRACE_TAIL:
        return "tail";
    case SKT_TRACE_COPY:
        return "copy";
    }
    return "unknown";
}

const char *skt_trace_loss_str(enum skt_trace_loss how)
{
    switch (how) {
    case SKT_TRACE_OVERTAKEN:
        return "overtaken";
    case SKT_TRACE_TIMEOUT:
        return "timeout";
    case SKT_TRACE_PROBED:
        return "probed";
    }
    return "unknown";
}

const char *skt_trace_limit_str(enum skt_trace_limit what)
{
    switch (what) {
    case SKT_TRACE_NOTHING:
        return "nothing";
    case SKT_TRACE_WINDOW:
        return "window";
    case SKT_TRACE_PACING:
        return "pacing";
    case SKT_TRACE_RATE_CAP:
        return "rate_cap";
    case SKT_TRACE_PEER_WINDOW:
        return "peer_window";
    case SKT_TRACE_MEMORY:
        return "memory";
    }
    return "unknown";
}
