/* SPDX-License-Identifier: MIT */
/* Before there is a session: junk, handshakes without end, replays, tickets. */
#include "attack/attack.h"
#include "base/err.h"

#include <string.h>

enum {
    JUNK_LEN = 1200,
    RING = 256, /* sessions under way at once */
    CROWD_S = 60,
    CROWD_AT_ONCE = 32, /* requests under way */
};

/* The next of the forged addresses, in turn; our own where there are none. */
static void next_source(struct attack *a)
{
    a->source = a->p.sources ? 1 + (unsigned)(a->units % a->p.sources) : 0;
}

static void junk(struct attack *a)
{
    uint8_t d[JUNK_LEN];
    attack_random_bytes(d, sizeof d);
    while (attack_next(a)) {
        attack_random_bytes(d, 8);
        attack_random_bytes(d + sizeof d - 8, 8);
        next_source(a);
        attack_send_raw(a, d, sizeof d, 0);
    }
}

/* A message 1 as a client would make it, from a session that is then forgotten. */
static size_t make_initiation(struct attack *a, uint8_t buf[SKT_SEND_BUFFER_MIN])
{
    struct skt_send_info info;
    struct skt_session *s = attack_session_new(a, a->p.ticket);
    size_t len = s ? skt_session_send(s, attack_now(), buf, SKT_SEND_BUFFER_MIN, &info) : 0;
    attack_session_free(a, s);
    return len;
}

static void flood_initiations(struct attack *a)
{
    uint8_t d[SKT_SEND_BUFFER_MIN];
    while (attack_next(a)) {
        size_t len = make_initiation(a, d);
        next_source(a);
        if (len > 0)
            attack_send_raw(a, d, len, 0);
    }
}

static void initiations_from_the_future(struct attack *a)
{
    a->wall_offset_ms = (int64_t)SKT_STAMP_WINDOW_MS - 60000;
    (void)attack_connect(a);
    flood_initiations(a);
}

/* Each unit begins one session and drops the oldest. */
static void churn(struct attack *a, bool random_tickets)
{
    struct skt_session *ring[RING] = {0};
    while (attack_next(a)) {
        uint8_t ticket[SKT_TICKET_LEN];
        memcpy(ticket, a->p.ticket, sizeof ticket);
        if (random_tickets)
            attack_random_bytes(ticket, sizeof ticket);
        struct skt_session **slot = &ring[a->units % RING];
        if (*slot)
            attack_session_close(a, *slot);
        *slot = attack_session_new(a, ticket);
    }
}

/* Message 2 is asked for in whatever way the server wishes, and then nothing comes. */
static void halves(struct attack *a)
{
    a->hold = true;
    churn(a, false);
}

static void tickets(struct attack *a)
{
    churn(a, true);
}

static void reconnects(struct attack *a)
{
    churn(a, false);
}

static void same_ticket_again(struct attack *a)
{
    uint8_t ticket[SKT_TICKET_LEN];
    attack_random_bytes(ticket, sizeof ticket);
    if (!attack_connect_half(a))
        return;
    while (attack_next(a)) {
        attack_send_attach(a, ticket);
        if (a->units % 1000 == 0) { /* half-sessions end */
            attack_session_free(a, a->session);
            if (!attack_connect_half(a))
                return;
        }
    }
}

/* All that a whole handshake and some packets had, to this entry and to another. */
static void replay(struct attack *a)
{
    if (!attack_connect(a))
        return;
    attack_rest(a, 500 * SKT_US_PER_MS);
    while (attack_next(a)) {
        unsigned i = (unsigned)(a->units % a->recorded_count);
        next_source(a);
        attack_send_raw(a, a->recorded[i], a->recorded_len[i], a->units % 2 ? 0 : a->p.other_port);
    }
}

/* Has the server said anything within a fifth of a second? */
static bool is_answered(struct attack *a)
{
    uint64_t before = a->got_packets;
    for (int i = 0; i < 200 && a->got_packets == before; i++)
        attack_rest(a, SKT_US_PER_MS);
    return a->got_packets != before;
}

