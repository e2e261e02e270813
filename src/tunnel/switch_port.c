/* SPDX-License-Identifier: MIT */
#include "tunnel/switch_port.h"

#include "base/bytes.h"
#include "base/err.h"
#include "tunnel/switch_forward.h"
#include "tunnel/switch_internal.h"

#include <string.h>

enum { TCP_PSH = 8, TCP_ACK = 16 }; /* RFC 9293, 3.1 */

void skt_switch_port_count(struct skt_switch_port *port)
{
    port->sw->waiting += port->queue.bytes - port->counted;
    port->counted = port->queue.bytes;
}

/* --- MTU --- */

void skt_switch_port_tell_mtu(const struct skt_switch_port *port)
{
    const struct skt_switch_conf *conf = &port->sw->conf;
    if (conf->on_mtu && port->followed && port->sw->active == port)
        conf->on_mtu(conf->user, port->mtu);
}

/* Takes over what the search for the path's datagram size has ended with; cheap. */
static void follow(struct skt_switch_port *port)
{
    const struct skt_switch_conf *conf = &port->sw->conf;
    size_t mtu = conf->follow_path ? skt_session_packet_mtu(port->session) : 0;
    if (mtu == 0)
        return;
    mtu = mtu < SKT_SWITCH_MTU_MIN ? SKT_SWITCH_MTU_MIN : mtu > conf->mtu ? conf->mtu : mtu;
    if (port->followed && mtu == port->mtu)
        return;
    port->followed = true;
    port->mtu = mtu;
    skt_switch_port_tell_mtu(port);
}

/* --- into the queue --- */

/* The next acknowledgement says as much and more. */
static bool is_pure_ack(const struct skt_ippkt *ip)
{
    return ip->protocol == SKT_IPPKT_TCP && ip->has_ports && ip->payload == ip->len &&
           (ip->tcp_flags & ~TCP_PSH) == TCP_ACK;
}

/* One message: its header, then the packet. */
static void push(struct skt_switch_port *port, skt_us now, const uint8_t *header, size_t header_len,
                 const uint8_t *packet, size_t len, const struct skt_ippkt *ip)
{
    struct skt_switch *sw = port->sw;
    struct skt_aqm_packet *q = NULL;
    if (sw->waiting < sw->conf.memory)
        q = skt_aqm_packet_new(header_len + len);
    if (!q) {
        sw->stats.overflow++;
        return;
    }
    memcpy(q->data, header, header_len);
    memcpy(q->data + header_len, packet, len);
    q->ecn = ip->ecn != 0;
    q->ack = is_pure_ack(ip);
    skt_aqm_push(&port->queue, now, skt_ippkt_hash(ip, sw->conf.hash_key), q);
    skt_switch_port_count(port);
}

static int push_cut(struct skt_switch_port *port, skt_us now, struct skt_tun_packet *p,
                    const struct skt_ippkt *ip)
{
    static const uint8_t plain[] = {SKT_FLOW_PLAIN};
    struct skt_offload_cutter c;
    int err = skt_offload_cut(&c, p, port->mtu);
    if (err == SKT_ERR_FULL) /* datagrams: KCP cuts these */
        err = skt_offload_cut(&c, p, port->sw->conf.mtu);
    if (err)
        return err;
    for (size_t len; (len = skt_offload_cut_next(&c, port->sw->piece)) > 0;)
        push(port, now, plain, sizeof plain, port->sw->piece, len, ip);
    return SKT_OK;
}

int skt_switch_port_queue(struct skt_switch_port *port, skt_us now, struct skt_tun_packet *p,
                          const struct skt_ippkt *ip)
{
    bool offload = p->offload.gso != SKT_GSO_NONE || p->offload.partial;
    if (p->offload.gso == SKT_GSO_NONE && p->len > port->sw->conf.mtu)
        return SKT_ERR_FULL;
    bool cut = !(skt_session_features(port->session) & SKT_FEATURE_TUN_OFFLOAD) ||
               skt_offload_pieces(p) > SKT_FLOW_PIECES_MAX;
    if (offload && cut) {
        int err = push_cut(port, now, p, ip);
        if (err)
            return err;
    } else {
        uint8_t header[SKT_FLOW_HEADER_MAX] = {offload ? SKT_FLOW_OFFLOAD : SKT_FLOW_PLAIN};
        skt_put_u16(header + 1, p->offload.gso == SKT_GSO_NONE ? 0 : p->offload.size);
        push(port, now, header, offload ? 3 : 1, p->data, p->len, ip);
    }
    skt_endpoint_touch(port->ep, port->session);
    return SKT_OK;
}

void skt_switch_port_move(struct skt_switch_port *from, struct skt_switch_port *to, skt_us now)
{
    bool offload = skt_session_features(to->session) & SKT_FEATURE_TUN_OFFLOAD;
    struct skt_aqm_packet *q;
    for (unsigned pos = 0; (q = skt_aqm_take(&from->queue, &pos)) != NULL;) {
        size_t header_len = q->data[0] == SKT_FLOW_OFFLOAD ? 3 : 1;
        struct skt_ippkt ip;
        if ((header_len > 1 && !offload) ||
            skt_ippkt_parse(&ip, q->data + header_len, q->len - header_len) != SKT_OK) {
            to->sw->stats.overflow++;
            skt_aqm_packet_free(q);
            continue;
        }
        skt_aqm_push(&to->queue, now, skt_ippkt_hash(&ip, to->sw->conf.hash_key), q);
    }
    skt_switch_port_count(from);
    skt_switch_port_count(to);
    skt_endpoint_touch(to->ep, to->session);
}

/* --- out of the queue --- */

static void mark(struct skt_aqm_packet *q)
{
    size_t header_len = q->data[0] == SKT_FLOW_OFFLOAD ? 3 : 1;
    struct skt_ippkt ip;
    if (skt_ippkt_parse(&ip, q->data + header_len, q->len - header_len) == SKT_OK)
        (void)skt_ippkt_mark_ce(q->data + header_len, &ip);
}

/* --- the pump --- */

static void read_flow(struct skt_switch_port *port, struct skt_session *s, skt_us now, unsigned flow)
{
    struct skt_switch *sw = port->sw;
    for (;;) {
        long len = skt_session_read_packet(s, flow, sw->message, SKT_SWITCH_MESSAGE_MAX);
        if (len == SKT_ERR_AGAIN)
            return;
        if (len < 0)
            sw->stats.malformed++;
        else
            skt_switch_from_session(port, now, sw->message, (size_t)len);
    }
}

void skt_switch_port_pump(struct skt_packet_owner *owner, struct skt_session *s, skt_us now)
{
    struct skt_switch_port *port = SKT_CONTAINER(owner, struct skt_switch_port, owner);
    unsigned news;
    follow(port);
    for (int flow; (flow = skt_session_next_flow(s, &news)) >= 0;) {
        if (news & SKT_FLOW_READABLE)
            read_flow(port, s, now, (unsigned)flow);
        skt_session_tell_queue(s, now, &port->queue, (unsigned)flow, news);
    }
    skt_switch_flush(port->sw);
    port->sw->stats.overflow += skt_session_fill(s, now, &port->queue, mark);
    skt_switch_port_count(port);
}
