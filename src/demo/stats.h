/* SPDX-License-Identifier: MIT */
/* What the demo has seen so far. */
#ifndef SKT_DEMO_STATS_H
#define SKT_DEMO_STATS_H

#include "demo/report.h"

#include <stdbool.h>
#include <stdint.h>

enum { SKT_DEMO_SAMPLES = 4096 }; /* seven minutes of ten a second: enough for a quantile of 99 % */

/* Times of one kind of request. */
struct skt_demo_times {
    double samples[SKT_DEMO_SAMPLES]; /* s; a ring of the latest */
    uint64_t count;                   /* all of them */
    double second_sum;                /* of the second under way */
    unsigned second_count;            /* of those in second_sum */
    double last;                      /* the mean of the latest second that had any; s */
};

/* What one way to the web server has brought. */
struct skt_demo_row {
    struct skt_demo_times gets;   /* of small answers, connection included */
    uint64_t gets_failed;         /* small answers that did not come */
    uint64_t loaded;              /* bytes found right so far */
    uint64_t loaded_before;       /* the same a second ago */
    uint64_t loads;               /* whole files */
    uint64_t loads_failed;        /* broken off, or silent for too long */
    uint64_t loads_wrong;         /* with a byte that is not what was sent */
    uint64_t wrong_offset;        /* of the first wrong byte */
    double load_mbit;             /* of the latest second */
    uint64_t line_seen;           /* packets that came to its line */
    uint64_t line_lost;           /* of these, those that were lost */
    char text[SKT_DEMO_TEXT_MAX]; /* its congestion control, or what it lacks; "": it has not begun */
    int error;                    /* errno: it can't be had here */
};

struct skt_demo_stats {
    struct skt_demo_row rows[SKT_DEMO_WAYS]; /* by enum skt_demo_way */
    double retransmitted;                    /* by both ends, from their status */
    char session[64];                        /* the client's session in words */
    double seconds;                          /* since the tunnel was up */
};

void skt_demo_stats_take(struct skt_demo_stats *s, const struct skt_demo_report *r);

/* Reads the status of both ends from their sockets. */
void skt_demo_stats_poll(struct skt_demo_stats *s, const char *client_socket, const char *server_socket);

/* A second has passed, which took `elapsed` s: works out rates. */
void skt_demo_stats_tick(struct skt_demo_stats *s, double elapsed);

/* The time that a share (0..1) of the latest samples stays under; 0: there are none. */
double skt_demo_times_quantile(const struct skt_demo_times *t, double share);

/* Did everything that went through the tunnel arrive right, and was there anything? */
bool skt_demo_stats_good(const struct skt_demo_stats *s);

#endif
