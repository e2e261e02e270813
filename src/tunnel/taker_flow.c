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
        if (!skt_list_empty(&t->flows[i]))
            at = skt_us_min(at, SKT_CONTAINER(t->flows[i].next, struct skt_taker_flow, link)->due);
    (void)skt_loop_timer_set(t->conf.loop, &t->timer, at);
}

static void leave_list(struct skt_taker_flow *f)
{
    if (!skt_list_empty(&f->link))
        f->t->counts[f->state]--;
    skt_list_remove(&f->link);
}

void skt_taker_flow_enter(struct skt_taker_flow *f, enum skt_taker_state state)
{
    leave_list(f);
    f->t->counts[state]++;
    f->state = state;
    f->due = skt_us_add(skt_loop_now(f->t->conf.loop), times[state]);
    skt_list_append(&f->t->flows[state], &f->link);
    set_timer(f->t);
}

static void drop_stream(struct skt_taker_flow *f, int reason)
{
    struct skt_stream *st = f->st;
    if (!st)
        return;
    struct skt_session *session = st->session;
    f->st = NULL;
    st->user = NULL;
    if (st->reset)
        skt_session_release_stream(session, st);
    else
        skt_session_reset_stream(session, st, reason);
    skt_endpoint_touch(f->ep, session);
}

static void forget_syn(struct skt_taker_flow *f)
{
    free(f->syn);
    f->syn = NULL;
}

void skt_taker_flow_free(struct skt_taker_flow *f)
{
    struct skt_taker *t = f->t;
    drop_stream(f, SKT_RESET_ABORT);
    if (f->relay)
        skt_relay_reset(f->relay);
    skt_taker_pairs_remove(&t->pairs, &f->pair);
    leave_list(f);
    forget_syn(f);
    free(f);
    set_timer(t);
}

/* --- what the application is told --- */

static void write_to_tun(struct skt_taker *t, uint8_t *packet, size_t len)
{
    struct skt_tun_packet p = {.data = packet, .len = len};
    (void)skt_tun_write(t->conf.tun, &p); /* what is lost is sent again by whoever waits for the answer */
}

/* As the destination would, had the SYN got there. */
static void tell_refused(struct skt_taker_flow *f)
{
    uint8_t out[SKT_IPPKT_RESET_MAX];
    struct skt_ippkt ip;
    if (skt_ippkt_parse(&ip, f->syn, f->syn_len) == SKT_OK)
        write_to_tun(f->t, out, skt_ippkt_tcp_refusal(out, f->syn, &ip));
}

static void tell_unreachable(struct skt_taker_flow *f)
{
    uint8_t out[SKT_IPPKT_ICMP_MAX];
    struct skt_ippkt ip;
    if (skt_ippkt_parse(&ip, f->syn, f->syn_len) != SKT_OK)
        return;
    /* From the destination: from the TUN's own address the system would not take it. */
    size_t len = skt_ippkt_icmp_error(out, sizeof out, f->syn, &ip, SKT_IPPKT_UNREACHABLE, ip.dst, 0);
    if (len > 0)
        write_to_tun(f->t, out, len);
}

static void pass(struct skt_taker_flow *f)
{
    f->t->stats.passed++;
    skt_switch_send(f->t->conf.sw, f->syn, f->syn_len);
}

