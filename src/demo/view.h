/* SPDX-License-Identifier: MIT */
/* The view: how what the demo has seen is shown. */
#ifndef SKT_DEMO_VIEW_H
#define SKT_DEMO_VIEW_H

#include "demo/stats.h"

#include <stdbool.h>

/* How the link was told to be, in words. */
struct skt_demo_link_words {
    double loss_percent; /* of the packets, each way */
    double rtt_ms;       /* there and back */
    double rate_mbit;    /* each way; 0: no limit */
};

/* Says what the rows of the table are. */
void skt_demo_view_rows(void);

/* Draws the table over the one before (terminal), or adds one line. */
void skt_demo_view_live(const struct skt_demo_stats *s, bool terminal);

void skt_demo_view_summary(const struct skt_demo_stats *s, const struct skt_demo_link_words *link);

#endif
