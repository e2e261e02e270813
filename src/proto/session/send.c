/* SPDX-License-Identifier: MIT */
/* What a session sends: single packets for handshakes, challenges and probes, then runs of packets to the
 * peer. */
#include "base/err.h"
#include "proto/kcp/turns.h"
#include "proto/session/internal.h"

#include <stdlib.h>
#include <string.h>

static struct skt_writer plain_writer(uint8_t *buf, size_t mtu)
{
    return skt_writer_of(buf + SKT_HEADER_LEN, mtu - SKT_PACKET_OVERHEAD);
}

static size_t count_sealed(struct skt_session *s, int len, enum skt_trace_datagram what)
{
    if (len < 0)
        return 0;
    s->stats.bytes_tx += (size_t)len;
    s->stats.packets_tx++;
    skt_trace_tell(&s->path.trace, sent, s->path.now, (size_t)len, what);
    return (size_t)len;
}

/* Seals plain_len bytes of frames; the datagram's length, or 0. */
static size_t seal_with(struct skt_session *s, struct skt_keypair *kp, uint8_t *datagram, size_t plain_len,
                        enum skt_trace_datagram what)
{
    return count_sealed(s, skt_packet_seal(s->ctx->crypto, kp->mask, kp, datagram, plain_len), what);
}

/* The same for a packet of a run, which is masked as a whole. */
static size_t seal_bare(struct skt_session *s, skt_us now, uint8_t *datagram, size_t plain_len)
{
    struct skt_keypair *kp = skt_keys_sending(&s->keys, now);
    if (!kp)
        return 0;
    return count_sealed(s, skt_packet_seal_bare(s->ctx->crypto, kp, datagram, plain_len), SKT_TRACE_DATA);
}

/* All of a run is sealed under the keys that are in use now. */
static size_t mask_run(const struct skt_session *s, uint8_t *run, size_t len, size_t segment_len)
{
    const struct skt_keypair *kp = s->keys.current;
    int err = kp ? skt_packet_mask_run(s->ctx->crypto, kp->mask, run, len, segment_len) : SKT_ERR_CLOSED;
    return err ? 0 : len;
}

static void expects_answer(struct skt_session *s, skt_us now)
{
    if (s->liveness.unanswered == SKT_NEVER)
        s->liveness.unanswered = now;
}

static size_t seal(struct skt_session *s, skt_us now, uint8_t *datagram, size_t plain_len,
                   enum skt_trace_datagram what)
{
    struct skt_keypair *kp = skt_keys_sending(&s->keys, now);
    return kp ? seal_with(s, kp, datagram, plain_len, what) : 0;
}

/* A challenge to the address that a client has moved to. Shorter than any packet that provokes it times
 * three. */
static size_t send_challenge(struct skt_session *s, skt_us now, uint8_t *buf, struct skt_send_info *info)
{
    struct skt_writer w = plain_writer(buf, SKT_MTU_LEAST);
    skt_frame_write(&w, &(struct skt_frame){.type = SKT_FRAME_CHALLENGE, .token = s->roaming.challenge});
    s->roaming.challenge_due = false;
    info->to = s->roaming.to;
    return seal(s, now, buf, skt_writer_len(&w), SKT_TRACE_HANDSHAKE);
}

static size_t send_probe(struct skt_session *s, skt_us now, uint8_t *buf)
{
    struct skt_writer w = plain_writer(buf, s->due.probe_size);
    skt_frame_write(&w, &(struct skt_frame){.type = SKT_FRAME_PROBE, .size = s->due.probe_size});
    skt_frame_pad(&w, w.left);
    s->due.probe_size = 0;
    return seal(s, now, buf, skt_writer_len(&w), SKT_TRACE_PROBE);
}

/* ACCEPT goes under the pair that brought the ticket, which nothing else uses before the client has confirmed
 * it: a lost ACCEPT stalls nothing. */