/* There is no stream: the application is told what the server was, or its packets go the usual way. */
static void on_refused(struct skt_taker_flow *f, int reason)
{
    skt_taker_note_refusal(f, reason);
    switch (reason) {
    case SKT_RESET_REFUSED:
        f->t->stats.refused++;
        tell_refused(f);
        break;
    case SKT_RESET_UNREACHABLE:
        f->t->stats.refused++;
        tell_unreachable(f);
        break;
    case SKT_RESET_TIMEOUT: /* it has heard nothing, and goes on asking as long as it likes */
        f->t->stats.refused++;
        break;
    case SKT_RESET_ABORT: /* with the session: its next SYN asks another one */
        break;
    default:
        pass(f);
        break;
    }
    skt_taker_flow_free(f);
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
static void knock(struct skt_taker_flow *f)
{
    uint8_t packet[SYN_MAX];
    struct skt_ippkt ip;
    memcpy(packet, f->syn, f->syn_len);
    if (skt_ippkt_parse(&ip, packet, f->syn_len) != SKT_OK)
        return;
    skt_taker_pairs_to_near(&f->t->pairs, &f->pair, packet, &ip, false);
    skt_taker_flow_enter(f, SKT_TAKER_KNOCKING);
    write_to_tun(f->t, packet, f->syn_len);
}

static void on_news(struct skt_stream_owner *owner, struct skt_stream *st, unsigned events)
{
    struct skt_taker_flow *f = SKT_CONTAINER(owner, struct skt_taker_flow, owner);
    bool closed = skt_session_state(st->session) == SKT_SESSION_CLOSED;
    int answer = f->state == SKT_TAKER_ASKING && !closed ? take_answer(st) : -1;
    (void)events;
    if (answer == SKT_STREAM_CONNECTED) {
        skt_endpoint_touch(f->ep, st->session);
        knock(f);
    } else if (answer > 0) { /* another protocol than ours */
        drop_stream(f, SKT_RESET_ABORT);
        on_refused(f, SKT_RESET_ADDRESS);
        return;
    }
    if (!st->reset)
        return;
    if (f->state == SKT_TAKER_ASKING) {
        int reason = closed ? SKT_RESET_ABORT : st->reset_reason;
        drop_stream(f, SKT_RESET_ABORT);
        on_refused(f, reason);
    } else if (closed || !skt_stream_has_unread(st)) {
        drop_stream(f, SKT_RESET_ABORT); /* whoever is accepted then, is reset */
    }
}

static void on_look(const struct skt_stream_owner *owner, struct skt_stream_look *look)
{
    const struct skt_taker_flow *f = SKT_CONTAINER(owner, const struct skt_taker_flow, owner);
    *look = (struct skt_stream_look){.state = "opening", .active = f->active, .in = SKT_HOLD_CONNECT};
}

/* --- beginning --- */

static int keep_syn(struct skt_taker_flow *f, const struct skt_tun_packet *p)
{
    f->syn = malloc(p->len);
    if (!f->syn)
        return SKT_ERR_NOMEM;
    memcpy(f->syn, p->data, p->len);
    f->syn_len = p->len;
    struct skt_tun_packet copy = {.data = f->syn, .len = p->len, .offload = p->offload};
    return p->offload.partial ? skt_offload_complete(&copy) : SKT_OK;
}

static struct skt_addr addr_of(uint8_t version, const uint8_t *ip, uint16_t port)
{
    struct skt_addr a = {.family = version, .port = port};
    memcpy(a.ip, ip, version == 4 ? 4 : 16);
    return a;
}

static int ask(struct skt_taker_flow *f)
{
    struct skt_session *s = skt_endpoint_session(f->ep, f->cid);
    if (!s)
        return SKT_ERR_NOTFOUND;
    int err = skt_session_open_stream_to(s, skt_loop_now(f->t->conf.loop), &f->pair.far, "", &f->st);
    if (err)
        return err;
    f->st->user = &f->owner;
    skt_endpoint_touch(f->ep, s);
    return SKT_OK;
}

/* What only the system might still repeat makes room, the oldest first. */
static void make_room(struct skt_taker *t)
{
    struct skt_list *gone = &t->flows[SKT_TAKER_GONE];
    if (t->pairs.count >= SKT_TAKER_PAIRS_MAX && !skt_list_empty(gone))
        skt_taker_flow_free(SKT_CONTAINER(gone->next, struct skt_taker_flow, link));
}

bool skt_taker_flow_begin(struct skt_taker *t, const struct skt_tun_packet *p, const struct skt_ippkt *ip)
{
    struct skt_addr far = addr_of(ip->version, ip->dst, ip->dst_port);
    struct skt_endpoint *ep;
    uint32_t cid;
    if (p->len > SYN_MAX || far.port == 0 || ip->src_port == 0 || !skt_taker_may_ask(t, &far, &ep, &cid) ||
        t->counts[SKT_TAKER_ASKING] >= ASKING_MAX)
        return false;
    make_room(t);
    struct skt_taker_flow *f = calloc(1, sizeof *f);
    if (!f)
        return false;
    f->t = t;
    f->ep = ep;
    f->cid = cid;
    f->owner.news = on_news;
    f->owner.look = on_look;
    f->active = skt_loop_now(t->conf.loop);
    f->pair.far = far;
    f->pair.app = addr_of(ip->version, ip->src, ip->src_port);
    skt_list_init(&f->link);
    if (keep_syn(f, p) != SKT_OK || skt_taker_pairs_add(&t->pairs, &f->pair) != SKT_OK) {
        forget_syn(f);
        free(f);
        return false;
    }
    if (ask(f) != SKT_OK) {
        skt_taker_flow_free(f);
        return false;
    }
    skt_taker_flow_enter(f, SKT_TAKER_ASKING);
    return true;
}

bool skt_taker_flow_is_current(const struct skt_taker_flow *f)
{
    struct skt_endpoint *ep;
    uint32_t cid;
    return f->st && skt_switch_active(f->t->conf.sw, &ep, &cid) && ep == f->ep && cid == f->cid;
}

/* --- the relay --- */

static void on_relay_close(void *user, struct skt_relay *relay)
{
    struct skt_taker_flow *f = user;
    (void)relay;
    f->relay = NULL;
    skt_taker_flow_enter(f, SKT_TAKER_GONE);
}

void skt_taker_flow_accepted(struct skt_taker_flow *f, int fd)
{
    struct skt_taker *t = f->t;
    char name[SKT_ADDR_TEXT_MAX];
    struct skt_relay_options options = {0};
    struct skt_stream *st = f->st;
    struct skt_tcp_conn *conn = skt_tcp_conn_accepted(t->conf.loop, fd);
    forget_syn(f);
    if (!conn || !st) { /* no memory, or the stream was reset meanwhile */
        skt_tcp_conn_reset(conn);
        drop_stream(f, SKT_RESET_ABORT);
        skt_taker_flow_enter(f, SKT_TAKER_GONE);
        return;
    }
    t->conf.options(t->conf.user, &options);
    options.on_close = on_relay_close;
    options.user = f;
    f->st = NULL;
    t->stats.taken++;
    skt_taker_flow_enter(f, SKT_TAKER_OPEN);
    if (skt_relay_join(t->conf.relays, conn, f->ep, st, skt_addr_text(&f->pair.far, name), &options,
                       &f->relay))
        skt_taker_flow_enter(f, SKT_TAKER_GONE);
}

/* --- ends before there is one --- */

void skt_taker_flow_given_up(struct skt_taker_flow *f)
{
    drop_stream(f, SKT_RESET_ABORT);
    if (f->state == SKT_TAKER_ASKING)
        skt_taker_flow_free(f);
    else
        skt_taker_flow_enter(f, SKT_TAKER_GONE);
}

void skt_taker_flow_overdue(struct skt_taker_flow *f)
{
    skt_us now = skt_loop_now(f->t->conf.loop);
    switch (f->state) {
    case SKT_TAKER_KNOCKING:
        skt_taker_note_unreached(f);
        drop_stream(f, SKT_RESET_ABORT);
        pass(f);
        skt_taker_flow_free(f);
        break;
    case SKT_TAKER_GONE:
        if (now - f->active >= times[SKT_TAKER_GONE])
            skt_taker_flow_free(f);
        else
            skt_taker_flow_enter(f, SKT_TAKER_GONE);
        break;
    default:
        skt_taker_flow_given_up(f);
        break;
    }
}
