/* SPDX-License-Identifier: MIT */
#include "tunnel/taker_pairs.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>

enum { PORT_FIRST = 1024 }; /* none that a firewall may know a service by */

int skt_taker_pairs_init(struct skt_taker_pairs *t, uint64_t hash_key)
{
    *t = (struct skt_taker_pairs){.hash_key = hash_key};
    t->next_port = (uint16_t)(PORT_FIRST + hash_key % (UINT16_MAX - PORT_FIRST));
    t->by_app = calloc(SKT_TAKER_BUCKETS, sizeof(struct skt_taker_pair *));
    t->by_near = calloc(SKT_TAKER_BUCKETS, sizeof(struct skt_taker_pair *));
    return t->by_app && t->by_near ? SKT_OK : SKT_ERR_NOMEM;
}

void skt_taker_pairs_dispose(struct skt_taker_pairs *t)
{
    free(t->by_app);
    free(t->by_near);
    t->by_app = t->by_near = NULL;
}

const struct skt_addr *skt_taker_pairs_listener(const struct skt_taker_pairs *t, uint8_t family)
{
    return &t->listeners[family == 6];
}

/* --- finding --- */

static size_t bucket_of(const struct skt_taker_pairs *t, const struct skt_ippkt *ip)
{
    return skt_ippkt_hash(ip, t->hash_key) % SKT_TAKER_BUCKETS;
}

/* What a packet from `src` to `dst` would be read as. */
static struct skt_ippkt packet_of(const struct skt_addr *src, const struct skt_addr *dst, uint16_t dst_port)
{
    return (struct skt_ippkt){.version = src->family,
                              .protocol = SKT_IPPKT_TCP,
                              .has_ports = true,
                              .src_port = src->port,
                              .dst_port = dst_port,
                              .src = src->ip,
                              .dst = dst->ip};
}

static bool is_at(const struct skt_addr *a, uint8_t version, const uint8_t *ip)
{
    return a->family == version && memcmp(a->ip, ip, version == 4 ? 4 : 16) == 0;
}

static struct skt_ippkt app_packet(const struct skt_taker_pair *pair)
{
    return packet_of(&pair->app, &pair->far, pair->far.port);
}

static struct skt_ippkt near_packet(const struct skt_taker_pairs *t, const struct skt_taker_pair *pair)
{
    return packet_of(skt_taker_pairs_listener(t, pair->far.family), &pair->far, pair->near_port);
}

struct skt_taker_pair *skt_taker_pairs_of_app(const struct skt_taker_pairs *t, const struct skt_ippkt *ip)
{
    struct skt_taker_pair *p = t->by_app[bucket_of(t, ip)];
    while (p && !(p->app.port == ip->src_port && p->far.port == ip->dst_port &&
                  is_at(&p->app, ip->version, ip->src) && is_at(&p->far, ip->version, ip->dst)))
        p = p->next_by_app;
    return p;
}

struct skt_taker_pair *skt_taker_pairs_of_near(const struct skt_taker_pairs *t, const struct skt_ippkt *ip)
{
    const struct skt_addr *listener = skt_taker_pairs_listener(t, ip->version);
    if (listener->port != ip->src_port || !is_at(listener, ip->version, ip->src))
        return NULL;
    struct skt_taker_pair *p = t->by_near[bucket_of(t, ip)];
    while (p && !(p->near_port == ip->dst_port && is_at(&p->far, ip->version, ip->dst)))
        p = p->next_by_near;
    return p;
}

struct skt_taker_pair *skt_taker_pairs_from(const struct skt_taker_pairs *t, const struct skt_addr *peer)
{
    struct skt_ippkt ip = packet_of(skt_taker_pairs_listener(t, peer->family), peer, peer->port);
    return ip.version == peer->family ? skt_taker_pairs_of_near(t, &ip) : NULL;
}

