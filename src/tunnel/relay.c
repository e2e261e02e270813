/* SPDX-License-Identifier: MIT */
#include "tunnel/relay.h"

#include "base/err.h"
#include "io/tcp.h"
#include "tunnel/relay_internal.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    /* TCP keepalive probes: a peer that vanished without a word is found within about four minutes. */
    PROBE_IDLE_S = 120,
    PROBE_INTERVAL_S = 30,
    PROBE_COUNT = 4,
    PIECES_FIRST = 8,
    SWEEP_POLL_MAX = 128, /* sockets asked about by one system call */
};

/* A session is suspect within a second or three round trips; connections that it never answered have until
 * then. */
#define UNHEARD_US      (4 * SKT_US_PER_SEC)
#define UNHEARD_LOOK_US (500 * SKT_US_PER_MS)

/* --- the sweep --- */

/* Sockets of blind relays that have failed: moves these relays to `due`, and those that wait for memory. */
static void look_at(struct skt_relay **relays, nfds_t n, struct skt_list *due)
{
    struct pollfd fds[SWEEP_POLL_MAX];
    for (nfds_t i = 0; i < n; i++)
        fds[i] = (struct pollfd){.fd = skt_relay_fd(relays[i])};
    (void)poll(fds, n, 0);
    for (nfds_t i = 0; i < n; i++) {
        struct skt_relay *r = relays[i];
        bool failed =
            fds[i].revents & (POLLERR | POLLHUP | POLLNVAL) && skt_tcp_state(fds[i].fd) == SKT_TCP_DEAD;
        if (failed)
            r->dead = true;
        if (failed || r->held || (r->tcp_ended && !r->finished))
            skt_list_move_tail(due, &r->blind);
    }
}

/* Ending one relay may end others, so the list is taken from the front until it is empty. */
static void finish_sweep(struct skt_list *due)
{
    while (!skt_list_empty(due)) {
        struct skt_relay *r = SKT_CONTAINER(due->next, struct skt_relay, blind);
        skt_list_remove(&r->blind);
        r->broken |= r->dead;
        r->dead = false;
        skt_relay_retry(r);
    }
}

static void on_sweep(struct skt_loop_timer *t, skt_us now)
{
    struct skt_relay_set *set = SKT_CONTAINER(t, struct skt_relay_set, sweep);
    struct skt_relay *relays[SWEEP_POLL_MAX];
    struct skt_list due;
    nfds_t n = 0;
    skt_list_init(&due);
    for (struct skt_list *l = set->blind.next, *next; l != &set->blind; l = next) {
        next = l->next;
        relays[n++] = SKT_CONTAINER(l, struct skt_relay, blind);
        if (n == SWEEP_POLL_MAX || next == &set->blind) {
            look_at(relays, n, &due);
            n = 0;
        }
    }
    finish_sweep(&due);
    if (!skt_list_empty(&set->blind))
        skt_loop_timer_set(set->loop, t, now + SKT_RELAY_SWEEP_US);
}

/* --- the set --- */

int skt_relay_set_new(struct skt_relay_set **out, struct skt_loop *loop)
{
    struct skt_relay_set *set = calloc(1, sizeof *set);
    if (!set)
        return SKT_ERR_NOMEM;
    set->loop = loop;
    skt_list_init(&set->relays);
    skt_list_init(&set->blind);
    skt_loop_timer_init(&set->sweep, on_sweep);
    *out = set;
    return SKT_OK;
}

void skt_relay_set_free(struct skt_relay_set *set)
{
    if (!set)
        return;
    while (!skt_list_empty(&set->relays))
        skt_relay_reset(SKT_CONTAINER(set->relays.next, struct skt_relay, link));
    skt_loop_timer_stop(set->loop, &set->sweep);
    free(set);
}

const struct skt_relay_stats *skt_relay_set_stats(const struct skt_relay_set *set)
{
    return &set->stats;
}

/* --- one relay --- */

