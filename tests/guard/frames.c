/* SPDX-License-Identifier: MIT */
/* What the dearest packets of a peer with good keys cost the end that takes them, for counting instructions:
 * one scenario a run, its packets read by measured() alone. Prints how many there were. usage: guard_frames
 * SCENARIO */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/kcp/ack_frame.h"
#include "proto/session/internal.h"
#include "sim/forge.h"

enum { PACKETS = 20, ROOM = 1300 };

static uint8_t frames[ROOM + 300];

/* Nothing else is counted. */
__attribute__((noinline)) void measured(struct sim_world *w, size_t len);
void measured(struct sim_world *w, size_t len)
{
    (void)sim_forge(w, true, frames, len);
}

static struct skt_session *server(const struct sim_world *w)
{
    return sim_world_session(w);
}

/* A download in flight: the server has sent what nobody has acknowledged yet. */
static void fill_the_path(struct sim_world *w)
{
    struct skt_path *p = &server(w)->path;
    w->up.config.outage_at = w->now;
    w->up.config.outage_len = 1000 * SKT_US_PER_SEC;
    for (int i = 0; i < 400; i++) {
        p->cc_state.out.cwnd = 8 << 20;
        skt_pacer_init(&p->pacer, w->now, 1000000000, 1500);
        sim_world_run(w, w->now + SKT_US_PER_MS, NULL);
    }
}

static size_t fill(size_t (*put)(uint8_t *out))
{
    size_t n = 0;
    while (n < ROOM)
        n += put(frames + n);
    return n < ROOM ? n : ROOM;
}

static size_t put_ping(uint8_t *out)
{
    memcpy(out, (uint8_t[]){SKT_FRAME_PING, 4, 1, 2, 3, 4}, 6);
    return 6;
}

static size_t put_pong(uint8_t *out)
{
    memcpy(out, (uint8_t[]){SKT_FRAME_PONG, 4, 1, 2, 3, 4}, 6);
    return 6;
}

enum { REPORT_LEN = 3 * 4 };

static size_t put_report(uint8_t *out)
{
    static uint32_t lost;
    out[0] = SKT_FRAME_REPORT;
    out[1] = REPORT_LEN;
    skt_put_u32(out + 2, ++lost);
    skt_put_u32(out + 6, lost);
    skt_put_u32(out + 10, lost);
    return 2 + REPORT_LEN;
}

static size_t put_attach(uint8_t *out)
{
    memcpy(out, (uint8_t[]){SKT_FRAME_ATTACH, 0}, 2);
    return 2;
}

/* --- segments --- */

static struct skt_kcp_header next = {.conv = 2, .cmd = SKT_KCP_CMD_PUSH, .wnd = 1000};

static size_t put_byte(uint8_t *out)
{
    next.len = 1;
    size_t n = sim_forge_segment(out, &next, (const uint8_t *)"\1");
    next.sn++;
    return n;
}

static size_t put_stream(uint8_t *out)
{
    struct skt_kcp_header h = next;
    next.conv += 2;
    return sim_forge_segment(out, &h, NULL);
}

static size_t put_wask(uint8_t *out)
{
    struct skt_kcp_header h = {.conv = SKT_CONV_MESSAGE, .cmd = SKT_KCP_CMD_WASK};
    return sim_forge_segment(out, &h, NULL);
}

static size_t put_ack(uint8_t *out)
{
    struct skt_kcp_header h = {.conv = 2, .cmd = SKT_KCP_CMD_ACK, .sn = 0xffffff00, .wnd = 1000};
    return sim_forge_segment(out, &h, NULL);
}

static size_t segments(size_t (*put)(uint8_t *out))
{
    size_t n = 1;
    frames[0] = SKT_FRAME_KCP;
    while (n + SKT_KCP_HEADER_LEN < ROOM)
        n += put(frames + n);
    return n;
}

/* --- ACK frames --- */

static const struct skt_kcp *stream;

static size_t put_ranges(uint8_t *out)
{
    const struct skt_kcp *k = stream;
    struct skt_ack_frame f = {.conv = k->conv, .una = 0, .wnd = 1000, .newest_sn = k->snd_nxt - 1};
    struct skt_segment *seg = *skt_seg_ring_at(&k->snd, k->snd_nxt - 1);
    struct skt_ack_record r = {.lo = 1, .hi = k->snd_nxt - 1, .ts = seg ? seg->ts : 0, .range = true};
    struct skt_ack_writer a;
    f.newest_ts = r.ts;
    skt_ack_frame_begin(&a, &f, out, 64);
    (void)skt_ack_frame_add(&a, &r);
    return skt_ack_frame_end(&a);
}

static size_t put_una(uint8_t *out)
{
    struct skt_ack_frame f = {.conv = stream->conv, .una = stream->snd_nxt, .wnd = 1000};
    struct skt_ack_writer a;
    f.newest_sn = f.una - 1;
    skt_ack_frame_begin(&a, &f, out, 64);
    return skt_ack_frame_end(&a);
}

/* --- the run --- */

static int measure(struct sim_world *w, const char *what)
{
    static const struct {
        const char *name;
        size_t (*put)(uint8_t *out);
        int kind; /* 0 frames, 1 segments, 2 frames while much is in flight */
    } all[] = {{"PING", put_ping, 0},     {"PONG", put_pong, 0},        {"REPORT", put_report, 0},
               {"ATTACH", put_attach, 0}, {"bytes", put_byte, 1},       {"streams", put_stream, 1},
               {"WASK", put_wask, 1},     {"ACK-segments", put_ack, 1}, {"ACK-ranges", put_ranges, 2},
               {"ACK-una", put_una, 2}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (strcmp(what, all[i].name) != 0)
            continue;
        if (all[i].kind == 2) {
            w->server.reply_len = 100000000;
            sim_world_open(w, "", 10);
            sim_world_run(w, w->now + SKT_US_PER_SEC, NULL);
            fill_the_path(w);
            uint32_t pos = 0;
            stream = &((struct skt_stream *)skt_idmap_next(&server(w)->streams, &pos))->kcp;
            fprintf(stderr, "%u in flight\n", stream->snd_nxt - stream->snd_una);
        }
        for (int n = 0; n < PACKETS; n++)
            measured(w, all[i].kind == 1 ? segments(all[i].put) : fill(all[i].put));
        return 0;
    }
    fprintf(stderr, "no scenario %s\n", what);
    return 1;
}

int main(int argc, char **argv)
{
    struct sim_world_config c = {.up.delay = 20 * SKT_US_PER_MS, .down.delay = 20 * SKT_US_PER_MS, .seed = 1};
    struct sim_world *w = sim_world_new(&c);
    sim_world_connect(w, true);
    if (argc != 2 || !sim_world_run(w, w->now + 5 * SKT_US_PER_SEC, sim_is_up))
        return 1;
    sim_world_run(w, w->now + 3 * SKT_US_PER_SEC, NULL);
    int failed = measure(w, argv[1]);
    printf("%d\n", PACKETS);
    fflush(stdout);
    _Exit(failed);
}
