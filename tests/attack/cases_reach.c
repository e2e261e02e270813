/* SPDX-License-Identifier: MIT */
/* Streams to addresses that are nobody's business outside: the server's own services, its neighbours, a
 * cloud's metadata, other clients; as the product would write them, in other forms, and malformed. */
#include "attack/attack.h"
#include "proto/session/destination.h"

#include <string.h>

enum { PORT = 80 /* the arena's target listens there, on every address of the server */ };

static const char *const places[] = {"127.0.0.1",
                                     "203.0.113.1",
                                     "203.0.113.2",
                                     "127.0.0.2",
                                     "127.255.255.254",
                                     "0.0.0.0",
                                     "0.0.0.1",
                                     "10.91.0.2",
                                     "10.90.0.2",
                                     "10.95.0.1",
                                     "10.95.0.2",
                                     "10.95.0.255",
                                     "169.254.169.254",
                                     "255.255.255.255",
                                     "224.0.0.1",
                                     "192.168.0.1",
                                     "10.0.0.1",
                                     "100.100.100.200",
                                     "168.63.129.16",
                                     "::1",
                                     "::",
                                     "::ffff:127.0.0.1",
                                     "::ffff:10.91.0.2",
                                     "::127.0.0.1",
                                     "64:ff9b::7f00:1",
                                     "64:ff9b:1::7f00:1",
                                     "2002:7f00:1::",
                                     "fe80::1",
                                     "fd00:ec2::254",
                                     "ff02::1",
                                     "::ffff:0:127.0.0.1",
                                     "2001:0:7f00:1::"};

enum { PLACES = sizeof places / sizeof *places };

/* The n-th stream's header, as it is; the conversation's number. */
static void put_header(struct attack *a, const uint8_t *header, size_t len)
{
    struct skt_kcp_header h = attack_push(SKT_CONV_FIRST + 2 * (uint32_t)a->units, 0, 0, len);
    attack_put_segment(a, &h, header);
    attack_send(a);
}

static void put_place(struct attack *a)
{
    uint8_t header[2 + SKT_DESTINATION_MAX] = {SKT_STREAM_TCP_TO};
    struct skt_addr to;
    if (skt_addr_parse(&to, places[a->units % PLACES], PORT))
        return;
    size_t len = skt_destination_write(header + 2, &to);
    header[1] = (uint8_t)len;
    put_header(a, header, 2 + len);
}

/* Any bytes where an address should be. */
static void put_junk(struct attack *a)
{
    uint8_t header[2 + UINT8_MAX];
    attack_random_bytes(header, sizeof header);
    header[0] = SKT_STREAM_TCP_TO;
    if (attack_random(2))
        header[2] = attack_random(2) ? 4 : 6;
    put_header(a, header, 2 + (size_t)header[1]);
}

/* What the server answers is looked for in its segments: the first stream that brings a byte is the end. */
static void addresses(struct attack *a)
{
    a->ctx.features |= SKT_FEATURE_ADDRESSES;
    if (!attack_connect(a))
        return;
    while (attack_next(a)) {
        if (a->units % 2)
            put_place(a);
        else
            put_junk(a);
    }
}

/* By the product's own functions, so that answers are heard: each place once a round. */
static void ask_for_addresses(struct attack *a)
{
    a->ctx.features |= SKT_FEATURE_ADDRESSES;
    if (!attack_connect(a))
        return;
    while (attack_next(a)) {
        struct skt_stream *st;
        struct skt_addr to;
        if (skt_addr_parse(&to, places[a->units % PLACES], PORT) == 0)
            (void)skt_session_open_stream_to(a->session, attack_now(), &to, "", &st);
        attack_session_serve(a, a->session);
    }
    attack_rest(a, SKT_US_PER_SEC);
}

const struct attack_case attack_reach_cases[] = {
    {"addresses", "streams to addresses, forbidden and malformed", addresses},
    {"ask-addresses", "streams to forbidden addresses, whose answers are counted", ask_for_addresses},
    {0},
};