void skt_relay_watch(struct skt_relay *r)
{
    struct skt_relay_set *set = r->set;
    if (skt_relay_fd(r) < 0) {
        skt_list_remove(&r->blind);
        return;
    }
    unsigned events = 0;
    if (!r->tcp_ended && !r->held)
        events |= SKT_IO_READ;
    if (r->broken)
        events = 0; /* it would tell of that for ever: what is left to read is read on other occasions */
    if (r->blocked)
        events |= SKT_IO_WRITE;
    skt_loop_io_set(set->loop, &r->io, events);
    if (events || r->over) { /* over: its timer looks at it */
        skt_list_remove(&r->blind);
        return;
    }
    if (skt_list_empty(&r->blind))
        skt_list_append(&set->blind, &r->blind);
    if (!skt_loop_timer_is_set(&set->sweep))
        skt_loop_timer_set(set->loop, &set->sweep, skt_loop_now(set->loop) + SKT_RELAY_SWEEP_US);
}

/* A connection of the last moments before the server fell silent would hang until the session is given up: it
 * is reset while whoever made it can still try again, by another server. True: it is looked at again, or was
 * reset. */
static bool look_unheard(struct skt_relay *r, skt_us now)
{
    if (!r->unheard || !r->st || r->broken || r->over || r->leaving)
        return false;
    r->unheard = !skt_kcp_heard(skt_stream_kcp(r->st));
    if (!r->unheard)
        return false;
    if (now >= r->opened + UNHEARD_US && skt_session_state(r->st->session) == SKT_SESSION_SUSPECT)
        skt_relay_abort(r, SKT_RESET_TIMEOUT);
    else
        skt_loop_timer_set(r->set->loop, &r->timer, now + UNHEARD_LOOK_US);
    return true;
}

static void on_timer(struct skt_loop_timer *t, skt_us now)
{
    struct skt_relay *r = SKT_CONTAINER(t, struct skt_relay, timer);
    if (look_unheard(r, now))
        return;
    if (r->leaving || r->over) {
        skt_relay_end_step(r);
        return;
    }
    skt_us due = skt_us_add(r->active, r->broken ? r->options.linger : r->options.idle_limit);
    if (due <= now && r->broken)
        skt_relay_abort(r, SKT_RESET_ABORT);
    else if (due <= now)
        skt_relay_leave(r, SKT_RESET_ABORT);
    else
        skt_loop_timer_set(r->set->loop, t, due);
}

static const char *state_of(const struct skt_relay *r)
{
    if (r->connect)
        return "connecting";
    if (r->over || r->leaving || r->broken)
        return "ending";
    if (r->tcp_ended || r->shut)
        return r->tcp_ended && r->shut ? "ending" : "half-closed";
    return r->unheard && r->st && !skt_kcp_heard(skt_stream_kcp(r->st)) ? "opening" : "open";
}

static void on_look(const struct skt_stream_owner *owner, struct skt_stream_look *look)
{
    const struct skt_relay *r = SKT_CONTAINER(owner, const struct skt_relay, owner);
    look->state = state_of(r);
    look->target = r->target;
    look->active = skt_us_max(r->active, r->opened);
    look->unread = r->held;
    look->in = r->connect ? SKT_HOLD_CONNECT : r->blocked ? SKT_HOLD_TARGET : SKT_HOLD_NONE;
}

static struct skt_relay *new_relay(struct skt_relay_set *set, struct skt_endpoint *ep,
                                   const struct skt_relay_options *options)
{
    struct skt_relay *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->owner.news = skt_relay_on_news;
    r->owner.look = on_look;
    r->set = set;
    r->ep = ep;
    r->options = *options;
    if (r->options.linger == 0)
        r->options.linger = SKT_RELAY_LINGER_US;
    r->pieces = PIECES_FIRST;
    skt_list_init(&r->blind);
    skt_list_append(&set->relays, &r->link);
    skt_loop_io_init(&r->io, -1, skt_relay_on_tcp);
    skt_loop_timer_init(&r->timer, on_timer);
    skt_loop_task_init(&r->more, skt_relay_on_more);
    set->stats.open++;
    return r;
}

