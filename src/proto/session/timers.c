/* SPDX-License-Identifier: MIT */
/* What a session does by itself: keepalives, suspicion, the search for the MTU, its own end. */
#include "base/err.h"
#include "proto/kcp/turns.h"
#include "proto/session/internal.h"

enum { BLACK_HOLE_TIMEOUTS = 2 }; /* retransmission timeouts in a row that make the MTU suspect */

static bool is_open(const struct skt_session *s)
{
    return s->state == SKT_SESSION_UP || s->state == SKT_SESSION_SUSPECT;
}

/* The client asks once a second while somebody waits for answers, else just often enough to be kept. While a
 * question is open it repeats it sooner, so that one lost packet is not taken for a lost server. */
static skt_us ping_interval(const struct skt_session *s)
{
    if (s->liveness.unanswered != SKT_NEVER)
        return skt_us_max(SKT_SUSPECT_MIN, 3 * s->path.rtt.srtt) / 3;
    if (s->streams.map.count > 0 || s->probing)
        return SKT_US_PER_SEC;
    return skt_us_min(s->liveness.keepalive / 3, SKT_KEEPALIVE_MAX);
}

static skt_us ping_expiry(const struct skt_session *s)
{
    return s->client && is_open(s) ? s->liveness.ping_at + ping_interval(s) : SKT_NEVER;
}

skt_us skt_session_expiry(const struct skt_session *s, skt_us now)
{
    if (s->state == SKT_SESSION_CLOSED)
        return SKT_NEVER;
    skt_us at = s->client ? skt_connect_expiry(s) : SKT_NEVER;
    if (!is_open(s))
        return at;
    at = skt_us_min(at, s->liveness.heard + s->liveness.keepalive);
    at = skt_us_min(at, ping_expiry(s));
    at = skt_us_min(at, s->mtu.at);
    at = skt_us_min(at, s->control_waits ? now : skt_streams_expiry(s));
    at = skt_us_min(at, skt_keys_expiry(&s->keys));
    if (s->client && !skt_connect_under_way(s))
        at = skt_us_min(at, skt_keys_rekey_at(&s->keys));
    if (s->client && s->state == SKT_SESSION_UP)
        at = skt_us_min(at, skt_session_suspect_at(s));
    if (!skt_list_empty(&s->path.events)) /* news of acknowledgements that were worked off while sending */
        at = skt_us_min(at, now);
    if (skt_keys_sending(&s->keys, now))
        at = skt_us_min(at, skt_us_min(skt_turns_expiry(&s->path, now), skt_parity_expiry(s, now)));
    return at;
}

static void expire_client(struct skt_session *s, skt_us now)
{
    if (s->state == SKT_SESSION_UP && now >= skt_session_suspect_at(s)) {
        s->state = SKT_SESSION_SUSPECT;
        skt_session_tell_state(s);
        s->events |= SKT_EVENT_RESOLVE;
        skt_connect_need(s, now);
    }
    if (is_open(s) && skt_keys_needs_rekey(&s->keys, now))
        skt_connect_need(s, now);
    if (now >= ping_expiry(s)) {
        s->due.set |= SKT_DUE_PING;
        s->liveness.ping_at = now;
    }
    skt_connect_expire(s, now);
}

static void expire_mtu(struct skt_session *s, skt_us now)
{
    size_t before = s->mtu.current;
    if (skt_path_timeouts(&s->path) >= BLACK_HOLE_TIMEOUTS)
        (void)skt_mtu_on_black_hole(&s->mtu, now);
    bool busy = s->streams.last_data != 0 && now - s->streams.last_data < SKT_MTU_CHECK_TIME;
    size_t probe = skt_mtu_probe(&s->mtu, now, s->path.rtt.srtt, busy, s->liveness.heard);
    if (probe)
        s->due.probe_size = (uint16_t)probe;
    if (probe && skt_mtu_needs_sign(&s->mtu))
        s->due.set |= SKT_DUE_PING;
    if (s->mtu.current != before)
        skt_session_set_mtu(s);
}

void skt_session_on_too_long(struct skt_session *s, skt_us now, size_t len)
{
    if (is_open(s) && skt_mtu_on_too_long(&s->mtu, len, now))
        skt_session_set_mtu(s);
}

void skt_session_expire(struct skt_session *s, skt_us now)
{
    skt_path_set_time(&s->path, now);
    if (s->state == SKT_SESSION_CLOSED)
        return;
    if (is_open(s) && now >= s->liveness.heard + s->liveness.keepalive) {
        skt_session_end(s, SKT_CLOSE_TIMEOUT);
        return;
    }
    if (s->client)
        expire_client(s, now);
    if (!is_open(s))
        return;
    skt_keys_expire(&s->keys, now);
    skt_session_drop_keys(s);
    if (skt_keys_sending(&s->keys, now))
        skt_turns_expire(&s->path, now);
    skt_parity_expire(s, now);
    expire_mtu(s, now);
    skt_streams_expire(s, now);
    skt_streams_absorb(s, now);
}
