/* SPDX-License-Identifier: MIT */
/* The attacker's socket, its pace, and the sessions it has. Forged addresses are ones that the machine has a
 * local route for: the kernel takes them as sources, and what is sent to them comes to this socket and is
 * counted, so that it is known what a victim would get. */
#define _GNU_SOURCE
#include "attack/attack.h"
#include "base/err.h"
#include "sim/unmask.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    BUFFER_LEN = 4 << 20, /* of the socket, each way: the answers of a millisecond */
    LATE_US = 50000,      /* units that are later than this are not made up for */
    CONNECT_S = 10,
};

/* --- time --- */

skt_us attack_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (skt_us)t.tv_sec * SKT_US_PER_SEC + (skt_us)t.tv_nsec / 1000;
}

static void refresh_wall(struct attack *a)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    a->ctx.wall_ms =
        (uint64_t)((int64_t)t.tv_sec * 1000 + (int64_t)(t.tv_nsec / 1000000) + a->wall_offset_ms);
}

/* --- out --- */

int attack_open(struct attack *a)
{
    int on = 1, len = BUFFER_LEN;
    struct sockaddr_in any = {.sin_family = AF_INET};
    a->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (a->fd < 0 || setsockopt(a->fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) != 0)
        return -1;
    (void)setsockopt(a->fd, SOL_SOCKET, SO_RCVBUFFORCE, &len, sizeof len);
    (void)setsockopt(a->fd, SOL_SOCKET, SO_SNDBUFFORCE, &len, sizeof len);
    return bind(a->fd, (struct sockaddr *)&any, sizeof any);
}

void attack_close(struct attack *a)
{
    attack_flush(a);
    a->hold = a->deaf = a->tapped = false;
    while (a->session_count > 0)
        attack_session_close(a, a->sessions[a->session_count - 1]);
    close(a->fd);
}

/* Room for one IP_PKTINFO. */
union pktinfo {
    struct cmsghdr align;
    char room[CMSG_SPACE(sizeof(struct in_pktinfo))];
};

static void put_source(const struct attack *a, struct msghdr *m, union pktinfo *c, unsigned source)
{
    if (source == 0)
        return;
    struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl(a->p.source_base + source - 1)};
    m->msg_control = c;
    m->msg_controllen = sizeof *c;
    struct cmsghdr *h = CMSG_FIRSTHDR(m);
    h->cmsg_level = IPPROTO_IP;
    h->cmsg_type = IP_PKTINFO;
    h->cmsg_len = CMSG_LEN(sizeof info);
    memcpy(CMSG_DATA(h), &info, sizeof info);
}

void attack_flush(struct attack *a)
{
    struct mmsghdr m[ATTACK_BATCH] = {0};
    struct iovec iov[ATTACK_BATCH];
    union pktinfo c[ATTACK_BATCH];
    struct sockaddr_in to[ATTACK_BATCH];
    for (unsigned i = 0; i < a->out_count; i++) {
        to[i] = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(a->out_port[i])};
        memcpy(&to[i].sin_addr, a->p.server.ip, 4);
        iov[i] = (struct iovec){a->out[i], a->out_len[i]};
        m[i].msg_hdr = (struct msghdr){
            .msg_name = &to[i], .msg_namelen = sizeof to[i], .msg_iov = &iov[i], .msg_iovlen = 1};
        put_source(a, &m[i].msg_hdr, &c[i], a->out_source[i]);
    }
    unsigned done = 0;
    for (int tries = 0; done < a->out_count && tries < 100; tries++) {
        int n = sendmmsg(a->fd, m + done, a->out_count - done, 0);
        if (n > 0)
            done += (unsigned)n;
        else if (errno == EAGAIN || errno == ENOBUFS)
            poll(&(struct pollfd){.fd = a->fd, .events = POLLOUT}, 1, 1);
        else
            done++; /* an ICMP error of an earlier one, say */
    }
    a->out_count = 0;
}

void attack_send_raw(struct attack *a, const uint8_t *datagram, size_t len, uint16_t port)
{
    unsigned i = a->out_count++;
    memcpy(a->out[i], datagram, len);
    a->out_len[i] = len;
    a->out_source[i] = a->source;
    a->out_port[i] = port ? port : a->p.server.port;
    struct attack_account *account = a->source ? &a->forged[a->source - 1] : &a->own;
    account->sent += len;
    a->sent_packets++;
    if (a->recorded_count < ATTACK_RECORDED) {
        a->recorded_len[a->recorded_count] = len;
        memcpy(a->recorded[a->recorded_count++], datagram, len);
    }
    if (a->out_count == ATTACK_BATCH)
        attack_flush(a);
}

/* --- in --- */

/* The account of the address that a datagram was sent to. */
static struct attack_account *account_of(struct attack *a, struct msghdr *m)
{
    const struct cmsghdr *h = CMSG_FIRSTHDR(m); /* it is the only one that was asked for */
    struct in_pktinfo info;
    if (!h || h->cmsg_level != IPPROTO_IP || h->cmsg_type != IP_PKTINFO)
        return &a->own;
    memcpy(&info, CMSG_DATA(h), sizeof info);
    uint32_t n = ntohl(info.ipi_addr.s_addr) - a->p.source_base;
    return n < a->p.sources ? &a->forged[n] : &a->own;
}