bool skt_taker_pairs_for_listener(const struct skt_taker_pairs *t, const struct skt_ippkt *ip)
{
    const struct skt_addr *listener = skt_taker_pairs_listener(t, ip->version);
    return ip->protocol == SKT_IPPKT_TCP && is_at(listener, ip->version, ip->dst) &&
           (!ip->has_ports || ip->dst_port == listener->port);
}

/* --- changing --- */

/* A port that no other connection to the same host has. */
static bool choose_port(struct skt_taker_pairs *t, struct skt_taker_pair *pair)
{
    for (unsigned tries = 0; tries < UINT16_MAX - PORT_FIRST; tries++) {
        struct skt_addr peer = pair->far;
        peer.port = t->next_port;
        t->next_port = t->next_port == UINT16_MAX ? PORT_FIRST : (uint16_t)(t->next_port + 1);
        if (skt_taker_pairs_from(t, &peer))
            continue;
        pair->near_port = peer.port;
        return true;
    }
    return false;
}

int skt_taker_pairs_add(struct skt_taker_pairs *t, struct skt_taker_pair *pair)
{
    if (t->count >= SKT_TAKER_PAIRS_MAX || !choose_port(t, pair))
        return SKT_ERR_FULL;
    struct skt_ippkt app = app_packet(pair), near = near_packet(t, pair);
    struct skt_taker_pair **by_app = &t->by_app[bucket_of(t, &app)],
                          **by_near = &t->by_near[bucket_of(t, &near)];
    pair->next_by_app = *by_app;
    pair->next_by_near = *by_near;
    *by_app = *by_near = pair;
    t->count++;
    return SKT_OK;
}

void skt_taker_pairs_remove(struct skt_taker_pairs *t, struct skt_taker_pair *pair)
{
    struct skt_ippkt app = app_packet(pair), near = near_packet(t, pair);
    struct skt_taker_pair **at = &t->by_app[bucket_of(t, &app)];
    while (*at != pair)
        at = &(*at)->next_by_app;
    *at = pair->next_by_app;
    at = &t->by_near[bucket_of(t, &near)];
    while (*at != pair)
        at = &(*at)->next_by_near;
    *at = pair->next_by_near;
    t->count--;
}

void skt_taker_pairs_to_near(const struct skt_taker_pairs *t, const struct skt_taker_pair *pair,
                             uint8_t *packet, const struct skt_ippkt *ip, bool partial)
{
    const struct skt_addr *listener = skt_taker_pairs_listener(t, pair->far.family);
    struct skt_tcp_ends ends = {pair->far.ip, listener->ip, pair->near_port, listener->port};
    skt_ippkt_readdress(packet, ip, &ends, partial);
}

void skt_taker_pairs_to_app(const struct skt_taker_pair *pair, uint8_t *packet, const struct skt_ippkt *ip,
                            bool partial)
{
    struct skt_tcp_ends ends = {pair->far.ip, pair->app.ip, pair->far.port, pair->app.port};
    skt_ippkt_readdress(packet, ip, &ends, partial);
}

size_t skt_taker_pairs_too_big(const struct skt_taker_pairs *t, uint8_t out[SKT_IPPKT_TOO_BIG_MAX],
                               const uint8_t *packet, const struct skt_ippkt *ip)
{
    struct skt_tcp_too_big about;
    if (!skt_ippkt_read_too_big(&about, packet, ip))
        return 0;
    struct skt_ippkt of_app = {.version = ip->version, /* the other way round than the one that was too big */
                               .protocol = SKT_IPPKT_TCP,
                               .has_ports = true,
                               .src_port = about.ends.dst_port,
                               .dst_port = about.ends.src_port,
                               .src = about.ends.dst,
                               .dst = about.ends.src};
    const struct skt_taker_pair *pair = skt_taker_pairs_of_app(t, &of_app);
    if (!pair)
        return 0;
    const struct skt_addr *listener = skt_taker_pairs_listener(t, ip->version);
    about.ends = (struct skt_tcp_ends){listener->ip, pair->far.ip, listener->port, pair->near_port};
    return skt_ippkt_write_too_big(out, ip->version, &about);
}
