/* SPDX-License-Identifier: MIT */
#include "cli/status_items.h"

#include "base/err.h"

#include <stdlib.h>

static double number(struct skt_json value, const char *path)
{
    return skt_json_number(skt_json_get(value, path), 0);
}

double skt_status_number(struct skt_json session, enum skt_stat which)
{
    return number(session, skt_stats[which].status);
}

static size_t count_sessions(struct skt_json sessions)
{
    struct skt_json pos = {0}, item;
    size_t n = 0;
    while (skt_json_next(sessions, &pos, &item))
        n++;
    return n;
}

static const struct skt_status_item *find(const struct skt_status_items *items, double cid)
{
    for (size_t i = 0; items && i < items->count; i++)
        if (items->list[i].cid >= cid && items->list[i].cid <= cid)
            return &items->list[i];
    return NULL;
}

/* How fast a count grew; one that is smaller than before has begun anew. */
static double rate(double now, double before, double elapsed_s)
{
    return elapsed_s > 0 ? (now >= before ? now - before : now) / elapsed_s : 0;
}

static void read_item(struct skt_status_item *to, struct skt_json json, const struct skt_status_items *before,
                      double elapsed_s)
{
    *to = (struct skt_status_item){.json = json,
                                   .cid = number(json, "cid"),
                                   .tx = skt_status_number(json, SKT_STAT_BYTES_TX),
                                   .rx = skt_status_number(json, SKT_STAT_BYTES_RX)};
    const struct skt_status_item *old = find(before, to->cid);
    /* One that was not there has all its bytes from this interval, unless it was overlooked. */
    if (before && (old || skt_status_number(json, SKT_STAT_AGE) <= elapsed_s)) {
        to->tx_s = rate(to->tx, old ? old->tx : 0, elapsed_s);
        to->rx_s = rate(to->rx, old ? old->rx : 0, elapsed_s);
    }
}

static void read_flow(struct skt_status_flow *to, double packets, double bytes,
                      const struct skt_status_flow *before, double elapsed_s)
{
    *to = (struct skt_status_flow){.packets = packets, .bytes = bytes};
    if (before) {
        to->packets_s = rate(packets, before->packets, elapsed_s);
        to->bytes_s = rate(bytes, before->bytes, elapsed_s);
    }
}

static void read_tun(struct skt_status_items *to, struct skt_json tun, const struct skt_status_items *before,
                     double elapsed_s)
{
    read_flow(&to->tun_read, number(tun, "packets_in"), number(tun, "bytes_in"),
              before ? &before->tun_read : NULL, elapsed_s);
    read_flow(&to->tun_written, number(tun, "packets_out"), number(tun, "bytes_out"),
              before ? &before->tun_written : NULL, elapsed_s);
}

static int descending(double x, double y)
{
    return (x < y) - (x > y);
}

static int compare(const void *a, const void *b)
{
    const struct skt_status_item *x = a, *y = b;
    int order = descending(x->tx_s + x->rx_s, y->tx_s + y->rx_s);
    if (order == 0)
        order = descending(x->tx + x->rx, y->tx + y->rx);
    return order ? order : descending(y->cid, x->cid);
}

int skt_status_items_read(struct skt_status_items *to, struct skt_json status,
                          const struct skt_status_items *before, double elapsed_s)
{
    struct skt_json sessions = skt_json_get(status, "sessions"), pos = {0}, json;
    size_t count = count_sessions(sessions);
    *to = (struct skt_status_items){.list = calloc(count ? count : 1, sizeof *to->list)};
    if (!to->list)
        return SKT_ERR_NOMEM;
    while (to->count < count && skt_json_next(sessions, &pos, &json)) {
        struct skt_status_item *item = &to->list[to->count++];
        read_item(item, json, before, elapsed_s);
        to->tx += item->tx;
        to->rx += item->rx;
        to->tx_s += item->tx_s;
        to->rx_s += item->rx_s;
        to->streams += skt_status_number(json, SKT_STAT_STREAMS);
    }
    read_tun(to, skt_json_get(status, "tun"), before, elapsed_s);
    qsort(to->list, to->count, sizeof *to->list, compare);
    return SKT_OK;
}

void skt_status_items_free(struct skt_status_items *items)
{
    free(items->list);
    *items = (struct skt_status_items){0};
}
