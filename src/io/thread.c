/* SPDX-License-Identifier: MIT */
#include "io/thread.h"

#include "base/err.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>

enum { STACK_LEN = 256 * 1024 }; /* getaddrinfo with its modules needs about a third */

int skt_thread_start(void *(*fn)(void *user), void *user)
{
    pthread_attr_t attr;
    pthread_t thread;
    sigset_t all, before;
    if (pthread_attr_init(&attr))
        return SKT_ERR_NOMEM;
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, STACK_LEN);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int err = pthread_create(&thread, &attr, fn, user);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    return err ? SKT_ERR_IO : SKT_OK;
}
