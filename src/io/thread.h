/* SPDX-License-Identifier: MIT */
/* Threads for calls that block; everything else runs in the loop's. */
#ifndef SKT_IO_THREAD_H
#define SKT_IO_THREAD_H

/* Runs fn(user) in a thread of its own that nobody waits for, with a stack of 256 KiB and without signals,
 * which are the loop's. SKT_ERR_NOMEM, SKT_ERR_IO: there can be no more threads. */
int skt_thread_start(void *(*fn)(void *user), void *user);

#endif
