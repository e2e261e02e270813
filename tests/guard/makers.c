/* SPDX-License-Identifier: MIT */
#include "guard/makers.h"

#include <stdio.h>
#include <string.h>

#include "proto/frame.h"
#include "proto/kcp/ack_frame.h"
#include "proto/kcp/turns.h"
#include "proto/parity/ring.h"

enum { REPLY_LEN = 100000000, WINDOW_LEN = 8 << 20, DOWNLOADS = 2, WAITING = 4000 };

enum { HELD = 1000, HOLDERS = 40, GROUP = 32, LOST = 16, LONG = GUARD_ROOM - SKT_KCP_HEADER_LEN - 1 };

static struct skt_session *server(const struct sim_world *w)
{
    return sim_world_session(w);
}

/* --- frames --- */

/* A frame, written where a packet's frames go; its bytes. */
static size_t put_frame(uint8_t *out, const struct skt_frame *f)
{
    struct skt_writer w = skt_writer_of(out, SKT_MTU_MAX);
    skt_frame_write(&w, f);
    return skt_writer_len(&w);
}

/* A packet full of the same frame. The last one may be cut off: it is read as one that is too long. */
static size_t repeat(uint8_t *frames, const struct skt_frame *f)
{
    size_t n = 0;
    while (n < GUARD_ROOM)
        n += put_frame(frames + n, f);
    return GUARD_ROOM;
}

size_t guard_ping(struct sim_world *w, unsigned n, uint8_t *frames)
{
    (void)w;
    return repeat(frames, &(struct skt_frame){.type = SKT_FRAME_PING, .stamp = 0x01020300 | (uint8_t)n});
}

size_t guard_pong(struct sim_world *w, unsigned n, uint8_t *frames)
{
    (void)w;
    return repeat(frames, &(struct skt_frame){.type = SKT_FRAME_PONG, .stamp = 0x01020300 | (uint8_t)n});
}

size_t guard_report(struct sim_world *w, unsigned n, uint8_t *frames)
{
    static uint32_t lost;
    (void)w;
    (void)n;
    for (size_t len = 0; len < GUARD_ROOM;) {
        lost++;
        len += put_frame(frames + len,
                         &(struct skt_frame){.type = SKT_FRAME_REPORT, .report = {lost, lost, lost}});
    }
    return GUARD_ROOM;
}

/* By hand: an ATTACH without a body, which skt_frame_write can't make. */
size_t guard_attach(struct sim_world *w, unsigned n, uint8_t *frames)
{
    (void)w;
    (void)n;
    for (size_t len = 0; len < GUARD_ROOM; len += 2) {
        frames[len] = SKT_FRAME_ATTACH;
        frames[len + 1] = 0;
    }
    return GUARD_ROOM;
}

size_t guard_probe(struct sim_world *w, unsigned n, uint8_t *frames)
{
    (void)w;
    (void)n;
    return repeat(frames,
                  &(struct skt_frame){.type = SKT_FRAME_PROBE, .size = GUARD_ROOM + SKT_PACKET_OVERHEAD});
}

/* A new question each time: none was asked before. */
size_t guard_challenge(struct sim_world *w, unsigned n, uint8_t *frames)
{
    static uint32_t question;
    uint8_t token[SKT_CHALLENGE_LEN] = {0};
    (void)w;
    (void)n;
    for (size_t len = 0; len < GUARD_ROOM;) {
        skt_put_u32(token, ++question);
        len += put_frame(frames + len, &(struct skt_frame){.type = SKT_FRAME_CHALLENGE, .token = token});
    }
    return GUARD_ROOM;
}

/* --- segments --- */

static struct skt_kcp_header next = {.conv = 2, .cmd = SKT_KCP_CMD_PUSH, .wnd = 1000};
static uint32_t control_sn; /* of the client's next control message */

