/* SPDX-License-Identifier: MIT */
/* The life of a connection that is taken out of the TUN. */
#include "base/err.h"
#include "base/log.h"
#include "tunnel/taker_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SYN_MAX = 600,     /* bytes of one that is kept: headers, options, what TCP Fast Open brings */
    ASKING_MAX = 1024, /* connections that wait for the server at the same time */
};

/* How long a connection may be in a state. */
static const skt_us times[SKT_TAKER_STATES] = {
    [SKT_TAKER_ASKING] = 150 * SKT_US_PER_SEC, /* longer than Linux goes on with its SYNs (127 s) */
    [SKT_TAKER_KNOCKING] = 1 * SKT_US_PER_SEC, /* a SYN-ACK of this very machine takes microseconds */
    [SKT_TAKER_SHAKING] = 75 * SKT_US_PER_SEC, /* longer than Linux repeats a SYN-ACK (63 s) */
    [SKT_TAKER_OPEN] = SKT_NEVER,
    [SKT_TAKER_GONE] = 60 * SKT_US_PER_SEC, /* Linux's TIME_WAIT, from the last packet on */
};

/* --- the list that it is in --- */

static void set_timer(struct skt_taker *t)
{
    skt_us at = SKT_NEVER;
    for (int i = 0; i < SKT_TAKER_STATES; i++)
        if (!skt_list_empty(&t->conns[i]))
            at = skt_us_min(at, SKT_CONTAINER(t->conns[i].next, struct skt_taker_conn, link)->due);
    skt_loop_timer_set(t->conf.loop, &t->timer, at);
}

static void leave_list(struct skt_taker_conn *c)
{
    if (!skt_list_empty(&c->link))
        c->t->counts[c->state]--;
    skt_list_remove(&c->link);
}

void skt_taker_conn_enter(struct skt_taker_conn *c, enum skt_taker_state state)
{
    leave_list(c);
    c->t->counts[state]++;
    c->state = state;
    c->due = skt_us_add(skt_loop_now(c->t->conf.loop), times[state]);
    skt_list_append(&c->t->conns[state], &c->link);
    set_timer(c->t);
}

static void drop_stream(struct skt_taker_conn *c, int reason)
{
    struct skt_stream *st = c->st;
    if (!st)
        return;
    struct skt_session *session = st->session;
    c->st = NULL;
    st->user = NULL;
    if (st->reset)
        skt_session_release_stream(session, st);
    else
        skt_session_reset_stream(session, st, reason);
    skt_endpoint_touch(c->ep, session);
}

static void forget_syn(struct skt_taker_conn *c)
{
    free(c->syn);
    c->syn = NULL;
}

void skt_taker_conn_free(struct skt_taker_conn *c)
{
    struct skt_taker *t = c->t;
    drop_stream(c, SKT_RESET_ABORT);
    if (c->relay)
        skt_relay_reset(c->relay);
    skt_taker_pairs_remove(&t->pairs, &c->pair);
    leave_list(c);
    forget_syn(c);
    free(c);
    set_timer(t);
}

/* --- what the application is told --- */

static void write_to_tun(struct skt_taker *t, uint8_t *packet, size_t len)
{
    struct skt_tun_packet p = {.data = packet, .len = len};
    (void)skt_tun_write(t->conf.tun, &p); /* what is lost is sent again by whoever waits for the answer */
}

/* As the destination would, had the SYN got there. */
static void tell_refused(struct skt_taker_conn *c)
{
    uint8_t out[SKT_IPPKT_RESET_MAX];
    struct skt_ippkt ip;
    if (skt_ippkt_parse(&ip, c->syn, c->syn_len) == SKT_OK)
        write_to_tun(c->t, out, skt_ippkt_tcp_refusal(out, c->syn, &ip));
}

static void tell_unreachable(struct skt_taker_conn *c)
{
    uint8_t out[SKT_IPPKT_ICMP_MAX];
    struct skt_ippkt ip;
    if (skt_ippkt_parse(&ip, c->syn, c->syn_len) != SKT_OK)
        return;
    /* From the destination: from the TUN's own address the system would not take it. */
    size_t len = skt_ippkt_icmp_error(out, sizeof out, c->syn, &ip, SKT_IPPKT_UNREACHABLE, ip.dst, 0);
    if (len > 0)
        write_to_tun(c->t, out, len);
}

static void pass(struct skt_taker_conn *c)
{
    c->t->stats.passed++;
    skt_switch_send(c->t->conf.sw, c->syn, c->syn_len);
}

