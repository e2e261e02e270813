/* SPDX-License-Identifier: MIT */
#include "proto/path/rtt.h"

/* A route that has become longer is believed after one to two of these; a shorter time could pass without one
 * round trip that found the queue empty. */
#define MIN_WINDOW (10 * SKT_US_PER_SEC)

void skt_rtt_begin(struct skt_rtt *r, skt_us now)
{
    skt_us at = r->at;
    *r = (struct skt_rtt){.at = at, .epoch_at = now, .min_bucket = {SKT_NEVER, SKT_NEVER}, .min_at = now};
}

static void update_min(struct skt_rtt *r, skt_us now, skt_us rtt)
{
    if (now - r->min_at >= MIN_WINDOW) {
        r->min_bucket[1] = r->min_bucket[0];
        r->min_bucket[0] = SKT_NEVER;
        r->min_at = now;
    }
    r->min_bucket[0] = skt_us_min(r->min_bucket[0], rtt);
    r->min = skt_us_min(r->min_bucket[0], r->min_bucket[1]);
}

/* RFC 6298, 2; the deviation with a quarter of what is new, as there. */
void skt_rtt_take(struct skt_rtt *r, skt_us now, skt_us rtt)
{
    rtt = skt_us_max(rtt, 1); /* 0 means none, and divides badly */
    r->latest = rtt;
    r->at = now;
    update_min(r, now, rtt);
    if (r->srtt == 0) {
        r->srtt = rtt;
        r->rttvar = rtt / 2;
        return;
    }
    skt_us delta = rtt > r->srtt ? rtt - r->srtt : r->srtt - rtt;
    r->rttvar = (3 * r->rttvar + delta) / 4;
    r->srtt = (7 * r->srtt + rtt) / 8;
}