/* As many segments with so many bytes of data as the packet takes. */
static size_t segments(uint8_t *frames, size_t data, size_t (*put)(uint8_t *out))
{
    size_t n = 1;
    frames[0] = SKT_FRAME_KCP;
    while (n + SKT_KCP_HEADER_LEN + data <= GUARD_ROOM)
        n += put(frames + n);
    return n;
}

static size_t put_byte(uint8_t *out)
{
    struct skt_kcp_header h = next;
    h.len = 1;
    next.sn++;
    return sim_forge_segment(out, &h, (const uint8_t *)"\1");
}

size_t guard_bytes(struct sim_world *w, unsigned n, uint8_t *frames)
{
    (void)w;
    (void)n;
    return segments(frames, 1, put_byte);
}

/* One that begins with its end: it is opened and reset. */
static size_t put_stream(uint8_t *out)
{
    struct skt_kcp_header h = next;
    h.sn = 0;
    next.conv += 2;
    return sim_forge_segment(out, &h, NULL);
}

size_t guard_streams(struct sim_world *w, unsigned n, uint8_t *frames)
{
    (void)w;
    (void)n;
    return segments(frames, 0, put_stream);
}

/* One that begins with a part of its header. */
static size_t put_part(uint8_t *out)
{
    struct skt_kcp_header h = next;
    h.sn = 0;
    h.len = 1;
    next.conv += 2;
    return sim_forge_segment(out, &h, (const uint8_t *)"\1");
}

size_t guard_parts(struct sim_world *w, unsigned n, uint8_t *frames)
{
    (void)w;
    (void)n;
    return segments(frames, 1, put_part);
}

size_t guard_close(struct sim_world *w, unsigned n, uint8_t *frames)
{
    (void)n;
    while (server(w)->streams.peer_count < SKT_STREAMS_DEFAULT)
        (void)sim_forge(w, true, frames, segments(frames, 1, put_part));
    return put_frame(frames, &(struct skt_frame){.type = SKT_FRAME_CLOSE, .reason = SKT_CLOSE_LOCAL});
}

static size_t put_wask(uint8_t *out)
{
    struct skt_kcp_header h = {.conv = SKT_CONV_MESSAGE, .cmd = SKT_KCP_CMD_WASK};
    return sim_forge_segment(out, &h, NULL);
}

size_t guard_wask(struct sim_world *w, unsigned n, uint8_t *frames)
{
    (void)w;
    (void)n;
    return segments(frames, 0, put_wask);
}

static size_t put_ack(uint8_t *out)
{
    struct skt_kcp_header h = {.conv = 2, .cmd = SKT_KCP_CMD_ACK, .sn = 0xffffff00, .wnd = 1000};
    return sim_forge_segment(out, &h, NULL);
}

size_t guard_ack_segments(struct sim_world *w, unsigned n, uint8_t *frames)
{
    (void)w;
    (void)n;
    return segments(frames, 0, put_ack);
}

/* Of a conversation that the server has not: it is acknowledged without one. */
static size_t put_over(uint8_t *out)
{
    struct skt_kcp_header h = {.conv = 3, .cmd = SKT_KCP_CMD_PUSH, .sn = next.sn++};
    return sim_forge_segment(out, &h, NULL);
}

size_t guard_over(struct sim_world *w, unsigned n, uint8_t *frames)
{
    (void)w;
    (void)n;
    return segments(frames, 0, put_over);
}

static size_t put_duplicate(uint8_t *out)
{
    struct skt_kcp_header h = {
        .conv = 2, .cmd = SKT_KCP_CMD_PUSH, .wnd = 1000, .sn = next.sn++ % HELD, .len = 1};
    return sim_forge_segment(out, &h, (const uint8_t *)"\1");
}