/* There is no stream: the application is told what the server was, or its packets go the usual way. */
static void on_refused(struct skt_taker_conn *c, int reason)
{
    skt_taker_note_refusal(c, reason);
    switch (reason) {
    case SKT_RESET_REFUSED:
        c->t->stats.refused++;
        tell_refused(c);
        break;
    case SKT_RESET_UNREACHABLE:
        c->t->stats.refused++;
        tell_unreachable(c);
        break;
    case SKT_RESET_TIMEOUT: /* it has heard nothing, and goes on asking as long as it likes */
        c->t->stats.refused++;
        break;
    case SKT_RESET_ABORT: /* with the session: its next SYN asks another one */
        break;
    default:
        pass(c);
        break;
    }
    skt_taker_conn_free(c);
}

/* --- the stream --- */

/* The first byte is the server's, and says that it is connected. -1: it has not come. */
static int take_answer(struct skt_stream *st)
{
    struct iovec iov;
    struct skt_kcp *k = skt_stream_kcp(st);
    if (skt_kcp_read_begin(k, &iov, 1) == 0)
        return -1;
    int answer = *(const uint8_t *)iov.iov_base;
    skt_kcp_read_consume(k, 1);
    return answer;
}

/* The kept SYN goes to our listener. */
static void knock(struct skt_taker_conn *c)
{
    uint8_t packet[SYN_MAX];
    struct skt_ippkt ip;
    memcpy(packet, c->syn, c->syn_len);
    if (skt_ippkt_parse(&ip, packet, c->syn_len) != SKT_OK)
        return;
    skt_taker_pairs_to_near(&c->t->pairs, &c->pair, packet, &ip, false);
    skt_taker_conn_enter(c, SKT_TAKER_KNOCKING);
    write_to_tun(c->t, packet, c->syn_len);
}

static void on_news(struct skt_stream_owner *owner, struct skt_stream *st, unsigned events)
{
    struct skt_taker_conn *c = SKT_CONTAINER(owner, struct skt_taker_conn, owner);
    bool closed = skt_session_state(st->session) == SKT_SESSION_CLOSED;
    int answer = c->state == SKT_TAKER_ASKING && !closed ? take_answer(st) : -1;
    (void)events;
    if (answer == SKT_STREAM_CONNECTED) {
        skt_endpoint_touch(c->ep, st->session);
        knock(c);
    } else if (answer > 0) { /* another protocol than ours */
        drop_stream(c, SKT_RESET_ABORT);
        on_refused(c, SKT_RESET_ADDRESS);
        return;
    }
    if (!st->reset)
        return;
    if (c->state == SKT_TAKER_ASKING) {
        int reason = closed ? SKT_RESET_ABORT : st->reset_reason;
        drop_stream(c, SKT_RESET_ABORT);
        on_refused(c, reason);
    } else if (closed || !skt_stream_has_unread(st)) {
        drop_stream(c, SKT_RESET_ABORT); /* whoever is accepted then, is reset */
    }
}

static void on_look(const struct skt_stream_owner *owner, struct skt_stream_look *look)
{
    const struct skt_taker_conn *c = SKT_CONTAINER(owner, const struct skt_taker_conn, owner);
    *look = (struct skt_stream_look){.state = "opening", .active = c->active, .in = SKT_HOLD_CONNECT};
}

/* --- beginning --- */

static int keep_syn(struct skt_taker_conn *c, const struct skt_tun_packet *p)
{
    c->syn = malloc(p->len);
    if (!c->syn)
        return SKT_ERR_NOMEM;
    memcpy(c->syn, p->data, p->len);
    c->syn_len = p->len;
    struct skt_tun_packet copy = {.data = c->syn, .len = p->len, .offload = p->offload};
    return p->offload.partial ? skt_offload_complete(&copy) : SKT_OK;
}

static struct skt_addr addr_of(uint8_t version, const uint8_t *ip, uint16_t port)
{
    struct skt_addr a = {.family = version, .port = port};
    memcpy(a.ip, ip, version == 4 ? 4 : 16);
    return a;
}

static int ask(struct skt_taker_conn *c)
{
    struct skt_session *s = skt_endpoint_session(c->ep, c->cid);
    if (!s)
        return SKT_ERR_NOTFOUND;
    int err = skt_session_open_stream_to(s, skt_loop_now(c->t->conf.loop), &c->pair.far, "", &c->st);
    if (err)
        return err;
    c->st->user = &c->owner;
    skt_endpoint_touch(c->ep, s);
    return SKT_OK;
}

