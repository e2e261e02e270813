/* SPDX-License-Identifier: MIT */
/* What the demo's processes tell the one that draws the table, through a pipe. */
#ifndef SKT_DEMO_REPORT_H
#define SKT_DEMO_REPORT_H

#include <stdint.h>

/* How a request gets to the web server. */
enum skt_demo_way {
    SKT_DEMO_DIRECT, /* on this machine, no line between */
    SKT_DEMO_TUNNEL, /* through client, bad line and server */
    SKT_DEMO_PLAIN,  /* the system's own TCP over a line of the same kind */
    SKT_DEMO_WAYS,
};

enum skt_demo_report_kind {
    SKT_DEMO_GET,         /* value: seconds */
    SKT_DEMO_GET_FAILED,  /* nothing more */
    SKT_DEMO_LOADED,      /* count: more bytes of the download under way have come and are right */
    SKT_DEMO_LOAD_DONE,   /* count: bytes of the whole */
    SKT_DEMO_LOAD_FAILED, /* nothing more */
    SKT_DEMO_LOAD_WRONG,  /* count: offset of the first wrong byte */
    SKT_DEMO_LINE,        /* count: packets that came to the line so far, both ways; lost: of these */
    SKT_DEMO_UP,          /* text: the way's congestion control */
    SKT_DEMO_DOWN,        /* text: what the way needs and can't have here; count: errno */
};

enum { SKT_DEMO_TEXT_MAX = 40 }; /* bytes, the end included: a few words */

struct skt_demo_report {
    uint32_t kind;                /* enum skt_demo_report_kind */
    uint32_t way;                 /* enum skt_demo_way */
    double value;                 /* see the kinds */
    uint64_t count;               /* see the kinds */
    uint64_t lost;                /* see the kinds */
    char text[SKT_DEMO_TEXT_MAX]; /* ends with a 0 */
};

/* Writes one; short enough for a pipe to take it whole. */
void skt_demo_report(int fd, const struct skt_demo_report *report);

#endif