void skt_relay_start(struct skt_relay *r, int fd)
{
    struct skt_loop *loop = r->set->loop;
    (void)skt_tcp_set_nodelay(fd); /* fails on what is no TCP socket, which may be relayed too */
    (void)skt_tcp_set_keepalive(fd, PROBE_IDLE_S, PROBE_INTERVAL_S, PROBE_COUNT);
    skt_loop_io_init(&r->io, fd, skt_relay_on_tcp);
    r->active = skt_loop_now(loop);
    skt_loop_timer_set(loop, &r->timer, skt_us_add(r->active, r->options.idle_limit));
    skt_relay_watch(r);
    skt_loop_defer(loop, &r->more); /* the stream may have data already */
    if (r->st->has_end)
        r->deaf = true;
    if (r->st->reset)
        skt_relay_on_over(r);
}

/* What a relay is charged with: with the way to its target, which comes first and goes. */
static const size_t charge_len = sizeof(struct skt_relay) + sizeof(struct skt_relay_connect);

void skt_relay_return_fd(struct skt_relay *r)
{
    if (r->took_fd)
        skt_endpoint_return_fd(r->ep, r->charged);
    if (r->orphan)
        skt_shared_return_orphan(r->shared);
    r->took_fd = r->orphan = false;
}

bool skt_relay_detach(struct skt_relay *r)
{
    bool had = r->took_fd;
    if (r->took_fd)
        r->orphan = skt_endpoint_leave_fd(r->ep, r->charged);
    r->took_fd = r->took_fd && !r->orphan;
    if (r->took_fd)
        skt_relay_return_fd(r);
    if (r->charged)
        skt_account_release(skt_session_account(r->charged), charge_len);
    r->charged = NULL;
    return !had || r->orphan;
}

/* Detaches the relay from everything but its stream and socket. */
static void stop(struct skt_relay *r)
{
    struct skt_loop *loop = r->set->loop;
    r->ending = true;
    skt_relay_trace_end(r);
    (void)skt_relay_detach(r);
    skt_relay_return_fd(r);
    skt_relay_connect_free(r);
    skt_loop_io_set(loop, &r->io, 0);
    skt_loop_timer_stop(loop, &r->timer);
    skt_loop_task_cancel(&r->more);
    skt_list_remove(&r->blind);
    skt_list_remove(&r->link);
    r->set->stats.open--;
    if (r->refused)
        r->set->stats.refused++;
    else
        r->set->stats.closed++;
}

/* A reset, unless both directions have come to their ends. */
static void close_socket(struct skt_relay *r)
{
    if (skt_relay_fd(r) < 0)
        return;
    if (r->tcp_ended && r->shut && !r->broken && !r->over)
        close(skt_relay_fd(r));
    else
        skt_tcp_reset(skt_relay_fd(r));
}

static void tell_and_free(struct skt_relay *r)
{
    if (r->options.on_close)
        r->options.on_close(r->options.user, r);
    skt_kcp_rest_drop(&r->rest);
    free(r->target);
    free(r);
}

void skt_relay_end(struct skt_relay *r)
{
    if (r->ending)
        return;
    stop(r);
    if (r->st) {
        struct skt_session *session = r->st->session;
        r->st->user = NULL;
        skt_session_release_stream(session, r->st);
        skt_endpoint_touch(r->ep, session);
    }
    close_socket(r);
    tell_and_free(r);
}

static void reset_stream(struct skt_endpoint *ep, struct skt_stream *st, int reason)
{
    struct skt_session *session = st->session;
    st->user = NULL;
    if (st->reset)
        skt_session_release_stream(session, st);
    else
        skt_session_reset_stream(session, st, reason);
    skt_endpoint_touch(ep, session);
}

