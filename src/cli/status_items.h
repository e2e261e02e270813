/* SPDX-License-Identifier: MIT */
/* The sessions of a status, the busiest first, with what they did since the status before. */
#ifndef SKT_CLI_STATUS_ITEMS_H
#define SKT_CLI_STATUS_ITEMS_H

#include "cli/json.h"
#include "proto/session/stats.h"

#include <stddef.h>

/* One of a session's numbers, of those that the status has; 0 where an older instance did not write it. */
double skt_status_number(struct skt_json session, enum skt_stat which);

struct skt_status_item {
    struct skt_json json; /* the session's; of no use once the status's text is freed */
    double cid;           /* its number */
    double tx;            /* bytes sent so far, in datagrams */
    double rx;            /* bytes received so far, in datagrams */
    double tx_s;          /* bytes sent a second since the status before; 0 where there was none */
    double rx_s;          /* bytes received a second since the status before; 0 where there was none */
};

/* One direction of the TUN. */
struct skt_status_flow {
    double packets;   /* so far */
    double bytes;     /* so far */
    double packets_s; /* a second since the status before; 0 where there was none */
    double bytes_s;   /* a second since the status before; 0 where there was none */
};

struct skt_status_items {
    struct skt_status_item *list;       /* the busiest first; on the heap */
    size_t count;                       /* of `list` */
    double tx;                          /* sum of the items' tx */
    double rx;                          /* sum of the items' rx */
    double tx_s;                        /* sum of the items' tx_s */
    double rx_s;                        /* sum of the items' rx_s */
    double streams;                     /* of all sessions */
    struct skt_status_flow tun_read;    /* packets that the TUN had for sessions */
    struct skt_status_flow tun_written; /* packets that sessions had for the TUN */
};

/* Reads a status's sessions. `before` is what was read elapsed_s earlier, or NULL: then rates are 0, and the
 * busiest is the one with the most bytes. The caller frees *to, which is empty on SKT_ERR_NOMEM. */
int skt_status_items_read(struct skt_status_items *to, struct skt_json status,
                          const struct skt_status_items *before, double elapsed_s);

void skt_status_items_free(struct skt_status_items *items);

#endif
