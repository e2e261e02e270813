/* SPDX-License-Identifier: MIT */
/* Addresses that are not the attacker's: what is sent to them is what a victim would get. */
#include "attack/attack.h"

#include <string.h>

enum {
    BLIND_PACKETS = 60, /* sent in a victim's name for one handshake, 5 ms apart */
    GUESSED_STEP = 24,  /* segments that una guesses ahead each time */
    FULL_ACK_DELAY_US = 5000,
};

/* Acknowledges all below una of the first stream, as a segment of KCP's may. */
static void put_una(struct attack *a, uint32_t una)
{
    struct skt_kcp_header h = attack_push(SKT_CONV_FIRST, 0, 0, 0);
    h.cmd = SKT_KCP_CMD_WINS;
    h.una = una;
    h.wnd = 65535;
    attack_put_segment(a, &h, NULL);
}

/* Message 1 from here, ATTACH from there; then a download is begun and acknowledged blindly. */
static void attach_elsewhere(struct attack *a)
{
    while (attack_next(a)) {
        a->source = 0;
        if (!attack_connect_half(a))
            return;
        a->source = 1 + (unsigned)((a->units - 1) % a->p.sources);
        attack_send_attach(a, a->p.ticket);
        for (uint32_t i = 0; i < BLIND_PACKETS; i++) {
            unsigned source = a->source;
            attack_rest(a, FULL_ACK_DELAY_US);
            a->source = source;
            attack_begin(a);
            if (i == 0)
                (void)attack_open_stream(a, 0, 'd');
            else
                put_una(a, i * GUESSED_STEP);
            attack_send(a);
        }
        uint8_t reason = SKT_CLOSE_LOCAL;
        a->source = 0;
        attack_put_frame(a, SKT_FRAME_CLOSE, &reason, 1);
        attack_send(a);
        attack_session_free(a, a->session);
    }
}

/* A packet from each of many addresses in turn; no CHALLENGE is ever answered. */
static void roam(struct attack *a)
{
    uint8_t stamp[4] = {0};
    if (!attack_connect(a))
        return;
    (void)attack_open_stream(a, 0, 'd');
    attack_send(a);
    while (attack_next(a)) {
        a->source = 1 + (unsigned)(a->units % a->p.sources);
        attack_put_frame(a, SKT_FRAME_PING, stamp, sizeof stamp);
        attack_send(a);
    }
    a->source = 0;
}

/* The same address again and again, as small as a packet can be, with a download under way. */
static void roam_small(struct attack *a)
{
    if (!attack_connect(a))
        return;
    (void)attack_open_stream(a, 0, 'd');
    attack_send(a);
    while (attack_next(a)) {
        a->source = 1;
        skt_write_u8(&a->w, SKT_FRAME_PAD);
        attack_send(a);
    }
    a->source = 0;
}

/* Answers to challenges that were never made, or guessed. */
static void responses(struct attack *a)
{
    uint8_t guess[8];
    if (!attack_connect(a))
        return;
    while (attack_next(a)) {
        a->source = a->p.sources ? 1 + (unsigned)(a->units % a->p.sources) : 0;
        attack_random_bytes(guess, sizeof guess);
        while (attack_frame(a, SKT_FRAME_RESPONSE, guess, sizeof guess))
            continue;
        attack_send(a);
    }
    a->source = 0;
}

const struct attack_case attack_address_cases[] = {
    {"attach-elsewhere", "message 1 from here, ATTACH and a blind download from a victim's address",
     attach_elsewhere},
    {"roam", "a session's packets from many addresses in turn", roam},
    {"roam-small", "the smallest packets from one other address", roam_small},
    {"responses", "answers to challenges that nobody made", responses},
    {0},
};