void skt_relay_abort(struct skt_relay *r, int reason)
{
    if (r->ending)
        return;
    stop(r);
    if (r->st)
        reset_stream(r->ep, r->st, reason);
    close_socket(r);
    tell_and_free(r);
}

void skt_relay_reset(struct skt_relay *relay)
{
    skt_relay_abort(relay, SKT_RESET_ABORT);
}

/* --- beginning --- */

/* Takes back a relay that nobody knows of yet. */
static void forget(struct skt_relay *r)
{
    r->refused = true;
    stop(r);
    free(r->target);
    free(r);
}

static int open_stream(struct skt_relay *r, uint32_t cid, const char *target)
{
    struct skt_session *session = skt_endpoint_session(r->ep, cid);
    if (!session)
        return SKT_ERR_NOTFOUND;
    int err = skt_session_open_stream(session, skt_loop_now(r->set->loop), SKT_STREAM_TCP, target, &r->st);
    if (err)
        return err;
    r->st->user = &r->owner;
    skt_endpoint_touch(r->ep, session);
    return SKT_OK;
}

int skt_relay_open(struct skt_relay_set *set, int fd, struct skt_endpoint *ep, uint32_t cid,
                   const char *target, const struct skt_relay_options *options, struct skt_relay **out)
{
    set->stats.accepted++;
    struct skt_relay *r = new_relay(set, ep, options);
    if (!r) {
        set->stats.refused++;
        skt_tcp_reset(fd);
        return SKT_ERR_NOMEM;
    }
    int err = open_stream(r, cid, target);
    if (err) {
        forget(r);
        skt_tcp_reset(fd);
        return err;
    }
    if (*target)
        r->target = strdup(target); /* for the log only: without memory it has none */
    skt_relay_start(r, fd);
    skt_relay_trace_begin(r);
    r->unheard = true;
    r->opened = skt_loop_now(set->loop);
    skt_loop_timer_set(set->loop, &r->timer,
                       skt_us_min(r->opened + UNHEARD_US, skt_loop_timer_is_set(&r->timer)
                                                              ? skt_us_add(r->active, r->options.idle_limit)
                                                              : SKT_NEVER));
    if (out)
        *out = r;
    return SKT_OK;
}

/* A relay for a stream that the peer has opened, within what its session may have. */
static int charge(struct skt_relay *r, struct skt_session *session)
{
    if (!skt_account_charge(skt_session_account(session), charge_len))
        return SKT_ERR_NOMEM;
    r->charged = session;
    r->shared = skt_endpoint_shared(r->ep);
    r->took_fd = skt_endpoint_take_fd(r->ep, session);
    if (r->took_fd)
        return SKT_OK;
    skt_warn_rarely(skt_session_cid(session),
                    "session %u has its share of descriptors: connections are refused",
                    skt_session_cid(session));
    return SKT_ERR_FULL;
}

int skt_relay_connect(struct skt_relay_set *set, struct skt_endpoint *ep, struct skt_stream *st,
                      const char *host, uint16_t port, const struct skt_relay_options *options,
                      struct skt_relay **out)
{
    set->stats.accepted++;
    bool gone = st->reset && !skt_stream_has_unread(st);
    struct skt_relay *r = gone ? NULL : new_relay(set, ep, options);
    if (!r) {
        set->stats.refused++;
        int why = gone ? SKT_ERR_CLOSED : SKT_ERR_NOMEM;
        reset_stream(ep, st, SKT_RESET_LIMIT);
        return why;
    }
    int err = charge(r, st->session);
    if (!err)
        err = skt_relay_connect_begin(r, host, port);
    if (err) {
        forget(r);
        reset_stream(ep, st, err == SKT_ERR_ARG ? SKT_RESET_UNREACHABLE : SKT_RESET_LIMIT);
        return err;
    }
    r->st = st;
    st->user = &r->owner;
    skt_relay_trace_begin(r);
    if (out)
        *out = r;
    return SKT_OK;
}
