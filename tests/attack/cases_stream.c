/* SPDX-License-Identifier: MIT */
/* Streams: too many, unfinished, with holes, unread, in single bytes. The target's commands are honest.py's:
 * d sends without end, s never reads, h reads and says nothing. */
#include "attack/attack.h"

#include <string.h>

enum {
    DATA_LEN = 1100,
    HOLD_RATE = 4, /* packets a second that keep a session alive */
};

/* Keeps the session without listening until the time is over. */
static void hold_on(struct attack *a)
{
    uint8_t stamp[4] = {0};
    attack_send(a);
    a->worked = a->units;
    a->worked_s = (double)(attack_now() - a->started) / 1e6;
    a->p.count = 0;
    a->p.rate = HOLD_RATE;
    a->started = attack_now() - (skt_us)((double)a->units * 1e6 / a->p.rate);
    while (attack_next(a)) {
        attack_put_frame(a, SKT_FRAME_PING, stamp, sizeof stamp);
        attack_send(a);
    }
}

static void push_byte(struct attack *a, unsigned long n)
{
    uint8_t kind = SKT_STREAM_TCP;
    struct skt_kcp_header h = attack_push(SKT_CONV_FIRST + 2 * (uint32_t)n, 0, 0, 1);
    attack_put_segment(a, &h, &kind);
}

/* Half a header each. */
static void headers(struct attack *a)
{
    if (!attack_connect(a))
        return;
    while (attack_next(a))
        push_byte(a, a->units - 1);
    hold_on(a);
}

static void half_open_then_close(struct attack *a)
{
    uint8_t reason = SKT_CLOSE_LOCAL;
    if (!attack_connect(a))
        return;
    while (attack_next(a))
        push_byte(a, a->units - 1);
    attack_send(a);
    attack_put_frame(a, SKT_FRAME_CLOSE, &reason, 1);
    attack_send(a);
}

static void fin_in_header(struct attack *a)
{
    if (!attack_connect(a))
        return;
    while (attack_next(a)) {
        push_byte(a, a->units - 1);
        struct skt_kcp_header h = attack_push(SKT_CONV_FIRST + 2 * (uint32_t)(a->units - 1), 1, 0, 0);
        attack_put_segment(a, &h, NULL);
    }
    hold_on(a);
}

static void holes(struct attack *a)
{
    static const uint32_t sns[] = {127, 511, 2047, 8191};
    static const uint8_t byte;
    if (!attack_connect(a))
        return;
    while (attack_next(a))
        for (int i = 0; i < 4; i++) {
            struct skt_kcp_header h =
                attack_push(SKT_CONV_FIRST + 2 * (uint32_t)(a->units - 1), sns[i], 0, 1);
            attack_put_segment(a, &h, &byte);
        }
    hold_on(a);
}

/* Downloads that nobody takes. */
static void unread(struct attack *a)
{
    if (!attack_connect(a))
        return;
    a->deaf = true;
    while (attack_next(a)) {
        uint8_t header[3] = {SKT_STREAM_TCP, 0, 'd'};
        struct skt_kcp_header h = attack_push(SKT_CONV_FIRST + 2 * (uint32_t)(a->units - 1), 0, 0, 3);
        h.wnd = 0;
        attack_put_segment(a, &h, header);
    }
    hold_on(a);
    a->deaf = false;
}

/* Data for p.sources-independent streams of which `first` is the sn that the data begins with: 1 is in order,
 * more leaves a hole for ever. */
static void pour(struct attack *a, char command, uint32_t first, size_t len)
{
    enum { STREAMS = 40 };
    uint8_t data[DATA_LEN] = {0};
    if (!attack_connect(a))
        return;
    for (unsigned long n = 0; n < STREAMS && first == 1; n++)
        (void)attack_open_stream(a, n, command);
    attack_send(a);
    while (attack_next(a)) {
        uint32_t n = (uint32_t)((a->units - 1) % STREAMS);
        struct skt_kcp_header h =
            attack_push(SKT_CONV_FIRST + 2 * n, first + (uint32_t)((a->units - 1) / STREAMS), 0, len);
        attack_put_segment(a, &h, data);
    }
    attack_send(a);
}

static void stuck(struct attack *a)
{
    pour(a, 's', 1, DATA_LEN);
}

static void disorder(struct attack *a)
{
    pour(a, 's', 2, DATA_LEN);
}

static void single_bytes(struct attack *a)
{
    pour(a, 'h', 1, 1);
}

static void connections(struct attack *a)
{
    if (!attack_connect(a))
        return;
    while (attack_next(a))
        (void)attack_open_stream(a, a->units - 1, 'h');
    hold_on(a);
}

/* --- conversations 0 and 1 --- */

static uint32_t put_reset(struct attack *a, uint32_t sn, uint32_t conv, uint8_t kind)
{
    uint8_t msg[6] = {kind};
    skt_put_u32(msg + 1, conv);
    msg[5] = (uint8_t)attack_random(256);
    struct skt_kcp_header h = attack_push(SKT_CONV_CONTROL, sn, 0, sizeof msg);
    attack_put_segment(a, &h, msg);
    return sn + 1;
}

static void open_and_reset(struct attack *a)
{
    uint32_t sn = 0;
    if (!attack_connect(a))
        return;
    while (attack_next(a))
        sn = put_reset(a, sn, attack_open_stream(a, a->units - 1, 'h'), SKT_CONTROL_RESET);
    attack_send(a);
}

static void resets(struct attack *a)
{
    uint32_t sn = 0;
    if (!attack_connect(a))
        return;
    while (attack_next(a))
        sn = put_reset(a, sn, attack_random(UINT32_MAX),
                       (uint8_t)(attack_random(2) ? SKT_CONTROL_RESET : attack_random(256)));
    attack_send(a);
}

static void big_messages(struct attack *a, uint32_t conv)
{
    static uint8_t msg[SKT_MESSAGE_MAX];
    uint32_t sn = 0;
    if (!attack_connect(a))
        return;
    while (attack_next(a)) {
        attack_random_bytes(msg, 64);
        sn = attack_message(a, conv, sn, msg, sizeof msg);
        attack_send(a);
    }
}

static void big_control(struct attack *a)
{
    big_messages(a, SKT_CONV_CONTROL);
}

static void big_message(struct attack *a)
{
    big_messages(a, SKT_CONV_MESSAGE);
}

const struct attack_case attack_stream_cases[] = {
    {"headers", "streams with half a header each, kept", headers},
    {"half-open", "streams with half a header each, then CLOSE", half_open_then_close},
    {"fin-header", "streams that end in their header", fin_in_header},
    {"holes", "conversations with holes at sn 127, 511, 2047, 8191", holes},
    {"unread", "downloads with a window of 0", unread},
    {"stuck", "uploads to a target that never reads, beyond any window", stuck},
    {"disorder", "uploads whose first segment never comes", disorder},
    {"bytes", "uploads of one byte a segment", single_bytes},
    {"connections", "streams to a target that waits: one descriptor each", connections},
    {"open-reset", "streams that are reset as soon as they are opened", open_and_reset},
    {"resets", "resets of streams that are not there, unknown control messages", resets},
    {"big-control", "control messages of 256 KiB", big_control},
    {"big-messages", "messages of 256 KiB that nobody waits for", big_message},
    {0},
};
