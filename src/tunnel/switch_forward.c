/* SPDX-License-Identifier: MIT */
#include "tunnel/switch_forward.h"

#include "base/bytes.h"
#include "base/err.h"
#include "base/log.h"
#include "tunnel/endpoint_log.h"
#include "tunnel/switch_internal.h"
#include "tunnel/switch_port.h"

#include <string.h>

enum {
    ICMP_PER_S = 50, /* errors sent at most to each session, and to the system for what it sends into the TUN:
                        a path's search for its MTU takes a few, a flood gets no answer for each packet */
    TCP_SYN = 2,     /* RFC 9293, 3.1 */
    MSS_LESS_4 = 40, /* headers of IPv4 and TCP */
    MSS_LESS_6 = 60, /* headers of IPv6 and TCP */
};

/* Not carried: there is nobody on the other side of a tunnel that they could be for, and loops are easily
 * made of them. */
static bool is_group(const struct skt_switch *sw, const struct skt_ippkt *ip)
{
    if (skt_ippkt_is_multicast(ip->version, ip->dst) || skt_ippkt_is_broadcast(ip->version, ip->dst) ||
        skt_ippkt_is_link_local(ip->version, ip->dst) || skt_ippkt_is_link_local(ip->version, ip->src))
        return true;
    return sw->has_broadcast && ip->version == 4 && memcmp(ip->dst, sw->broadcast, 4) == 0;
}

static const struct skt_ipnet *own_address(const struct skt_switch *sw, uint8_t version)
{
    return version == 4 ? &sw->conf.address4 : &sw->conf.address6;
}

/* A TCP connection whose SYN passes shall never send more than goes in one datagram. */
static void clamp(size_t mtu, struct skt_tun_packet *p, const struct skt_ippkt *ip)
{
    if (ip->protocol != SKT_IPPKT_TCP || !ip->has_ports || !(ip->tcp_flags & TCP_SYN))
        return;
    size_t mss = mtu - (ip->version == 4 ? MSS_LESS_4 : MSS_LESS_6);
    (void)skt_ippkt_clamp_mss(p->data, ip, (uint16_t)mss, p->offload.partial);
}

/* --- errors --- */

static bool may_send_error(struct skt_switch_errors *e, skt_us now)
{
    if (now - e->since >= SKT_US_PER_SEC)
        *e = (struct skt_switch_errors){.since = now};
    return e->sent++ < ICMP_PER_S;
}

/* Tells a packet's sender, which is behind the TUN (port NULL) or a session. mtu: with SKT_IPPKT_TOO_BIG.
 * What goes to the TUN comes from the packet's destination: from the TUN's own address the system would drop
 * it, as no packet with a local address as its source may come in (RFC 1812, 5.3.7). */
static void answer(struct skt_switch *sw, skt_us now, struct skt_switch_port *port, const uint8_t *packet,
                   const struct skt_ippkt *ip, enum skt_ippkt_error error, size_t mtu)
{
    const struct skt_ipnet *own = own_address(sw, ip->version);
    uint8_t icmp[SKT_IPPKT_ICMP_MAX];
    if (own->family == 0 || !may_send_error(port ? &port->errors : &sw->errors, now))
        return;
    size_t len = skt_ippkt_icmp_error(icmp, sizeof icmp, packet, ip, error, port ? own->ip : ip->dst, mtu);
    if (len == 0)
        return;
    struct skt_tun_packet p = {.data = icmp, .len = len};
    struct skt_ippkt parsed;
    if (!port)
        (void)skt_tun_write(sw->conf.tun, &p);
    else if (skt_ippkt_parse(&parsed, icmp, len) == SKT_OK)
        (void)skt_switch_port_queue(port, now, &p, &parsed);
}

/* Bytes of the packet, or of the largest that it will be cut into. */
static size_t piece_len(const struct skt_tun_packet *p, const struct skt_ippkt *ip)
{
    return p->offload.gso == SKT_GSO_NONE ? p->len : ip->payload + p->offload.size;
}

/* A packet that just fits a datagram with the short header is not to go in two for its open checksum. */
static void fit(const struct skt_switch_port *to, struct skt_tun_packet *p)
{
    size_t most = to->mtu + SKT_FLOW_HEADER_MIN;
    if (p->offload.gso == SKT_GSO_NONE && p->offload.partial && p->len <= to->mtu &&
        p->len + SKT_FLOW_HEADER_MAX > most)
        (void)skt_offload_complete(p);
}