/* What came of the first stream; nobody acknowledges it but the case. */
static void tap(struct attack *a, const uint8_t *plain, size_t len)
{
    struct skt_reader r = skt_reader_of(plain, len);
    while (r.left > 1 && r.p[0] != SKT_FRAME_KCP && r.p[0] != SKT_FRAME_PAD && r.p[0] != SKT_FRAME_PARITY)
        (void)skt_read_bytes(&r, 2 + (size_t)r.p[1]);
    if (r.bad || skt_read_u8(&r) != SKT_FRAME_KCP)
        return;
    struct skt_kcp_header h;
    const uint8_t *data;
    while (r.left > 0 && skt_kcp_parse(&r, &h, &data) == SKT_OK)
        if (h.conv == SKT_CONV_FIRST && h.cmd == SKT_KCP_CMD_PUSH &&
            (!a->tap_any || skt_serial_before(a->tap_sn, h.sn))) {
            a->tap_any = true;
            a->tap_sn = h.sn;
            a->tap_ts = h.ts;
        }
}

static void take(struct attack *a, const struct sockaddr_in *from, uint8_t *d, size_t len)
{
    struct skt_packet_header h;
    struct skt_addr addr = {.family = 4, .port = ntohs(from->sin_port)};
    memcpy(addr.ip, &from->sin_addr, 4);
    if (a->deaf || sim_unmask(a->crypto, a->ctx.mask_in, d, len, &h) != SKT_OK)
        return;
    struct skt_session *s = (struct skt_session *)skt_idmap_get(&a->ctx.ids, h.receiver);
    if (!s || (a->hold && s->connect.pending))
        return;
    struct skt_keypair *kp = s->keys.current;
    uint8_t *plain;
    size_t plain_len;
    if (a->tapped && s == a->session && kp && kp->local_id == h.receiver) {
        if (skt_packet_open(a->crypto, kp, d, len, attack_now(), &plain, &plain_len) == SKT_OK)
            tap(a, plain, plain_len);
        return;
    }
    (void)skt_session_receive(s, attack_now(), &addr, d, len);
    if (skt_session_take_events(s) & SKT_EVENT_REFUSED)
        a->refused++;
    unsigned source = a->source;
    a->source = 0;
    attack_session_serve(a, s);
    a->source = source;
}

static bool receive_some(struct attack *a)
{
    static uint8_t buf[ATTACK_BATCH][2048];
    struct mmsghdr m[ATTACK_BATCH] = {0};
    struct iovec iov[ATTACK_BATCH];
    union pktinfo c[ATTACK_BATCH];
    struct sockaddr_in from[ATTACK_BATCH];
    for (unsigned i = 0; i < ATTACK_BATCH; i++) {
        iov[i] = (struct iovec){buf[i], sizeof buf[i]};
        m[i].msg_hdr = (struct msghdr){.msg_name = &from[i],
                                       .msg_namelen = sizeof from[i],
                                       .msg_iov = &iov[i],
                                       .msg_iovlen = 1,
                                       .msg_control = &c[i],
                                       .msg_controllen = sizeof c[i]};
    }
    int n = recvmmsg(a->fd, m, ATTACK_BATCH, 0, NULL);
    for (int i = 0; i < n; i++) {
        a->got_packets++;
        struct attack_account *account = account_of(a, &m[i].msg_hdr);
        account->got += m[i].msg_len;
        if (account == &a->own) /* a forger does not see the others */
            take(a, &from[i], buf[i], m[i].msg_len);
    }
    return n == ATTACK_BATCH;
}

/* --- sessions --- */

struct skt_session *attack_session_new(struct attack *a, const uint8_t ticket[SKT_TICKET_LEN])
{
    struct skt_session *s;
    if (a->session_count == ATTACK_SESSIONS_MAX ||
        skt_session_new_client(&s, &a->ctx, attack_now()) != SKT_OK)
        return NULL;
    skt_session_set_candidates(s, &a->p.server, 1, a->p.server.port, a->p.server.port);
    (void)skt_session_connect(s, attack_now(), ticket);
    a->sessions[a->session_count++] = s;
    return s;
}

void attack_session_free(struct attack *a, struct skt_session *s)
{
    for (unsigned i = 0; i < a->session_count; i++)
        if (a->sessions[i] == s)
            a->sessions[i] = a->sessions[--a->session_count];
    if (a->session == s) {
        a->session = NULL;
        a->half = NULL;
    }
    skt_session_free(s);
}

