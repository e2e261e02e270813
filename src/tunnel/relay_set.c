/* SPDX-License-Identifier: MIT */
#include "tunnel/relay_set.h"

#include "base/err.h"
#include "io/tcp.h"
#include "tunnel/relay_end.h"
#include "tunnel/relay_internal.h"
#include "tunnel/relay_pump.h"

#include <poll.h>
#include <stdlib.h>

enum { SWEEP_POLL_MAX = 128 }; /* sockets asked about by one system call: 1 KiB of the stack */

/* --- the sweep --- */

/* Sockets of blind relays that have failed: moves these relays to `due`, and those that wait for memory. */
static void look_at(struct skt_relay **relays, nfds_t n, struct skt_list *due)
{
    struct pollfd fds[SWEEP_POLL_MAX];
    for (nfds_t i = 0; i < n; i++)
        fds[i] = (struct pollfd){.fd = skt_tcp_conn_fd(relays[i]->conn)};
    (void)poll(fds, n, 0);
    for (nfds_t i = 0; i < n; i++) {
        struct skt_relay *r = relays[i];
        bool failed =
            fds[i].revents & (POLLERR | POLLHUP | POLLNVAL) && skt_tcp_state(fds[i].fd) == SKT_TCP_DEAD;
        if (failed)
            r->fate.dead = true;
        if (failed || r->in.held || (r->in.ended && !r->in.told))
            skt_list_move_tail(due, &r->blind);
    }
}

/* Ending one relay may end others, so the list is taken from the front until it is empty. */
static void finish_sweep(struct skt_list *due)
{
    while (!skt_list_empty(due)) {
        struct skt_relay *r = SKT_CONTAINER(due->next, struct skt_relay, blind);
        skt_list_remove(&r->blind);
        r->fate.broken |= r->fate.dead;
        r->fate.dead = false;
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
    skt_list_init(&set->targets);
    skt_loop_timer_init(&set->sweep, on_sweep);
    *out = set;
    return SKT_OK;
}

void skt_relay_set_leave(struct skt_relay_set *set)
{
    struct skt_list batch;
    skt_list_init(&batch);
    while (!skt_list_empty(&set->relays))
        skt_list_move_tail(&batch, set->relays.next);
    while (!skt_list_empty(&batch)) {
        struct skt_relay *r = SKT_CONTAINER(batch.next, struct skt_relay, link);
        skt_list_move_tail(&set->relays, &r->link);
        skt_relay_leave_both(r);
    }
}

void skt_relay_set_free(struct skt_relay_set *set)
{
    if (!set)
        return;
    while (!skt_list_empty(&set->relays))
        skt_relay_reset(SKT_CONTAINER(set->relays.next, struct skt_relay, link));
    skt_loop_timer_stop(set->loop, &set->sweep);
    skt_tally_free_all(&set->targets);
    free(set);
}

const struct skt_relay_stats *skt_relay_set_stats(const struct skt_relay_set *set)
{
    return &set->stats;
}

const struct skt_list *skt_relay_set_targets(const struct skt_relay_set *set)
{
    return &set->targets;
}