/* Queues a packet for `to`; its sender (see answer) is told where it is too big. Such a packet is carried
 * nevertheless, in two datagrams: the path may have shrunk after it was sent, and the answer may never get
 * there. */
static void queue(struct skt_switch_port *to, skt_us now, struct skt_switch_port *from,
                  struct skt_tun_packet *p, const struct skt_ippkt *ip)
{
    struct skt_switch *sw = to->sw;
    bool too_big = ip->df && piece_len(p, ip) > to->mtu;
    if (too_big)
        answer(sw, now, from, p->data, ip, SKT_IPPKT_TOO_BIG, to->mtu);
    fit(to, p);
    int err = skt_switch_port_queue(to, now, p, ip);
    if (err == SKT_ERR_FULL && !too_big)
        answer(sw, now, from, p->data, ip, SKT_IPPKT_TOO_BIG, to->mtu);
    if (too_big || err == SKT_ERR_FULL)
        sw->stats.too_big++;
    else if (err)
        sw->stats.malformed++;
}

/* --- from the TUN --- */

static void hand_to_script(struct skt_switch *sw, struct skt_tun_packet *p)
{
    struct skt_offload_cutter c;
    int err = skt_offload_cut(&c, p, sw->conf.mtu);
    if (err) {
        *(err == SKT_ERR_FULL ? &sw->stats.too_big : &sw->stats.malformed) += 1;
        return;
    }
    for (size_t len; sw->script && (len = skt_offload_cut_next(&c, sw->piece)) > 0;)
        sw->script(sw->script_user, sw->piece, len);
}

static void to_port(struct skt_switch *sw, struct skt_tun_packet *p, const struct skt_ippkt *ip)
{
    skt_us now = skt_loop_now(sw->conf.loop);
    struct skt_switch_port *port = sw->active;
    if (sw->conf.server)
        port = skt_switch_routes_find(&sw->routes, ip->version, ip->dst);
    if (!port) {
        skt_switch_drop_left(sw, SKT_SWITCH_LEFT_TIME);
        sw->stats.no_route++;
        if (sw->conf.server)
            answer(sw, now, NULL, p->data, ip, SKT_IPPKT_UNREACHABLE, 0);
        return;
    }
    clamp(port->mtu, p, ip);
    queue(port, now, NULL, p, ip);
}

static bool is_takable(const struct skt_ippkt *ip)
{
    return ip->protocol == SKT_IPPKT_TCP || ip->protocol == SKT_IPPKT_ICMP ||
           ip->protocol == SKT_IPPKT_ICMPV6;
}

void skt_switch_from_device(struct skt_switch *sw, struct skt_tun_packet *p)
{
    struct skt_ippkt ip;
    sw->stats.packets_in++;
    sw->stats.bytes_in += p->len;
    if (skt_offload_normalize(p) != SKT_OK || skt_ippkt_parse(&ip, p->data, p->len) != SKT_OK) {
        sw->stats.malformed++;
        return;
    }
    if (sw->script) {
        hand_to_script(sw, p);
        return;
    }
    if (is_group(sw, &ip)) {
        sw->stats.group++;
        return;
    }
    if (sw->taker.take && is_takable(&ip) && sw->taker.take(sw->taker.user, p, &ip))
        return;
    to_port(sw, p, &ip);
}

void skt_switch_send(struct skt_switch *sw, uint8_t *packet, size_t len)
{
    struct skt_tun_packet p = {.data = packet, .len = len};
    struct skt_ippkt ip;
    if (skt_ippkt_parse(&ip, packet, len) == SKT_OK)
        to_port(sw, &p, &ip);
}

/* --- from a session --- */

/* The packet of a message; nothing that it says is believed unseen. */
static int read_message(struct skt_tun_packet *p, uint8_t *message, size_t len, struct skt_ippkt *ip)
{
    size_t header_len = len > 0 && message[0] == SKT_FLOW_OFFLOAD ? 3 : 1;
    if (len <= header_len || message[0] > SKT_FLOW_OFFLOAD)
        return SKT_ERR_MALFORMED;
    *p = (struct skt_tun_packet){.data = message + header_len, .len = len - header_len};
    int err = skt_ippkt_parse(ip, p->data, p->len);
    if (err)
        return err;
    p->len = ip->len; /* what follows is nobody's */
    if (message[0] == SKT_FLOW_PLAIN)
        return SKT_OK;
    err = skt_offload_derive(&p->offload, p->data, p->len, skt_get_u16(message + 1), true);
    return !err && skt_offload_pieces(p) > SKT_FLOW_PIECES_MAX ? SKT_ERR_MALFORMED : err;
}

