/* SPDX-License-Identifier: MIT */
/* What sessions of one name (a ticket's, a server's), or connections to one target, have come to: sums that
 * outlive those who made them, so that none ever goes back. A list of tallies belongs to who made its head
 * (skt_list_init), and with it the tallies: skt_tally_free_all. */
#ifndef SKT_TUNNEL_TALLY_H
#define SKT_TUNNEL_TALLY_H

#include "base/list.h"
#include "proto/session/stats.h"

#include <stdint.h>

enum {
    SKT_TALLIES_MAX = 1000,   /* names of a list: peers may choose them where scripts let them; 350 KB */
    SKT_TALLY_NAME_MAX = 128, /* bytes of a name and its end; people read them, so what is longer is cut */
};

/* Of a target: places in `sum`. */
enum skt_tally_of_target {
    SKT_TALLY_OPEN,     /* relays that there are now */
    SKT_TALLY_ASKED,    /* relays that began */
    SKT_TALLY_REFUSED,  /* relays that never had their stream or their target */
    SKT_TALLY_FROM_TCP, /* bytes read from TCP */
    SKT_TALLY_TO_TCP,   /* bytes written to TCP */
};

struct skt_tally {
    struct skt_list link;     /* in its list */
    uint64_t sum[SKT_STATS];  /* of the sessions that have ended, each number that counts; or of a target */
    uint64_t live[SKT_STATS]; /* of those that there are, for who writes the metrics */
    uint64_t begun;           /* sessions that were accepted, or given by a server */
    uint64_t up;              /* those that carry something now, for who writes the metrics */
    char name[SKT_TALLY_NAME_MAX]; /* as metrics have it: UTF-8 with \\, \" and \n; "": no name */
};

/* The tally of this name, made where there is none. Where there are too many, that of "(others)". NULL: no
 * memory. */
struct skt_tally *skt_tally_of(struct skt_list *all, const char *name);

/* The name as a tally has it. */
void skt_tally_name(char out[SKT_TALLY_NAME_MAX], const char *name);

/* What a session has counted, added to row `to`: the tally's sum or live. */
void skt_tally_add(uint64_t to[SKT_STATS], const struct skt_session *s);

void skt_tally_free_all(struct skt_list *all);

#endif
