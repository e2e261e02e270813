/* SPDX-License-Identifier: MIT */
/* What the threads of a resolver do: getaddrinfo, one name after the other. */
#include "base/err.h"
#include "io/resolve_internal.h"
#include "io/sockaddr.h"
#include "io/thread.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

static size_t collect(struct skt_resolve *r, const struct addrinfo *list)
{
    size_t n = 0;
    for (; list && n < SKT_RESOLVE_ADDRS_MAX; list = list->ai_next) {
        struct skt_addr addr;
        skt_sockaddr_read(&addr, list->ai_addr);
        if (addr.family == 0)
            continue;
        addr.port = r->port;
        r->addrs[n++] = addr;
    }
    return n;
}

static void look_up(struct skt_resolve *r)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    int err = getaddrinfo(r->name, NULL, &hints, &list);
    if (err == 0) {
        r->n = collect(r, list);
        freeaddrinfo(list);
    }
    if (r->n == 0)
        snprintf(r->error, sizeof r->error, "%s", err ? gai_strerror(err) : "no address");
}

void skt_resolver_free(struct skt_resolver *resolver)
{
    pthread_mutex_destroy(&resolver->lock);
    free(resolver);
}

/* Looks up one name after the other until none waits. */
static void *run(void *arg)
{
    struct skt_resolver *resolver = arg;
    pthread_mutex_lock(&resolver->lock);
    while (!skt_list_empty(&resolver->waiting)) {
        struct skt_resolve *r = SKT_CONTAINER(resolver->waiting.next, struct skt_resolve, link);
        skt_list_remove(&r->link);
        r->stage = SKT_RESOLVE_RUNNING;
        pthread_mutex_unlock(&resolver->lock);
        look_up(r);
        pthread_mutex_lock(&resolver->lock);
        r->stage = SKT_RESOLVE_DONE;
        if (!resolver->loop || r->cancelled) {
            free(r);
            continue;
        }
        skt_list_append(&resolver->done, &r->link);
        ev_async_send(skt_loop_ev(resolver->loop), &resolver->wake);
    }
    bool last = --resolver->threads == 0 && !resolver->loop;
    pthread_mutex_unlock(&resolver->lock);
    if (last)
        skt_resolver_free(resolver);
    return NULL;
}

int skt_resolver_enqueue(struct skt_resolver *resolver, struct skt_resolve *r)
{
    int err = SKT_OK;
    pthread_mutex_lock(&resolver->lock);
    skt_list_append(&resolver->waiting, &r->link);
    if (resolver->threads < SKT_RESOLVE_THREADS_MAX) {
        err = skt_thread_start(run, resolver);
        resolver->threads += err ? 0 : 1;
    }
    if (err && resolver->threads > 0)
        err = SKT_OK; /* another thread will come to it */
    if (err)
        skt_list_remove(&r->link);
    pthread_mutex_unlock(&resolver->lock);
    return err;
}