/* May the packet come out of the session at all? */
static bool is_spoofed(struct skt_switch_port *port, skt_us now, const struct skt_ippkt *ip)
{
    struct skt_switch *sw = port->sw;
    if (sw->conf.server)
        return skt_switch_routes_find(&sw->routes, ip->version, ip->src) != port;
    if (sw->taker.is_inside && ip->protocol == SKT_IPPKT_TCP && sw->taker.is_inside(sw->taker.user, ip))
        return true;
    return !skt_switch_source_ok(&sw->sources, now, ip->version, ip->src);
}

static void write_packet(struct skt_switch *sw, struct skt_tun_packet *p, size_t count)
{
    size_t len = p->len;
    if (skt_tun_write_any(sw->conf.tun, p, sw->conf.mtu) != SKT_OK) {
        sw->stats.overflow += count;
        return;
    }
    sw->stats.packets_out++;
    sw->stats.bytes_out += len;
}

void skt_switch_flush(struct skt_switch *sw)
{
    struct skt_tun_packet joined;
    size_t count = sw->join.count;
    if (skt_join_take(&sw->join, &joined))
        write_packet(sw, &joined, count);
}

/* Segments that follow each other, as they come from a peer whose TUN has no offloads or from the wire behind
 * it, are written as one: most of what a packet costs here is the way through the system. */
static void to_device(struct skt_switch_port *from, struct skt_tun_packet *p, const struct skt_ippkt *ip)
{
    struct skt_switch *sw = from->sw;
    clamp(from->mtu, p, ip);
    if (sw->joined && skt_join_add(&sw->join, p, ip))
        return;
    skt_switch_flush(sw);
    if (!sw->joined || !skt_join_add(&sw->join, p, ip))
        write_packet(sw, p, 1);
}

static void to_session(struct skt_switch_port *from, struct skt_switch_port *to, skt_us now,
                       struct skt_tun_packet *p, struct skt_ippkt *ip)
{
    struct skt_switch *sw = from->sw;
    if (to == from) {
        sw->stats.no_route++;
        return;
    }
    if (!skt_ippkt_hop(p->data, ip)) {
        answer(sw, now, from, p->data, ip, SKT_IPPKT_TIME_EXCEEDED, 0);
        return;
    }
    clamp(from->mtu < to->mtu ? from->mtu : to->mtu, p, ip);
    sw->stats.forwarded++;
    queue(to, now, from, p, ip);
}

/* A client whose own configuration or NAT is wrong, or worse. */
static void log_spoofed(const struct skt_switch_port *port, const struct skt_ippkt *ip)
{
    struct skt_ipnet src = {.family = ip->version};
    char who[SKT_CLIENT_TEXT_MAX], text[SKT_IPNET_TEXT_MAX];
    memcpy(src.ip, ip->src, ip->version == 6 ? 16 : 4);
    skt_info_steady(skt_endpoint_log_key(port->ep, port->session),
                    "%s sends packets from %s, which is none of its addresses; they are dropped",
                    skt_endpoint_session_text(port->ep, port->session, who),
                    skt_ipnet_text(&src, false, text));
}

void skt_switch_from_session(struct skt_switch_port *port, skt_us now, uint8_t *message, size_t len)
{
    struct skt_switch *sw = port->sw;
    struct skt_tun_packet p;
    struct skt_ippkt ip;
    if (read_message(&p, message, len, &ip) != SKT_OK) {
        sw->stats.malformed++;
        return;
    }
    if (is_spoofed(port, now, &ip)) {
        sw->stats.spoofed++;
        log_spoofed(port, &ip);
        return;
    }
    if (is_group(sw, &ip)) {
        sw->stats.group++;
        return;
    }
    struct skt_switch_port *to = NULL;
    if (sw->conf.server)
        to = skt_switch_routes_find(&sw->routes, ip.version, ip.dst);
    if (to)
        to_session(port, to, now, &p, &ip);
    else
        to_device(port, &p, &ip);
}
