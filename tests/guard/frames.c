/* SPDX-License-Identifier: MIT */
/* What the dearest packets of a peer with good keys cost the end that takes them, and what its timers then
 * do, for counting instructions: one scenario a run, its packets read by measured() alone. usage:
 * guard_frames [SCENARIO]; without one it lists them, each with `packet` or `turn`, whichever it measures. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guard/makers.h"
#include "proto/kcp/turns.h"

enum { PACKETS = 20 };

enum kind {
    TO_SERVER,
    TO_CLIENT,
    IN_FLIGHT /* to the server, while much is */,
    EXPIRE, /* no packet: a timer */
    COUNT   /* nor that: what waits is counted */
};

struct scenario {
    const char *name;
    guard_make *make;
    enum kind kind;
    unsigned packets;
};

static const struct scenario all[] = {
    {"PING", guard_ping, TO_SERVER, PACKETS},
    {"PONG", guard_pong, TO_SERVER, PACKETS},
    {"REPORT", guard_report, TO_SERVER, PACKETS},
    {"ATTACH", guard_attach, TO_SERVER, PACKETS},
    {"PROBE", guard_probe, TO_SERVER, PACKETS},
    {"CHALLENGE", guard_challenge, TO_CLIENT, PACKETS},
    {"CLOSE", guard_close, TO_SERVER, 1},
    {"PIECE", guard_piece, TO_SERVER, PACKETS},
    {"PARITY", guard_parity, TO_SERVER, PACKETS},
    {"PARITY-of-streams", guard_parity_of_streams, TO_SERVER, 4},
    {"bytes", guard_bytes, TO_SERVER, PACKETS},
    {"streams", guard_streams, TO_SERVER, PACKETS},
    {"stream-parts", guard_parts, TO_SERVER, 90},
    {"over", guard_over, TO_SERVER, PACKETS},
    {"duplicates", guard_duplicates, TO_SERVER, PACKETS},
    {"hole", guard_hole, TO_SERVER, 4},
    {"holes", guard_holes, TO_SERVER, 4},
    {"WASK", guard_wask, TO_SERVER, PACKETS},
    {"RESET-unknown", guard_reset_unknown, TO_SERVER, PACKETS},
    {"RESET-open", guard_reset_open, TO_SERVER, PACKETS},
    {"RESET-holding", guard_reset_holding, TO_SERVER, 1},
    {"RESET-hole", guard_hole_of_resets, TO_SERVER, 1},
    {"ACK-segments", guard_ack_segments, TO_SERVER, PACKETS},
    {"ACK-of-nothing", guard_acks_of_nothing, TO_SERVER, PACKETS},
    {"ACK-ranges", guard_ack_ranges, IN_FLIGHT, PACKETS},
    {"ACK-una", guard_ack_una, IN_FLIGHT, PACKETS},
    {"PARITY-rest", guard_parity_rest, EXPIRE, 5},
    {"RTO", guard_rto, EXPIRE, 1},
    {"waiting", guard_waiting, COUNT, 1},
};

/* Nothing else is counted. */
__attribute__((noinline)) void measured(struct sim_world *w, enum kind kind, const uint8_t *frames,
                                        size_t len);
void measured(struct sim_world *w, enum kind kind, const uint8_t *frames, size_t len)
{
    if (kind == COUNT)
        (void)skt_turns_waiting(&sim_world_session(w)->path, SIZE_MAX);
    else if (kind == EXPIRE)
        skt_session_expire(sim_world_session(w), w->now);
    else
        (void)sim_forge(w, kind != TO_CLIENT, frames, len);
}

static void run(struct sim_world *w, const struct scenario *s)
{
    static uint8_t frames[GUARD_ROOM + 500];
    if (s->kind == IN_FLIGHT)
        fprintf(stderr, "%u in flight\n", guard_fill_the_path(w, 1));
    for (unsigned n = 0; n < s->packets; n++)
        measured(w, s->kind, frames, s->make(w, n, frames));
}

static struct sim_world *connected(void)
{
    struct sim_world_config c = {.up.delay = 20 * SKT_US_PER_MS, .down.delay = 20 * SKT_US_PER_MS, .seed = 1};
    struct sim_world *w = sim_world_new(&c);
    sim_world_connect(w, true);
    if (!sim_world_run(w, w->now + 5 * SKT_US_PER_SEC, sim_is_up))
        exit(1);
    sim_world_run(w, w->now + 3 * SKT_US_PER_SEC, NULL);
    return w;
}

int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (argc < 2) {
            printf("%s %s\n", all[i].name, all[i].kind >= EXPIRE ? "turn" : "packet");
        } else if (strcmp(argv[1], all[i].name) == 0) {
            run(connected(), &all[i]);
            _Exit(0);
        }
    }
    if (argc > 1)
        fprintf(stderr, "no scenario %s\n", argv[1]);
    return argc > 1;
}
