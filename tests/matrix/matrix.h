/* SPDX-License-Identifier: MIT */
/* The matrix: links times histories, each cell a transfer in simulated time against what the link could have
 * carried for a sender that knew everything. */
#ifndef MATRIX_MATRIX_H
#define MATRIX_MATRIX_H

#include "sim/link.h"

#include <stdbool.h>
#include <stdint.h>

/* What its data takes, and what ACKs do. Rates in kbit/s, chances in ten-thousandths; 0: none, or no limit.
 */
struct matrix_link {
    const char *name;
    const char *about; /* a few words for the table */
    unsigned kbit, kbit_back;
    unsigned delay_us; /* one way */
    unsigned buffer;   /* bytes; of the way back as many ms */
    unsigned loss, loss_back;
    unsigned run; /* losses come in runs of so many on average; 0: each for itself */
    unsigned jitter_us;
    unsigned reorder, reorder_us;
    enum matrix_shape {
        MATRIX_STEADY,
        MATRIX_RECORDED, /* forth and back name files of ../shared/traces */
        MATRIX_WANDER,   /* sim_capacity_wander */
        MATRIX_WIFI,     /* sim_capacity_wifi */
        MATRIX_LEO,      /* another satellite each 15 s */
        MATRIX_CROSS,    /* a CUBIC download fills the way back */
    } shape;
    const char *forth, *back;
    unsigned seconds; /* of a bulk transfer */
};

extern const struct matrix_link matrix_links[];
extern const unsigned matrix_link_count;

/* By name; NULL: there is none. */
const struct matrix_link *matrix_link_named(const char *name);

enum matrix_history {
    MATRIX_COLD,        /* the session is up, and has carried nothing */
    MATRIX_AFTER_THIN,  /* 5 s of requests of 64 bytes each 100 ms before */
    MATRIX_BESIDE_THIN, /* those before and meanwhile */
    MATRIX_ON_OFF,      /* 2 s of data, 2 s of none */
    MATRIX_AFTER_IDLE,  /* 3 s of data, five minutes of none */
    MATRIX_TWO,         /* another session has begun 3 s before */
    MATRIX_MOVED, /* half-way, another path: twice the delay and 20 ms, half the rate, another address */
    MATRIX_BESIDE_CUBIC, /* a CUBIC sender has begun 3 s before */
    MATRIX_BESIDE_BBR,   /* the same of BBR */
    MATRIX_HISTORIES,
};

extern const char *const matrix_history_names[MATRIX_HISTORIES];

/* Who sends: we, through a stream or as the tunnel of an inner CUBIC flow; or a TCP without a tunnel. */
enum matrix_mode { MATRIX_TCP, MATRIX_TUN, MATRIX_BBR, MATRIX_CUBIC, MATRIX_MODES };

extern const char *const matrix_mode_names[MATRIX_MODES];

struct matrix_cell {
    const struct matrix_link *link;
    enum matrix_history history;
    enum matrix_mode mode;
    bool normal;           /* speed mode; else turbo */
    unsigned seconds;      /* 0: as the link has it */
    const char *recording; /* a file instead of the link's schedule forth; NULL: none */
};

/* Times in ms, rates in Mbit/s of payload. What is not in the cell is 0. */
struct matrix_result {
    double goodput, limit;
    double payload_share;                 /* of the bytes of a full packet */
    double thin_mean, thin_p50, thin_p99; /* round trips over the link's own */
    unsigned thin_count;
    double queue_mean,
        queue_p99;  /* what waits before the link, as a packet that comes at any time finds it */
    double dropped; /* packets, by the full buffer */
    double bytes;   /* sent in the data direction over payload delivered */
    double share;   /* of what it and the others got, 0 to 1; 0: it is alone */
    double both;    /* what all of them got over the limit */
    bool cut;       /* the session or its stream has not lasted */
};

/* Has the cell a TCP without a tunnel to be compared with? Not where several flows share the link. */
bool matrix_has_reference(const struct matrix_cell *cell);

/* False: a recording is not there. */
bool matrix_run(const struct matrix_cell *cell, uint64_t seed, struct matrix_result *out);

#endif
