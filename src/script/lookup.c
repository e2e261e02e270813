/* SPDX-License-Identifier: MIT */
#include "script/lookup.h"

#include "base/err.h"
#include "io/thread.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { LIMIT_S = 2 }; /* the loop stands still so long at most: sessions bear it, who looks on hardly */

/* Shared with the thread; whoever is the last to leave frees it. */
struct lookup {
    pthread_mutex_t lock;     /* of the members below */
    pthread_cond_t done_cond; /* `done` is set */
    bool done;                /* the thread has its answer */
    bool abandoned;           /* nobody waits for it any more: the thread frees this */
    int rc;                   /* of getaddrinfo */
    struct in_addr addr;      /* the answer, where rc is 0 */
    char name[256];           /* asked for: a name has 253 characters at most */
};

static void destroy(struct lookup *k)
{
    pthread_mutex_destroy(&k->lock);
    pthread_cond_destroy(&k->done_cond);
    free(k);
}

static void *resolve(void *arg)
{
    struct lookup *k = arg;
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *res = NULL;
    int rc = getaddrinfo(k->name, NULL, &hints, &res);
    pthread_mutex_lock(&k->lock);
    k->rc = rc;
    if (rc == 0)
        k->addr = ((struct sockaddr_in *)(void *)res->ai_addr)->sin_addr;
    k->done = true;
    bool abandoned = k->abandoned;
    pthread_cond_signal(&k->done_cond);
    pthread_mutex_unlock(&k->lock);
    if (rc == 0)
        freeaddrinfo(res);
    if (abandoned)
        destroy(k);
    return NULL;
}

/* Waits for the end, or for the limit by a clock that nobody sets. The lock is held. */
#ifdef __APPLE__

static int init_condition(pthread_cond_t *cond)
{
    return pthread_cond_init(cond, NULL);
}

static void wait_for_end(struct lookup *k)
{
    struct timespec limit = {.tv_sec = LIMIT_S};
    while (!k->done && pthread_cond_timedwait_relative_np(&k->done_cond, &k->lock, &limit) != ETIMEDOUT)
        ;
}

#else

static int init_condition(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    if (pthread_condattr_init(&attr))
        return -1;
    int failed = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) || pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
    return failed;
}

static void wait_for_end(struct lookup *k)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += LIMIT_S;
    while (!k->done && pthread_cond_timedwait(&k->done_cond, &k->lock, &until) != ETIMEDOUT)
        ;
}

#endif

static const char *wait_for(struct lookup *k, char ip[SKT_ADDR_TEXT_MAX])
{
    const char *why = NULL;
    pthread_mutex_lock(&k->lock);
    wait_for_end(k);
    bool done = k->done;
    k->abandoned = !done;
    if (!done)
        why = "timed out";
    else if (k->rc != 0)
        why = gai_strerror(k->rc);
    else
        inet_ntop(AF_INET, &k->addr, ip, SKT_ADDR_TEXT_MAX);
    pthread_mutex_unlock(&k->lock);
    if (done)
        destroy(k);
    return why;
}

const char *skt_script_lookup_ipv4(const char *name, char ip[SKT_ADDR_TEXT_MAX])
{
    struct in_addr numeric;
    if (inet_pton(AF_INET, name, &numeric) == 1) {
        inet_ntop(AF_INET, &numeric, ip, SKT_ADDR_TEXT_MAX);
        return NULL;
    }
    struct lookup *k = calloc(1, sizeof *k);
    if (!k)
        return "out of memory";
    if (*name == 0 || strlen(name) >= sizeof k->name) {
        free(k);
        return "not a name";
    }
    memcpy(k->name, name, strlen(name) + 1);
    if (init_condition(&k->done_cond)) {
        free(k);
        return "out of memory";
    }
    pthread_mutex_init(&k->lock, NULL);
    if (skt_thread_start(resolve, k) != SKT_OK) {
        destroy(k);
        return "no thread could be started";
    }
    return wait_for(k, ip);
}

const char *skt_script_ip_text(const struct skt_addr *a, char buf[SKT_ADDR_TEXT_MAX])
{
    if (!inet_ntop(a->family == 6 ? AF_INET6 : AF_INET, a->ip, buf, SKT_ADDR_TEXT_MAX))
        buf[0] = 0;
    return buf;
}
