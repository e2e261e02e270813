/* SPDX-License-Identifier: MIT */
/* What comes in: find the keys, open, and only then change any state, the peer's address included. */
#include "base/err.h"
#include "proto/session/internal.h"

#include <string.h>

/* A longer round trip is none: the session would have ended before. */
#define PONG_MAX (60 * SKT_US_PER_SEC)

/* Each PING counts once: a stamp that was not sent, or was answered before, is no round trip. */
static bool take_ping(struct skt_session *s, uint32_t stamp)
{
    for (unsigned i = 0; i < SKT_PINGS_MAX; i++) {
        if (!(s->liveness.pings_open >> i & 1) || s->liveness.pings[i] != stamp)
            continue;
        s->liveness.pings_open &= ~(UINT32_C(1) << i);
        return true;
    }
    return false;
}

static void on_pong(struct skt_session *s, skt_us now, uint32_t stamp)
{
    skt_us rtt = (uint32_t)((uint32_t)now - stamp);
    if (!take_ping(s, stamp) || rtt > PONG_MAX)
        return;
    s->liveness.rtts[s->liveness.rtt_count++ % SKT_RTT_HISTORY] = rtt;
    skt_path_on_rtt(&s->path, now, rtt);
}

static void on_probe(struct skt_session *s, uint16_t size, size_t datagram_len)
{
    if (size != datagram_len)
        return; /* padded wrongly: not a proof that this size passes */
    s->due.probed_size = size;
    s->due.set |= SKT_DUE_PROBED;
}

/* Frames about the way to the peer: is it there, how far, where, how wide. False: it is none of them. */
static bool on_path_frame(struct skt_session *s, skt_us now, const struct skt_addr *from,
                          const struct skt_frame *f, size_t datagram_len)
{
    switch (f->type) {
    case SKT_FRAME_PING:
        s->due.pong_stamp = f->stamp;
        s->due.set |= SKT_DUE_PONG;
        return true;
    case SKT_FRAME_PONG:
        on_pong(s, now, f->stamp);
        return true;
    case SKT_FRAME_CHALLENGE:
        if (s->client && s->opened_by == s->connect.pending)
            skt_connect_on_challenge(s, now, f->token);
        else if (s->client)
            skt_roaming_on_challenge(s, now, f->token);
        return true;
    case SKT_FRAME_RESPONSE:
        skt_roaming_on_response(s, now, from, f->token);
        return true;
    case SKT_FRAME_PROBE:
        on_probe(s, f->size, datagram_len);
        return true;
    case SKT_FRAME_PROBED:
        if (skt_mtu_on_probed(&s->mtu, f->size, now))
            skt_session_set_mtu(s);
        return true;
    default:
        return false;
    }
}

/* Frames that carry something, or say something of the session. Others are padding, or a later version's. */
static int on_frame(struct skt_session *s, skt_us now, const struct skt_frame *f)
{
    switch (f->type) {
    case SKT_FRAME_KCP:
        skt_parity_on_body(s, now, f->body, f->body_len);
        return skt_streams_receive(s, now, f->body, f->body_len);
    case SKT_FRAME_ACK:
        return skt_streams_receive_acks(s, now, f->body, f->body_len);
    case SKT_FRAME_PARITY:
        return skt_parity_on_frame(s, now, f->body, f->body_len);
    case SKT_FRAME_PIECE:
        return skt_pieces_receive(s, now, &f->piece);
    case SKT_FRAME_REPORT:
        skt_parity_on_report(s, now, &f->report);
        break;
    case SKT_FRAME_ATTACH: /* our ACCEPT was lost */
        s->due.accept = s->due.accept || !s->client;
        break;
    case SKT_FRAME_ACCEPT:
        if (s->client)
            skt_connect_on_accept(s, now, &f->accept);
        break;
    case SKT_FRAME_CLOSE:
        skt_session_end(s, f->reason);
        break;
    default:
        break;
    }
    return SKT_OK;
}

static int read_frames(struct skt_session *s, skt_us now, const struct skt_addr *from, const uint8_t *plain,
                       size_t len, size_t datagram_len)
{
    struct skt_reader r = skt_reader_of(plain, len);
    struct skt_frame f;
    while (r.left > 0 && s->state != SKT_SESSION_CLOSED) {
        bool untried = s->opened_by == s->connect.pending; /* nothing counts before ACCEPT */
        int err = skt_frame_read(&r, &f);
        if (err)
            return err;
        if (untried && f.type != SKT_FRAME_ACCEPT && f.type != SKT_FRAME_CHALLENGE)
            return SKT_OK;
        if (f.good && !on_path_frame(s, now, from, &f, datagram_len))
            err = on_frame(s, now, &f);
        if (err || !s->opened_by) /* refused: the keys are gone */
            return err;
    }
    return SKT_OK;
}