/* Each out of order, so that the first one is still held. */
static void hold(struct sim_world *w, uint32_t conv, uint8_t *frames)
{
    for (uint32_t sn = HELD; sn > 1;) {
        size_t n = 1;
        frames[0] = SKT_FRAME_KCP;
        for (; n + SKT_KCP_HEADER_LEN + 1 < GUARD_ROOM && sn > 1; sn--) {
            struct skt_kcp_header h = {
                .conv = conv, .cmd = SKT_KCP_CMD_PUSH, .wnd = 1000, .sn = HELD + 1 - sn, .len = 1};
            n += sim_forge_segment(frames + n, &h, (const uint8_t *)"\1");
        }
        (void)sim_forge(w, true, frames, n);
    }
}

size_t guard_duplicates(struct sim_world *w, unsigned n, uint8_t *frames)
{
    if (n == 0)
        hold(w, 2, frames);
    return segments(frames, 1, put_duplicate);
}

/* The first segment of a stream whose others are there. */
size_t guard_hole(struct sim_world *w, unsigned n, uint8_t *frames)
{
    struct skt_kcp_header h = {.conv = 2 + 2 * n, .cmd = SKT_KCP_CMD_PUSH, .wnd = 1000, .len = 1};
    hold(w, h.conv, frames);
    frames[0] = SKT_FRAME_KCP;
    return 1 + sim_forge_segment(frames + 1, &h, (const uint8_t *)"\1");
}

/* The same of all streams of a packet. */
size_t guard_holes(struct sim_world *w, unsigned n, uint8_t *frames)
{
    uint32_t first = next.conv;
    (void)n;
    for (unsigned i = 0; i < HOLDERS; i++)
        hold(w, first + 2 * i, frames);
    return segments(frames, 1, put_part);
}

/* --- stream control --- */

static size_t put_control(uint8_t *out, uint32_t sn, uint32_t conv, bool with_end)
{
    uint8_t msg[10] = {SKT_CONTROL_RESET};
    struct skt_kcp_header h = {.conv = SKT_CONV_CONTROL, .cmd = SKT_KCP_CMD_PUSH, .wnd = 1000, .sn = sn};
    h.len = with_end ? 10 : 6;
    skt_put_u32(msg + 1, conv);
    msg[5] = SKT_RESET_ABORT;
    skt_put_u32(msg + 6, 5);
    return sim_forge_segment(out, &h, msg);
}

static size_t put_reset(uint8_t *out)
{
    next.conv += 2;
    return put_control(out, control_sn++, next.conv - 2, false);
}

static size_t put_reset_behind(uint8_t *out)
{
    next.conv += 2;
    return put_control(out, control_sn++, next.conv - 2, true);
}

/* Behind what has not come yet: the stream is made to remember it. */
size_t guard_reset_unknown(struct sim_world *w, unsigned n, uint8_t *frames)
{
    (void)w;
    (void)n;
    return segments(frames, 10, put_reset_behind);
}

size_t guard_reset_open(struct sim_world *w, unsigned n, uint8_t *frames)
{
    uint32_t first = next.conv;
    (void)n;
    (void)sim_forge(w, true, frames, segments(frames, 1, put_part));
    next.conv = first;
    size_t len = segments(frames, 6, put_reset);
    next.conv = first + 200;
    return len;
}

/* Of streams that hold much each. */
size_t guard_reset_holding(struct sim_world *w, unsigned n, uint8_t *frames)
{
    uint32_t first = next.conv;
    (void)n;
    for (unsigned i = 0; i < HOLDERS; i++)
        hold(w, first + 2 * i, frames);
    return segments(frames, 6, put_reset);
}

size_t guard_hole_of_resets(struct sim_world *w, unsigned n, uint8_t *frames)
{
    (void)n;
    control_sn++;
    while (control_sn < HELD)
        (void)sim_forge(w, true, frames, segments(frames, 10, put_reset_behind));
    frames[0] = SKT_FRAME_KCP;
    return 1 + put_control(frames + 1, 0, next.conv, true);
}

/* --- ACK frames --- */

static const struct skt_kcp *stream;

