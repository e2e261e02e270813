/* SPDX-License-Identifier: MIT */
/* A whole tunnel in one loop: a client's and a server's endpoint on loopback with a set of relays each, a
 * target that listens, and the two TCP ends of a proxied connection in the test's hands.
 *
 *   app fd -- TCP -- relay -- client ep == UDP == server ep -- relay -- TCP -- target fd
 */
#ifndef SKT_TESTS_TUNNEL_RELAY_RIG_H
#define SKT_TESTS_TUNNEL_RELAY_RIG_H

#include "io/loop.h"
#include "tunnel/relay.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rig_side {
    struct skt_relay_set *relays;
    struct skt_endpoint *ep;
    struct skt_relay_options options;
    struct skt_relay *last;   /* begun last */
    struct skt_relay *victim; /* on_close resets this one too */
    unsigned closed;          /* calls of on_close */
};

struct rig {
    struct skt_loop *loop;
    struct skt_shared *shared;
    struct rig_side client, server;
    uint32_t cid; /* the client's, once it is up */
    int listener; /* the target */
    const char *target_host;
    uint16_t target_port;
    bool no_target; /* streams are reset by the server's handler */
};

/* Makes everything and waits until the session is up. max_memory: of the packet buffers, 0: default. */
void rig_start(struct rig *rig, size_t max_memory);
void rig_stop(struct rig *rig);

/* Runs the loop until done or time is over: true, it is done. A second and more is what something should
 * take, which is given many times as long; less is for what must not happen. */
bool rig_until(struct rig *rig, bool (*done)(void *arg), void *arg, skt_us time);
void rig_run(struct rig *rig, skt_us time);

/* A new TCP pair, one end given to a relay: the other one. */
int rig_open(struct rig *rig, const char *target);

/* Waits for the next connection at the target. */
int rig_accept(struct rig *rig);

/* Writes all of buf into one socket and reads as much from the other, checking that it is the same; both are
 * non-blocking. 0 or the number of bytes missing when `time` is over. */
size_t rig_move(struct rig *rig, int from, int to, const uint8_t *buf, size_t len, skt_us time);

/* Waits until a read from fd gives something: > 0 bytes, 0 at the end, -errno. */
long rig_read(struct rig *rig, int fd, void *buf, size_t len, skt_us time);

/* Waits until all relays of both sides have ended. */
bool rig_all_closed(struct rig *rig, skt_us time);

#endif