/* What only the system might still repeat makes room, the oldest first. */
static void make_room(struct skt_taker *t)
{
    struct skt_list *gone = &t->conns[SKT_TAKER_GONE];
    if (t->pairs.count >= SKT_TAKER_PAIRS_MAX && !skt_list_empty(gone))
        skt_taker_conn_free(SKT_CONTAINER(gone->next, struct skt_taker_conn, link));
}

bool skt_taker_conn_begin(struct skt_taker *t, const struct skt_tun_packet *p, const struct skt_ippkt *ip)
{
    struct skt_addr far = addr_of(ip->version, ip->dst, ip->dst_port);
    struct skt_endpoint *ep;
    uint32_t cid;
    if (p->len > SYN_MAX || far.port == 0 || ip->src_port == 0 || !skt_taker_may_ask(t, &far, &ep, &cid) ||
        t->counts[SKT_TAKER_ASKING] >= ASKING_MAX)
        return false;
    make_room(t);
    struct skt_taker_conn *c = calloc(1, sizeof *c);
    if (!c)
        return false;
    c->t = t;
    c->ep = ep;
    c->cid = cid;
    c->owner.news = on_news;
    c->owner.look = on_look;
    c->active = skt_loop_now(t->conf.loop);
    c->pair.far = far;
    c->pair.app = addr_of(ip->version, ip->src, ip->src_port);
    skt_list_init(&c->link);
    if (keep_syn(c, p) != SKT_OK || skt_taker_pairs_add(&t->pairs, &c->pair) != SKT_OK) {
        forget_syn(c);
        free(c);
        return false;
    }
    if (ask(c) != SKT_OK) {
        skt_taker_conn_free(c);
        return false;
    }
    skt_taker_conn_enter(c, SKT_TAKER_ASKING);
    return true;
}

bool skt_taker_conn_is_current(const struct skt_taker_conn *c)
{
    struct skt_endpoint *ep;
    uint32_t cid;
    return c->st && skt_switch_active(c->t->conf.sw, &ep, &cid) && ep == c->ep && cid == c->cid;
}

/* --- the relay --- */

static void on_relay_close(void *user, struct skt_relay *relay)
{
    struct skt_taker_conn *c = user;
    (void)relay;
    c->relay = NULL;
    skt_taker_conn_enter(c, SKT_TAKER_GONE);
}

void skt_taker_conn_accepted(struct skt_taker_conn *c, int fd)
{
    struct skt_taker *t = c->t;
    char name[SKT_ADDR_TEXT_MAX];
    struct skt_relay_options options = {0};
    struct skt_stream *st = c->st;
    struct skt_tcp_conn *conn = skt_tcp_conn_accepted(t->conf.loop, fd);
    forget_syn(c);
    if (!conn || !st) { /* no memory, or the stream was reset meanwhile */
        skt_tcp_conn_reset(conn);
        drop_stream(c, SKT_RESET_ABORT);
        skt_taker_conn_enter(c, SKT_TAKER_GONE);
        return;
    }
    t->conf.options(t->conf.user, &options);
    options.on_close = on_relay_close;
    options.user = c;
    c->st = NULL;
    t->stats.taken++;
    skt_taker_conn_enter(c, SKT_TAKER_OPEN);
    if (skt_relay_join(t->conf.relays, conn, c->ep, st, skt_addr_text(&c->pair.far, name), &options,
                       &c->relay))
        skt_taker_conn_enter(c, SKT_TAKER_GONE);
}

/* --- ends before there is one --- */

void skt_taker_conn_given_up(struct skt_taker_conn *c)
{
    drop_stream(c, SKT_RESET_ABORT);
    if (c->state == SKT_TAKER_ASKING)
        skt_taker_conn_free(c);
    else
        skt_taker_conn_enter(c, SKT_TAKER_GONE);
}

void skt_taker_conn_overdue(struct skt_taker_conn *c)
{
    skt_us now = skt_loop_now(c->t->conf.loop);
    switch (c->state) {
    case SKT_TAKER_KNOCKING:
        skt_taker_note_unreached(c);
        drop_stream(c, SKT_RESET_ABORT);
        pass(c);
        skt_taker_conn_free(c);
        break;
    case SKT_TAKER_GONE:
        if (now - c->active >= times[SKT_TAKER_GONE])
            skt_taker_conn_free(c);
        else
            skt_taker_conn_enter(c, SKT_TAKER_GONE);
        break;
    default:
        skt_taker_conn_given_up(c);
        break;
    }
}