/* A user who takes no interest: streams that the server resets or answers go, messages are read. */
static void let_go(struct attack *a, struct skt_session *s)
{
    unsigned news;
    const uint8_t *msg;
    struct skt_stream *st;
    while ((st = skt_session_next_stream(s, &news)) != NULL) {
        bool waits = !(news & SKT_STREAM_RESET) && !skt_stream_has_unread(st);
        a->answered += skt_stream_has_unread(st);
        if (!waits)
            skt_session_release_stream(s, st);
    }
    while (skt_session_read_message(s, &msg) >= 0)
        continue;
    while (skt_session_next_flow(s, &news) >= 0)
        continue;
}

void attack_session_serve(struct attack *a, struct skt_session *s)
{
    skt_us now = attack_now();
    uint8_t buf[SKT_SEND_BUFFER_MIN];
    struct skt_send_info info;
    size_t len;
    if (a->hold && s->connect.pending)
        return;
    let_go(a, s);
    if (skt_session_expiry(s, now) <= now)
        skt_session_expire(s, now);
    while ((len = skt_session_send(s, now, buf, sizeof buf, &info)) > 0)
        for (size_t at = 0; at < len; at += info.segment_len) {
            size_t n = len - at < info.segment_len ? len - at : info.segment_len;
            attack_send_raw(a, buf + at, n, info.to.port);
        }
}

void attack_session_close(struct attack *a, struct skt_session *s)
{
    unsigned source = a->source;
    a->source = 0;
    skt_session_close(s, attack_now(), SKT_CLOSE_LOCAL);
    attack_session_serve(a, s);
    attack_flush(a);
    attack_session_free(a, s);
    a->source = source;
}

static void serve(struct attack *a)
{
    unsigned source = a->source;
    skt_us now = attack_now();
    a->serve_at = now + SKT_US_PER_MS;
    a->source = 0;
    refresh_wall(a);
    for (unsigned i = 0; i < a->session_count && !a->deaf && !a->tapped; i++)
        if (skt_session_expiry(a->sessions[i], now) <= now)
            attack_session_serve(a, a->sessions[i]);
    a->source = source;
}

/* One turn: what comes, what sessions send, and a wait of at most `wait`. */
static void turn(struct attack *a, skt_us wait)
{
    struct timespec t = {.tv_sec = (time_t)(wait / SKT_US_PER_SEC),
                         .tv_nsec = (long)(wait % SKT_US_PER_SEC * 1000)};
    attack_flush(a);
    (void)ppoll(&(struct pollfd){.fd = a->fd, .events = POLLIN}, 1, &t, NULL);
    for (int i = 0; i < 8 && receive_some(a); i++)
        continue;
    serve(a);
    attack_flush(a);
}

void attack_rest(struct attack *a, skt_us how_long)
{
    skt_us end = attack_now() + how_long;
    for (skt_us now = attack_now(); now < end; now = attack_now())
        turn(a, skt_us_min(end - now, SKT_US_PER_MS));
}

bool attack_connect(struct attack *a)
{
    a->session = attack_session_new(a, a->p.ticket);
    skt_us end = attack_now() + CONNECT_S * SKT_US_PER_SEC;
    while (a->session && attack_now() < end && a->refused == 0) {
        attack_rest(a, SKT_US_PER_MS);
        if (skt_session_state(a->session) == SKT_SESSION_UP) {
            attack_begin(a);
            a->reached = true;
            return true;
        }
    }
    return false;
}

bool attack_connect_half(struct attack *a)
{
    a->hold = true;
    a->session = attack_session_new(a, a->p.ticket);
    skt_us end = attack_now() + CONNECT_S * SKT_US_PER_SEC;
    while (a->session && attack_now() < end && !a->session->connect.pending)
        attack_rest(a, SKT_US_PER_MS);
    attack_begin(a);
    if (!a->session || !a->session->connect.pending)
        return false;
    a->half = a->session->connect.pending;
    a->reached = true;
    return true;
}

void attack_send_attach(struct attack *a, const uint8_t ticket[SKT_TICKET_LEN])
{
    uint8_t buf[SKT_SEND_BUFFER_MIN];
    struct skt_send_info info;
    struct skt_session *s = a->session;
    memcpy(s->ticket, ticket, SKT_TICKET_LEN);
    s->connect.attach_at = 0;
    size_t len = skt_session_send(s, attack_now(), buf, sizeof buf, &info);
    if (len > 0)
        attack_send_raw(a, buf, len, 0);
}

bool attack_next(struct attack *a)
{
    if (a->units == 0) {
        a->started = attack_now();
        a->until = a->p.seconds > 0 ? a->started + (skt_us)(a->p.seconds * 1e6) : SKT_NEVER;
    }
    for (;;) {
        skt_us now = attack_now();
        if (now >= a->until || (a->p.count && a->units >= a->p.count))
            return false;
        skt_us due = a->started + (a->p.rate > 0 ? (skt_us)((double)a->units * 1e6 / a->p.rate) : 0);
        if (now > due + LATE_US)
            a->started += now - due - LATE_US;
        if (now >= a->serve_at)
            turn(a, 0);
        else if (now < due)
            turn(a, skt_us_min(due - now, SKT_US_PER_MS));
        if (now >= due)
            break;
    }
    a->units++;
    return true;
}
