/* SPDX-License-Identifier: MIT */
/* What the demo's processes tell the one that draws the table, through a pipe. */
#ifndef SKT_CLI_DEMO_REPORT_H
#define SKT_CLI_DEMO_REPORT_H

#include <stdint.h>

enum skt_demo_report_kind {
    SKT_DEMO_GET_DIRECT, /* value: seconds */
    SKT_DEMO_GET_TUNNEL, /* value: seconds */
    SKT_DEMO_GET_FAILED, /* through the tunnel */
    SKT_DEMO_LOADED,     /* count: more bytes of the download under way have come and are right */
    SKT_DEMO_LOAD_DONE,  /* count: bytes of the whole */
    SKT_DEMO_LOAD_FAILED,
    SKT_DEMO_LOAD_WRONG, /* count: offset of the first wrong byte */
    SKT_DEMO_LINK,       /* count: packets that came to the link so far, both ways; lost: of these */
};

struct skt_demo_report {
    uint32_t kind;
    double value;
    uint64_t count, lost;
};

/* Writes one; short enough for a pipe to take it whole. */
void skt_demo_report(int fd, const struct skt_demo_report *report);

#endif