static struct skt_keypair *keypair_of(const struct skt_session *s, uint32_t id)
{
    struct skt_keypair *const pairs[] = {s->keys.current, s->keys.previous, s->keys.next, s->connect.pending};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (pairs[i] && pairs[i]->local_id == id)
            return pairs[i];
    return NULL;
}

static int count_drop(struct skt_session *s, size_t len, int err)
{
    struct skt_drops *d = &s->ctx->drops;
    if (err)
        skt_trace_tell(&s->path.trace, dropped, s->path.now, len, err);
    if (err == SKT_ERR_AUTH || err == SKT_ERR_LIMIT)
        d->auth++;
    else if (err == SKT_ERR_REPLAY)
        d->replay++;
    else if (err == SKT_ERR_TRUNCATED || err == SKT_ERR_MALFORMED)
        d->malformed++;
    else if (err == SKT_ERR_NOTFOUND)
        d->unknown++;
    return err;
}

/* The client takes packets only from the address that it chose. */
static bool is_expected(const struct skt_session *s, const struct skt_keypair *kp,
                        const struct skt_addr *from)
{
    if (!s->client)
        return true;
    return skt_addr_equal(from, kp == s->connect.pending ? &s->connect.pending_to : &s->peer);
}

/* A packet for a pair that is established: it shows that the peer is alive and where. */
static void on_authentic(struct skt_session *s, skt_us now, const struct skt_addr *from,
                         struct skt_keypair *kp, bool newest, int first_frame)
{
    if (first_frame != SKT_FRAME_ATTACH) { /* a client that repeats it does not know of ACCEPT yet */
        skt_keys_confirm(&s->keys, kp, now);
        skt_session_drop_keys(s);
    }
    if (skt_session_heard(s, now))
        skt_connect_cancel(s);
    skt_path_on_alive(&s->path, now);
    if (!s->client && newest && !skt_addr_equal(from, &s->peer))
        skt_roaming_consider(s, now, from);
}

static void ask_rtt(struct skt_session *s, skt_us now)
{
    if (!skt_path_wants_rtt(&s->path) || now < s->liveness.ask_rtt_at || s->state == SKT_SESSION_CLOSED)
        return;
    s->due.set |= SKT_DUE_PING;
    s->liveness.ask_rtt_at = now + SKT_US_PER_SEC;
}

/* A packet for keys that there are: opened first, and only then is any state changed. */
static int receive_sealed(struct skt_session *s, skt_us now, const struct skt_addr *from, uint8_t *datagram,
                          size_t len)
{
    uint32_t number = skt_get_u32(datagram + 4);
    struct skt_keypair *kp = keypair_of(s, skt_get_u32(datagram));
    if (!kp || !is_expected(s, kp, from))
        return SKT_ERR_NOTFOUND;
    uint64_t top = kp->replay.top;
    bool newest = kp == s->keys.current && number > top;
    uint8_t *plain;
    size_t plain_len;
    int err = skt_packet_open(s->ctx->crypto, kp, datagram, len, now, &plain, &plain_len);
    if (err)
        return err;
    s->stats.bytes_rx += len;
    s->stats.packets_rx++;
    skt_trace_tell(&s->path.trace, received, now, len);
    skt_session_note_arrival(s, number > top ? (uint32_t)(number - top) : 0);
    s->opened_by = kp;
    if (kp != s->connect.pending)
        on_authentic(s, now, from, kp, newest, plain[0]);
    skt_path_begin_receive(&s->path);
    skt_parity_note(s, now, kp, number);
    err = read_frames(s, now, from, plain, plain_len, len);
    if (s->opened_by)
        skt_parity_recover(s, now);
    s->opened_by = NULL;
    skt_streams_absorb(s, now);
    ask_rtt(s, now);
    return err;
}

int skt_session_receive(struct skt_session *s, skt_us now, const struct skt_addr *from, uint8_t *datagram,
                        size_t len)
{
    skt_path_set_time(&s->path, now);
    if (s->state == SKT_SESSION_CLOSED || len < SKT_PACKET_MIN)
        return count_drop(s, len, SKT_ERR_TRUNCATED);
    uint32_t id = skt_get_u32(datagram), number = skt_get_u32(datagram + 4);
    int err;
    if (number == 0)
        err = s->client ? skt_connect_on_response(s, now, from, datagram, len, id) : SKT_ERR_MALFORMED;
    else if (number == SKT_NUMBER_COOKIE && s->client)
        err = skt_connect_on_cookie(s, now, from, datagram, len, id);
    else
        err = receive_sealed(s, now, from, datagram, len);
    return count_drop(s, len, err);
}