uint32_t guard_fill_the_path(struct sim_world *w, unsigned streams)
{
    struct skt_path *p = &server(w)->path;
    uint32_t pos = 0;
    w->server.reply_len = REPLY_LEN;
    for (unsigned i = 0; i < streams; i++)
        sim_world_open(w, "", 10);
    sim_world_run(w, w->now + SKT_US_PER_SEC, NULL);
    w->up.config.outage_at = w->now;
    w->up.config.outage_len = 1000 * SKT_US_PER_SEC;
    for (int i = 0; i < 400; i++) {
        p->cc_state.out.cwnd = streams * WINDOW_LEN;
        skt_pacer_init(&p->pacer, w->now, 1000000000, 1500);
        sim_world_run(w, w->now + SKT_US_PER_MS, NULL);
    }
    stream = &((struct skt_stream *)skt_idmap_next(&server(w)->streams.map, &pos))->kcp;
    return (uint32_t)(p->inflight_bytes / skt_path_mss(p));
}

/* The timer that marks all that is in flight: not the first one in a row, which only asks. */
size_t guard_rto(struct sim_world *w, unsigned n, uint8_t *frames)
{
    (void)frames;
    (void)n;
    fprintf(stderr, "%u in flight", guard_fill_the_path(w, DOWNLOADS));
    while (skt_path_timeouts(&server(w)->path) == 0)
        sim_world_run(w, w->now + SKT_US_PER_MS, NULL);
    w->now += 5 * SKT_US_PER_SEC;
    fprintf(stderr, ", %zu bytes at the timeout\n", server(w)->path.inflight_bytes);
    return 0;
}

/* Thousands of streams with little to send each, all of which wait: they are counted before a group of parity
 * begins, and before packets of a TUN are taken. */
size_t guard_waiting(struct sim_world *w, unsigned n, uint8_t *frames)
{
    struct skt_path *p = &server(w)->path, *theirs = &w->client.session->path;
    (void)frames;
    (void)n;
    w->server.reply_len = 100;
    for (unsigned i = 0; i < WAITING; i++)
        sim_world_open(w, "", 1);
    w->down.config.outage_at = w->now;
    w->down.config.outage_len = 1000 * SKT_US_PER_SEC;
    for (int i = 0; i < 100; i++) {
        p->cc_state.out.cwnd = 1;
        theirs->cc_state.out.cwnd = WINDOW_LEN;
        skt_pacer_init(&theirs->pacer, w->now, 1000000000, 1500);
        sim_world_run(w, w->now + SKT_US_PER_MS, NULL);
    }
    fprintf(stderr, "%zu bytes wait\n", skt_turns_waiting(p, SIZE_MAX));
    return 0;
}

static size_t put_frames(uint8_t *frames, size_t (*put)(uint8_t *out))
{
    size_t n = 0;
    while (n < GUARD_ROOM)
        n += put(frames + n);
    return GUARD_ROOM;
}

static size_t put_ranges(uint8_t *out)
{
    const struct skt_kcp *k = stream;
    struct skt_ack_frame f = {.conv = k->snd.conv, .una = 0, .wnd = 1000, .newest_sn = k->snd.nxt - 1};
    struct skt_segment *seg = *skt_seg_ring_at(&k->queue.ring, k->snd.nxt - 1);
    struct skt_ack_record r = {.lo = 1, .hi = k->snd.nxt - 1, .ts = seg ? seg->ts : 0, .range = true};
    struct skt_ack_writer a;
    f.newest_ts = r.ts;
    skt_ack_frame_begin(&a, &f, out, 64);
    (void)skt_ack_frame_add(&a, &r);
    return skt_ack_frame_end(&a);
}

size_t guard_ack_ranges(struct sim_world *w, unsigned n, uint8_t *frames)
{
    (void)w;
    (void)n;
    return put_frames(frames, put_ranges);
}

static size_t put_una(uint8_t *out)
{
    struct skt_ack_frame f = {.conv = stream->snd.conv, .una = stream->snd.nxt, .wnd = 1000};
    struct skt_ack_writer a;
    f.newest_sn = f.una - 1;
    skt_ack_frame_begin(&a, &f, out, 64);
    return skt_ack_frame_end(&a);
}

