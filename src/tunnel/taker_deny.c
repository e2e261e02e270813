/* SPDX-License-Identifier: MIT */
/* What goes in packets, and for how long: what the server does not connect, and all where it or this machine
 * stands against it. Each thing is said in words. */
#include "base/log.h"
#include "tunnel/taker_internal.h"

#include <stdio.h>
#include <string.h>

/* Rules may be changed by a reload of the server's: what it said counts for a minute, and that it has nothing
 * for this ticket for ten. */
#define DENIED_TIME (60 * SKT_US_PER_SEC)
#define OFF_TIME    (600 * SKT_US_PER_SEC)
#define REST_TIME   (60 * SKT_US_PER_SEC)

static struct skt_taker_denied *denied_of(struct skt_taker *t, const struct skt_addr *to)
{
    struct skt_ippkt ip = {.version = to->family,
                           .protocol = SKT_IPPKT_TCP,
                           .has_ports = true,
                           .dst_port = to->port,
                           .src = to->ip,
                           .dst = to->ip};
    return &t->denied[skt_ippkt_hash(&ip, t->conf.hash_key) % SKT_TAKER_DENIED];
}

static bool is_in_tunnel(const struct skt_taker *t, const struct skt_addr *to)
{
    return skt_ipnet_has(&t->conf.address4, to->family, to->ip) ||
           skt_ipnet_has(&t->conf.address6, to->family, to->ip);
}

/* Has the session's peer streams for us, as far as is known? */
static bool has_streams(struct skt_taker *t, const struct skt_session *s, skt_us now)
{
    uint32_t cid = skt_session_cid(s);
    if (skt_session_state(s) != SKT_SESSION_UP || (t->off_cid == cid && now < t->off_until))
        return false;
    if (skt_session_features(s) & SKT_FEATURE_ADDRESSES)
        return true;
    skt_warn_rarely(
        cid, "relay_tcp is off: the server of session %u is of a version without it; TCP goes in packets",
        cid);
    return false;
}

bool skt_taker_may_ask(struct skt_taker *t, const struct skt_addr *to, struct skt_endpoint **ep,
                       uint32_t *cid)
{
    skt_us now = skt_loop_now(t->conf.loop);
    const struct skt_taker_denied *denied = denied_of(t, to);
    if (skt_taker_pairs_listener(&t->pairs, to->family)->family == 0 || is_in_tunnel(t, to) ||
        now < t->rests_until || (now < denied->until && skt_addr_equal(&denied->to, to)))
        return false;
    if (!skt_switch_active(t->conf.sw, ep, cid))
        return false;
    const struct skt_session *s = skt_endpoint_session(*ep, *cid);
    return s && has_streams(t, s, now);
}

void skt_taker_note_refusal(struct skt_taker_conn *c, int reason)
{
    struct skt_taker *t = c->t;
    skt_us now = skt_loop_now(t->conf.loop);
    char text[SKT_ADDR_TEXT_MAX];
    skt_addr_text(&c->pair.far, text);
    skt_debug("relay_tcp: %s: %s", text, skt_reset_words((enum skt_reset)reason));
    if (reason == SKT_RESET_ADDRESS) {
        *denied_of(t, &c->pair.far) = (struct skt_taker_denied){c->pair.far, now + DENIED_TIME};
        skt_info_rarely(1, "relay_tcp: the server connects no stream to %s; such connections go in packets",
                        text);
    } else if (reason == SKT_RESET_TARGET) {
        t->off_cid = c->cid;
        t->off_until = now + OFF_TIME;
        skt_warn_rarely(
            c->cid,
            "relay_tcp is off: the server of session %u has it off for this ticket; TCP goes in packets",
            c->cid);
    } else if (reason == SKT_RESET_LIMIT) {
        skt_warn_rarely(c->cid,
                        "relay_tcp: the server has no room for more streams; connections go in packets");
    }
}

void skt_taker_note_unreached(struct skt_taker_conn *c)
{
    struct skt_taker *t = c->t;
    char text[SKT_ADDR_TEXT_MAX];
    t->rests_until = skt_loop_now(t->conf.loop) + REST_TIME;
    skt_warn_rarely(
        2,
        "relay_tcp rests for a minute: TCP that comes in by %s to %s does not get there (this machine's "
        "firewall, or rp_filter?); connections go in packets",
        skt_tun_name(t->conf.tun),
        skt_addr_text(skt_taker_pairs_listener(&t->pairs, c->pair.far.family), text));
}