static size_t send_accept(struct skt_session *s, uint8_t *buf)
{
    struct skt_keypair *kp = s->keys.next ? s->keys.next : s->keys.current;
    const struct skt_frame accept = {.type = SKT_FRAME_ACCEPT, .accept = {s->attach_result, s->cid, NULL, 0}};
    struct skt_writer w = plain_writer(buf, SKT_MTU_LEAST);
    skt_frame_write(&w, &accept);
    skt_frame_pad(&w, skt_session_random(s, SKT_PING_PAD_MAX));
    s->due.accept = false;
    return kp ? seal_with(s, kp, buf, skt_writer_len(&w), SKT_TRACE_HANDSHAKE) : 0;
}

static void write_ping(struct skt_session *s, skt_us now, struct skt_writer *w)
{
    unsigned at = s->liveness.ping_count++ % SKT_PINGS_MAX;
    s->liveness.pings[at] = (uint32_t)now;
    s->liveness.pings_open |= UINT32_C(1) << at;
    skt_frame_write(w, &(struct skt_frame){.type = SKT_FRAME_PING, .stamp = s->liveness.pings[at]});
    expects_answer(s, now);
}

/* The control frames that are due; padded when they travel alone, so that keepalives have no fixed length. */
static void write_control(struct skt_session *s, skt_us now, struct skt_writer *w)
{
    unsigned due = s->due.set;
    s->due.set = 0;
    if (due & SKT_DUE_PING)
        write_ping(s, now, w);
    if (due & SKT_DUE_PONG)
        skt_frame_write(w, &(struct skt_frame){.type = SKT_FRAME_PONG, .stamp = s->due.pong_stamp});
    if (due & SKT_DUE_PROBED)
        skt_frame_write(w, &(struct skt_frame){.type = SKT_FRAME_PROBED, .size = s->due.probed_size});
    if (due & SKT_DUE_RESPONSE)
        skt_frame_write(w, &(struct skt_frame){.type = SKT_FRAME_RESPONSE, .token = s->roaming.response});
    if (due & SKT_DUE_REPORT)
        skt_frame_write(w, &(struct skt_frame){.type = SKT_FRAME_REPORT, .report = skt_parity_report(s)});
    if (due & SKT_DUE_CLOSE)
        skt_frame_write(w, &(struct skt_frame){.type = SKT_FRAME_CLOSE, .reason = s->close_reason});
    if (due)
        skt_frame_pad(w, skt_session_random(s, SKT_PING_PAD_MAX));
}

/* Acknowledgements for conversations that are over. */
static void write_stateless(struct skt_session *s, skt_us now, struct skt_writer *w)
{
    const uint8_t *body = w->p + SKT_FRAME_KCP_LEN;
    skt_write_u8(w, SKT_FRAME_KCP);
    for (unsigned i = 0; i < s->streams.stateless_count; i++) {
        uint8_t *p = skt_write_room(w, SKT_KCP_HEADER_LEN);
        if (p)
            skt_kcp_write_stateless_ack(&s->streams.stateless[i], p);
    }
    s->streams.stateless_count = 0;
    skt_parity_cover(s, now, body, (size_t)(w->p - body), false);
}

/* Acknowledgements and KCP segments; 0 when the path has nothing to send now. */
static size_t write_segments(struct skt_session *s, skt_us now, uint8_t *buf, size_t cap)
{
    const struct skt_path_stats *stats = &s->path.stats;
    uint64_t before = stats->sent + stats->retransmitted, payload = stats->payload_tx;
    uint8_t *frames = buf + SKT_HEADER_LEN;
    size_t segments_len;
    size_t n = skt_turns_send(&s->path, now, frames, cap - SKT_PACKET_OVERHEAD, &segments_len);
    if (n == 0)
        return 0;
    s->stats.payload_tx += stats->payload_tx - payload;
    if (segments_len > 0)
        skt_parity_cover(s, now, frames + n - segments_len, segments_len, skt_path_wants_parity(&s->path));
    if (stats->sent + stats->retransmitted != before) {
        expects_answer(s, now);
        s->streams.last_data = now;
        skt_mtu_wake(&s->mtu, now);
    }
    return n;
}

