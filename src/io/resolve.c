/* SPDX-License-Identifier: MIT */
#include "io/resolve_internal.h"

#include "base/err.h"
#include "io/ask.h"
#include "io/loop_internal.h"
#include "io/nameservers.h"
#include "io/net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- in the loop --- */

static void deliver(struct skt_resolver *resolver)
{
    for (;;) {
        pthread_mutex_lock(&resolver->lock);
        struct skt_list *first = resolver->done.next;
        bool none = first == &resolver->done;
        if (!none)
            skt_list_remove(first);
        pthread_mutex_unlock(&resolver->lock);
        if (none)
            return;
        struct skt_resolve *r = SKT_CONTAINER(first, struct skt_resolve, link);
        if (r->n == 0 && r->ask) {
            r->failed = true; /* on_asked goes on */
            continue;
        }
        skt_ask_cancel(r->ask);
        /* It is being answered: fn must not cancel it, and nobody else gets the chance to. */
        r->fn(r->user, r->addrs, r->n, r->n ? NULL : r->error);
        free(r);
    }
}

static void on_wake(struct ev_loop *ev, ev_async *w, int revents)
{
    (void)ev;
    (void)revents;
    deliver(SKT_CONTAINER(w, struct skt_resolver, wake));
}

static void on_task(struct skt_loop_task *t, skt_us now)
{
    (void)now;
    deliver(SKT_CONTAINER(t, struct skt_resolver, deliver));
}

static void free_list(struct skt_list *list)
{
    while (!skt_list_empty(list)) {
        struct skt_resolve *r = SKT_CONTAINER(list->next, struct skt_resolve, link);
        skt_list_remove(&r->link);
        free(r);
    }
}

static void dispose(void *object)
{
    struct skt_resolver *resolver = object;
    ev_async_stop(skt_loop_ev(resolver->loop), &resolver->wake);
    skt_loop_task_cancel(&resolver->deliver);
    pthread_mutex_lock(&resolver->lock);
    free_list(&resolver->waiting);
    free_list(&resolver->done);
    resolver->loop = NULL;
    bool last = resolver->threads == 0;
    pthread_mutex_unlock(&resolver->lock);
    if (last)
        skt_resolver_free(resolver);
}

static struct skt_resolver *resolver_of(struct skt_loop *loop)
{
    struct skt_loop_slot *slot = skt_loop_slot(loop, SKT_LOOP_SLOT_RESOLVE);
    if (slot->object)
        return slot->object;
    struct skt_resolver *resolver = calloc(1, sizeof *resolver);
    if (!resolver)
        return NULL;
    pthread_mutex_init(&resolver->lock, NULL);
    resolver->loop = loop;
    skt_list_init(&resolver->waiting);
    skt_list_init(&resolver->done);
    skt_loop_task_init(&resolver->deliver, on_task);
    ev_async_init(&resolver->wake, on_wake);
    ev_async_start(skt_loop_ev(loop), &resolver->wake);
    slot->object = resolver;
    slot->dispose = dispose;
    return resolver;
}

/* --- past the tunnel --- */

static void on_asked(void *user, const struct skt_addr *addrs, size_t n)
{
    struct skt_resolve *r = user;
    skt_resolve_fn fn = r->fn;
    void *owner = r->user;
    r->ask = NULL;
    if (n == 0 && !r->failed)
        return; /* the thread's answer is to come */
    if (n == 0) {
        fn(owner, NULL, 0, r->error);
        free(r);
        return;
    }
    skt_resolve_cancel(r);
    fn(owner, addrs, n, NULL);
}

static void ask_around(struct skt_resolve *r, struct skt_loop *loop)
{
    const struct skt_resolver *resolver = r->resolver;
    struct skt_addr servers[SKT_NAMESERVERS_MAX];
    if (!resolver->around)
        return;
    size_t n = skt_nameservers_read(resolver->resolv_conf[0] ? resolver->resolv_conf : NULL, servers);
    if (n > 0 && resolver->tell)
        resolver->tell(resolver->tell_user, servers, n);
    unsigned without = resolver->around_if[0] ? skt_net_ifindex(resolver->around_if) : 0;
    if (n == 0 || skt_ask_start(&r->ask, loop, servers, n, without, r->name, r->port, on_asked, r) != SKT_OK)
        r->ask = NULL;
}

int skt_resolve_set_around(struct skt_loop *loop, const char *interface, const char *resolv_conf)
{
    struct skt_resolver *resolver = resolver_of(loop);
    if (!resolver)
        return SKT_ERR_NOMEM;
    if ((interface && strlen(interface) >= sizeof resolver->around_if) ||
        (resolv_conf && strlen(resolv_conf) >= sizeof resolver->resolv_conf))
        return SKT_ERR_ARG;
    resolver->around = interface != NULL;
    snprintf(resolver->around_if, sizeof resolver->around_if, "%s", interface ? interface : "");
    snprintf(resolver->resolv_conf, sizeof resolver->resolv_conf, "%s", resolv_conf ? resolv_conf : "");
    return SKT_OK;
}

int skt_resolve_tell_servers(struct skt_loop *loop, skt_resolve_servers_fn fn, void *user)
{
    struct skt_resolver *resolver = resolver_of(loop);
    if (!resolver)
        return SKT_ERR_NOMEM;
    resolver->tell = fn;
    resolver->tell_user = user;
    return SKT_OK;
}

int skt_resolve_start(struct skt_resolve **out, struct skt_loop *loop, const char *name, uint16_t port,
                      skt_resolve_fn fn, void *user)
{
    size_t len = strlen(name);
    if (len == 0 || len > SKT_RESOLVE_NAME_MAX)
        return SKT_ERR_ARG;
    struct skt_resolver *resolver = resolver_of(loop);
    struct skt_resolve *r = resolver ? calloc(1, sizeof *r) : NULL;
    if (!r)
        return SKT_ERR_NOMEM;
    skt_list_init(&r->link);
    r->resolver = resolver;
    r->fn = fn;
    r->user = user;
    r->port = port;
    memcpy(r->name, name, len);
    int err = SKT_OK;
    if (skt_addr_parse(&r->addrs[0], name, port) == SKT_OK) {
        r->n = 1;
        r->stage = SKT_RESOLVE_DONE;
        pthread_mutex_lock(&resolver->lock);
        skt_list_append(&resolver->done, &r->link);
        pthread_mutex_unlock(&resolver->lock);
        skt_loop_defer(loop, &resolver->deliver);
    } else {
        err = skt_resolver_enqueue(resolver, r);
        if (!err)
            ask_around(r, loop);
    }
    if (err)
        free(r);
    else
        *out = r;
    return err;
}

void skt_resolve_cancel(struct skt_resolve *r)
{
    if (!r)
        return;
    struct skt_resolver *resolver = r->resolver;
    skt_ask_cancel(r->ask);
    r->ask = NULL;
    pthread_mutex_lock(&resolver->lock);
    bool running = r->stage == SKT_RESOLVE_RUNNING;
    r->cancelled = true;
    if (!running)
        skt_list_remove(&r->link);
    pthread_mutex_unlock(&resolver->lock);
    if (!running)
        free(r);
}
