/* SPDX-License-Identifier: MIT */
/* What a bad line does with packets: limits their rate, loses some and delays the rest, in this order, the
 * same in each direction. Seeded: the same packets are lost in every run with as many of them. It moves none
 * itself: who does gives it what came in and fetches what is due. */
#ifndef SKT_DEMO_LINE_H
#define SKT_DEMO_LINE_H

#include <stddef.h>
#include <stdint.h>

struct skt_demo_line_conf {
    double loss;      /* share of the packets lost each way, 0..1 */
    double delay_s;   /* one way */
    double rate_mbit; /* each way, with a buffer of 100 ms; 0: no limit */
    uint64_t seed;    /* of which packets are lost */
};

enum skt_demo_line_way { SKT_DEMO_TO_SERVER, SKT_DEMO_TO_CLIENT, SKT_DEMO_LINE_WAYS };

struct skt_demo_packet {
    struct skt_demo_packet *next; /* the one that came after it */
    double due;                   /* when it leaves the line, by skt_cli_now() */
    size_t len;                   /* bytes of data */
    uint8_t data[];               /* as it came */
};

/* One way. The delay is constant, so what came first is due first. */
struct skt_demo_line_queue {
    struct skt_demo_packet *first; /* under way, in order; NULL: nothing is */
    struct skt_demo_packet **last; /* where the next one is hung */
    size_t bytes;                  /* of all that are under way */
    double free_at;                /* when the line has sent what came so far */
};

struct skt_demo_line {
    struct skt_demo_line_conf conf;                        /* as given */
    struct skt_demo_line_queue queues[SKT_DEMO_LINE_WAYS]; /* what is under way, by enum skt_demo_line_way */
    uint64_t random_state;                                 /* of the generator that chooses what is lost */
    uint64_t seen;                                         /* packets that came, both ways */
    uint64_t lost;                                         /* of these, those that were lost */
};

/* The line's queues hang on its address: it must not move afterwards. */
void skt_demo_line_init(struct skt_demo_line *l, const struct skt_demo_line_conf *conf);

/* Takes a packet that came at `now`; on the wire it has `extra` bytes of headers more. Copies it, or loses
 * it. */
void skt_demo_line_take(struct skt_demo_line *l, enum skt_demo_line_way way, const uint8_t *data, size_t len,
                        size_t extra, double now);

/* The next packet that is due at `now`, for the caller to free(); NULL: none. */
struct skt_demo_packet *skt_demo_line_give(struct skt_demo_line *l, enum skt_demo_line_way way, double now);

/* When the next packet is due, or `otherwise` where that is earlier. */
double skt_demo_line_next(const struct skt_demo_line *l, double otherwise);

#endif