/* The same for whatever length: what is too long for the path goes in pieces, where the peer takes them. */
static size_t write_body(struct skt_session *s, skt_us now, uint8_t *buf, size_t cap)
{
    uint8_t *plain = buf + SKT_HEADER_LEN;
    if (!s->pieces.out) {
        size_t len = write_segments(s, now, buf, cap);
        if (len + SKT_PACKET_OVERHEAD <= s->mtu.current || !(s->features & SKT_FEATURE_PIECES))
            return len;
        skt_pieces_begin(s, plain + SKT_FRAME_KCP_LEN, len - SKT_FRAME_KCP_LEN);
    }
    return s->pieces.out ? skt_pieces_write(s, plain) : 0;
}

/* One packet to the peer, not masked yet; its length or 0. */
static size_t send_one(struct skt_session *s, skt_us now, uint8_t *buf, size_t cap)
{
    struct skt_writer w = plain_writer(buf, s->mtu.current);
    size_t len = 0;
    if (s->due.set) {
        write_control(s, now, &w);
        len = seal_bare(s, now, buf, skt_writer_len(&w));
    } else if (s->streams.stateless_count) {
        write_stateless(s, now, &w);
        len = seal_bare(s, now, buf, skt_writer_len(&w));
    } else if (s->state != SKT_SESSION_CLOSED) {
        size_t plain_len = write_body(s, now, buf, cap);
        if (plain_len)
            len = seal_bare(s, now, buf, plain_len);
    }
    if (len)
        skt_path_on_sent(&s->path, now, len);
    return len;
}

/* An oversize packet in the middle of a run waits for its own turn. */
static void put_aside(struct skt_session *s, const uint8_t *packet, size_t len)
{
    s->stash = malloc(len); /* without memory it is lost, as on a bad link */
    if (!s->stash)
        return;
    memcpy(s->stash, packet, len);
    s->stash_len = len;
}

static size_t send_stash(struct skt_session *s, uint8_t *buf, struct skt_send_info *info)
{
    size_t len = s->stash_len;
    memcpy(buf, s->stash, len);
    free(s->stash);
    s->stash = NULL;
    s->stash_len = 0;
    info->fragment = true;
    return len;
}

static size_t send_parity(struct skt_session *s, skt_us now, uint8_t *buf)
{
    size_t len = skt_parity_write(s, now, buf + SKT_HEADER_LEN);
    return len ? seal(s, now, buf, len, SKT_TRACE_PARITY) : 0;
}

/* A run: full packets one behind the other, ended by the first shorter one. */
static size_t send_run(struct skt_session *s, skt_us now, uint8_t *buf, size_t cap,
                       struct skt_send_info *info)
{
    size_t total = send_one(s, now, buf, cap);
    if (total == 0)
        return 0;
    size_t full = s->path.payload_limit + SKT_FRAME_KCP_LEN + SKT_PACKET_OVERHEAD;
    info->segment_len = total;
    info->fragment = skt_mtu_doubts(&s->mtu, total);
    if (total != full)
        return mask_run(s, buf, total, total);
    while (cap - total >= SKT_SEND_BUFFER_MIN && !skt_parity_due(s, now)) {
        size_t len = send_one(s, now, buf + total, cap - total);
        if (len > full) {
            put_aside(s, buf + total, mask_run(s, buf + total, len, len));
            break;
        }
        total += len;
        if (len < full)
            break;
    }
    return mask_run(s, buf, total, full);
}

size_t skt_session_send(struct skt_session *s, skt_us now, uint8_t *buf, size_t cap,
                        struct skt_send_info *info)
{
    skt_path_set_time(&s->path, now);
    info->fragment = false;
    info->to = s->peer;
    size_t len = s->client ? skt_connect_send(s, now, buf, cap, info) : 0;
    if (s->due.accept)
        len = send_accept(s, buf);
    if (len == 0 && s->peer.family != 0 && skt_keys_sending(&s->keys, now)) {
        if (s->stash)
            len = send_stash(s, buf, info);
        else if (s->roaming.challenge_due)
            len = send_challenge(s, now, buf, info);
        else if (s->due.probe_size)
            len = send_probe(s, now, buf);
        else if ((len = send_parity(s, now, buf)) == 0)
            return send_run(s, now, buf, cap, info);
        else
            info->fragment = skt_mtu_doubts(&s->mtu, len);
    }
    info->segment_len = len;
    return len;
}