/* Once it is known to have arrived, copies of it come to the other entry, and to the first. */
static void initiation_to_both(struct attack *a)
{
    uint8_t d[SKT_SEND_BUFFER_MIN];
    while (attack_next(a)) {
        size_t len = make_initiation(a, d);
        a->source = 0;
        attack_send_raw(a, d, len, 0);
        if (!is_answered(a))
            continue;
        next_source(a);
        attack_send_raw(a, d, len, a->p.other_port);
        attack_send_raw(a, d, len, 0);
    }
}

/* As many as the server lets one ticket have, kept. */
static void sessions(struct attack *a)
{
    while (attack_next(a))
        (void)attack_session_new(a, a->p.ticket);
    attack_rest(a, SKT_US_PER_SEC);
    a->session = a->session_count > 0 ? a->sessions[0] : NULL;
}

static bool ask(struct attack *a, struct skt_session *s)
{
    struct skt_stream *st;
    if (skt_session_state(s) != SKT_SESSION_UP ||
        skt_session_open_stream(s, attack_now(), SKT_STREAM_TCP, "", &st) != SKT_OK)
        return false;
    (void)skt_kcp_write(skt_stream_kcp(st), "e?", 2);
    attack_session_serve(a, s);
    return true;
}

/* Good manners for once, but many: each session asks once, has its answer, and stays. */
static void crowd(struct attack *a)
{
    unsigned asked = 0;
    while (attack_next(a))
        (void)attack_session_new(a, a->p.ticket);
    skt_us end = attack_now() + CROWD_S * SKT_US_PER_SEC;
    while (a->answered < a->session_count && attack_now() < end) {
        while (asked < a->session_count && asked - a->answered < CROWD_AT_ONCE && ask(a, a->sessions[asked]))
            asked++;
        attack_rest(a, SKT_US_PER_MS);
    }
    a->session = a->session_count > 0 ? a->sessions[0] : NULL;
    a->reached = asked > 0;
}

/* Every number in message 1 is a lie. */
static void lies(struct attack *a)
{
    static const uint16_t numbers[] = {0, 1, 10, 24, 60, 1099, 1100, 1472, 1473, 32768, 65535};
    struct skt_session *ring[RING] = {0};
    while (attack_next(a)) {
        struct skt_session **slot = &ring[a->units % RING];
        if (*slot)
            attack_session_close(a, *slot);
        a->ctx.tuning.mtu_max = numbers[attack_random(11)];
        a->ctx.tuning.keepalive_s = numbers[attack_random(11)];
        a->ctx.cost_aes_ns = numbers[attack_random(11)];
        a->ctx.cost_chacha_ns = numbers[attack_random(11)];
        a->ctx.features = attack_random(2) ? UINT32_MAX : 0;
        a->ctx.mode = (uint8_t)(attack_random(4) ? a->p.mode : attack_random(256));
        a->ctx.tuning.ciphers = (uint8_t)(attack_random(4) ? 6 : attack_random(256));
        *slot = attack_session_new(a, a->p.ticket);
        attack_rest(a, SKT_US_PER_MS); /* its message 1 has gone before the next lie */
    }
}

const struct attack_case attack_handshake_cases[] = {
    {"junk", "random datagrams of 1200 bytes", junk},
    {"msg1", "fresh messages 1, from our own address or forged ones, never followed up", flood_initiations},
    {"msg1-future", "the same with stamps from the end of the window, and a session",
     initiations_from_the_future},
    {"msg1-both", "messages 1 that come to two entries", initiation_to_both},
    {"halves", "handshakes up to message 2", halves},
    {"tickets", "handshakes with tickets that nobody has", tickets},
    {"ticket-again", "one half-session, its bad ticket again and again", same_ticket_again},
    {"reconnects", "sessions with the good ticket, each soon forgotten", reconnects},
    {"sessions", "sessions with the good ticket, all kept", sessions},
    {"crowd", "sessions with the good ticket, each with one request, all kept", crowd},
    {"replay", "a whole recorded handshake and what came behind it", replay},
    {"lies", "every number of message 1 at random", lies},
    {0},
};