size_t guard_ack_una(struct sim_world *w, unsigned n, uint8_t *frames)
{
    (void)w;
    (void)n;
    return put_frames(frames, put_una);
}

static size_t put_ack_of_nothing(uint8_t *out)
{
    struct skt_ack_frame f = {.conv = next.conv += 2, .una = 1000, .wnd = 1000};
    struct skt_ack_writer a;
    f.newest_sn = f.una - 1;
    skt_ack_frame_begin(&a, &f, out, 64);
    return skt_ack_frame_end(&a);
}

size_t guard_acks_of_nothing(struct sim_world *w, unsigned n, uint8_t *frames)
{
    (void)w;
    (void)n;
    return put_frames(frames, put_ack_of_nothing);
}

/* --- PIECE and PARITY --- */

size_t guard_piece(struct sim_world *w, unsigned n, uint8_t *frames)
{
    uint8_t body[GUARD_ROOM + 100];
    uint16_t len = (uint16_t)(segments(body, 0, put_stream) - 1), half = len / 2;
    const struct skt_frame first = {.type = SKT_FRAME_PIECE,
                                    .piece = {(uint16_t)n, 0, len, body + SKT_FRAME_KCP_LEN, half}};
    const struct skt_frame rest = {
        .type = SKT_FRAME_PIECE,
        .piece = {(uint16_t)n, half, len, body + SKT_FRAME_KCP_LEN + half, (size_t)(len - half)}};
    (void)sim_forge(w, true, frames, put_frame(frames, &first));
    return put_frame(frames, &rest);
}

static size_t put_long(uint8_t *out)
{
    static const uint8_t zeros[GUARD_ROOM];
    struct skt_kcp_header h = {.conv = SKT_CONV_MESSAGE, .cmd = SKT_KCP_CMD_PUSH, .wnd = 1000, .sn = 1 << 20};
    h.len = LONG;
    return sim_forge_segment(out, &h, zeros);
}

/* A group of which half was lost, and all of its parity but the last, which is returned. */
static size_t all_but_one(struct sim_world *w, uint8_t *frames, size_t data, size_t (*put)(uint8_t *out))
{
    static uint8_t rows[LOST][GUARD_ROOM];
    struct skt_keypair *kp = skt_keys_sending(&w->client.session->keys, w->now);
    memset(rows, 0, sizeof rows);
    for (unsigned j = 0; j < GROUP; j++) {
        size_t n = segments(frames, j < LOST ? data : LONG, j < LOST ? put : put_long);
        for (unsigned i = 0; i < LOST; i++)
            skt_parity_add(&skt_gf256_portable, rows[i], i, j, frames + 1, n - 1);
        if (j < LOST)
            kp->sent++;
        else
            (void)sim_forge(w, true, frames, n);
    }
    for (unsigned i = 0; i < LOST; i++) {
        frames[0] = SKT_FRAME_PARITY;
        skt_put_u16(frames + 1, skt_parity_head(GROUP + i, GROUP, i));
        memcpy(frames + 3, rows[i], GUARD_ROOM - 1);
        if (i + 1 < LOST)
            (void)sim_forge(w, true, frames, GUARD_ROOM + 2);
    }
    return GUARD_ROOM + 2;
}

size_t guard_parity(struct sim_world *w, unsigned n, uint8_t *frames)
{
    (void)n;
    return all_but_one(w, frames, LONG, put_long);
}

size_t guard_parity_of_streams(struct sim_world *w, unsigned n, uint8_t *frames)
{
    (void)n;
    return all_but_one(w, frames, 0, put_stream);
}

/* What is left for later. */
size_t guard_parity_rest(struct sim_world *w, unsigned n, uint8_t *frames)
{
    for (unsigned i = 0; n == 0 && i < 2; i++) /* the first parity of all finds no ring */
        (void)sim_forge(w, true, frames, all_but_one(w, frames, 0, put_stream));
    return 0;
}
