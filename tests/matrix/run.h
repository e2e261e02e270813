/* SPDX-License-Identifier: MIT */
/* A cell while it runs: its links (net.c) and history (course.c), our sessions (ours.c), requests (thin.c);
 * what happens (drive.c), and what is counted (run.c). */
#ifndef MATRIX_RUN_H
#define MATRIX_RUN_H

#include "matrix/matrix.h"
#include "sim/inner.h"
#include "sim/rival.h"
#include "sim/world.h"

enum {
    MATRIX_TICK = 10 * SKT_US_PER_MS, /* what is switched, and looked at from outside, is so at these times */
    MATRIX_ON_MAX = 24,
    MATRIX_THIN_MAX = 1024,
    MATRIX_THIN_LEN = 64,
    MATRIX_INNER_PAYLOAD = 1348, /* of a packet of SIM_INNER_LEN */
};

/* When a history has data to send, and what else happens; times from its beginning. */
struct matrix_course {
    struct matrix_span {
        skt_us from, to;
    } on[MATRIX_ON_MAX]; /* the bulk flow has something to send */
    unsigned on_count;
    unsigned counted; /* the first of `on` that counts, */
    skt_us settle;    /* without as much of its beginning */
    struct matrix_span thin;
    skt_us moves_at; /* SKT_NEVER: it does not */
    skt_us end;
};

struct matrix_course matrix_course_of(const struct matrix_cell *c);

/* At time t: has the bulk flow something to send, and does what passes count? */
bool matrix_is_on(const struct matrix_course *course, skt_us t);
bool matrix_counts(const struct matrix_course *course, skt_us t);

/* Whose a datagram is. */
enum matrix_tag { MATRIX_OURS, MATRIX_OTHER, MATRIX_RIVAL, MATRIX_CROSSING, MATRIX_THIN };

struct matrix_thin {
    skt_us asked[MATRIX_THIN_MAX];    /* when, */
    skt_us alone[MATRIX_THIN_MAX];    /* how long it takes over a link without anything else, */
    skt_us answered[MATRIX_THIN_MAX]; /* and when the answer came; 0: not yet */
    skt_us again[MATRIX_THIN_MAX];    /* beside a TCP: when it is sent again */
    unsigned count, first;            /* all before `first` are answered */
    skt_us srtt;
};

enum { MATRIX_SERVER, MATRIX_CLIENT };

/* One of our sessions. */
struct matrix_ours {
    struct sim_world *world;
    struct sim_inner *inner; /* TUN mode; else NULL */
    int bulk, thin;          /* streams of the world's client; -1: none */
    skt_us at[2];            /* when server and client are due */
    bool touched[2];         /* they are now */
    uint64_t sent;           /* datagrams of both ends */
    uint64_t sent_bytes;     /* IP bytes, data direction */
    enum matrix_tag tag;
    struct matrix_run *run;
};

struct matrix_run {
    struct matrix_cell cell;
    struct matrix_course course;
    struct sim_rng rng;
    skt_us start, now;
    struct sim_link forth, back;
    struct sim_capacity *schedule[2];
    struct matrix_ours ours[2];
    unsigned ours_count;
    struct sim_rival rival, crossing; /* kind SIM_RIVAL_NONE: none */
    bool on;                          /* the bulk flow has something to send */
    bool open;                        /* a span that counts is being read */
    struct matrix_thin thin;
    double could;                 /* bytes of IP that the link could have carried in what counts */
    double got[2], got_before[2]; /* payload bytes: ours (or the reference's), the others' */
    double sent, sent_at_start;   /* IP bytes of ours in the data direction */
    uint64_t dropped, dropped_before;
    unsigned waits[4096], wait_count; /* queue, ms */
    double wait_sum;
};

/* --- net.c --- */

bool matrix_net_init(struct matrix_run *r, uint64_t seed);
void matrix_net_dispose(struct matrix_run *r);

/* Changes of the links that are due at a tick. */
void matrix_net_tick(struct matrix_run *r, skt_us t);
void matrix_net_move(struct matrix_run *r);

/* IP bytes that could pass within the tick that begins now. */
double matrix_net_could(const struct matrix_run *r);

/* One way, jitter's mean included. */
skt_us matrix_net_delay(const struct sim_link *l);

/* --- ours.c --- */

/* Another session, which begins to connect. */
void matrix_ours_add(struct matrix_run *r, uint64_t seed);

/* Has the bulk flow something to send from now on? */
void matrix_ours_set_bulk(struct matrix_ours *o, bool on);
void matrix_ours_ask(struct matrix_ours *o); /* a request */

/* Bytes that the bulk flow has delivered. */
double matrix_ours_payload(const struct matrix_ours *o);

/* Timers of the inner TCPs; and what is due or was touched. */
void matrix_ours_check(struct matrix_ours *o);
void matrix_ours_turn(struct matrix_ours *o);

/* --- drive.c --- */

/* Everything that happens before `until`, which becomes the time. */
void matrix_drive(struct matrix_run *r, skt_us until);

/* --- thin.c --- */

/* A request is asked now; beside a TCP it is a datagram, sent again until it is answered. */
void matrix_thin_send(struct matrix_run *r);
void matrix_thin_again(struct matrix_run *r);
void matrix_thin_arrived(struct matrix_run *r, bool forth, const uint8_t *data);

void matrix_thin_answer(struct matrix_run *r, unsigned number);
void matrix_thin_result(struct matrix_run *r, struct matrix_result *out);

#endif
