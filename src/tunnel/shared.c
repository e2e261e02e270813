/* SPDX-License-Identifier: MIT */
#include "tunnel/shared.h"

#include "base/err.h"
#include "io/limits.h"
#include "proto/path/segment.h"

#include <stdlib.h>

#define TRIM_INTERVAL (2 * SKT_US_PER_SEC) /* longer than the pauses of traffic that comes in waves */

enum {
    /* Descriptors that targets don't get: for sockets, listeners, names to look up, files. A part of all, */
    FDS_KEPT_PART = 4,
    /* and no more than this: a range of 256 ports, say. */
    FDS_KEPT_MAX = 256,
};

static void on_trim(struct skt_loop_timer *t, skt_us now)
{
    struct skt_shared *shared = SKT_CONTAINER(t, struct skt_shared, trim);
    struct skt_pool *pool = &shared->pool;
    /* Half of what is idle goes each time: traffic that comes in waves keeps its buffers, an idle process
     * none. */
    skt_pool_trim(pool, pool->free_count > 16 ? pool->free_count / 2 : 0);
    if (pool->free_count || pool->used)
        skt_loop_timer_set(shared->loop, t, now + TRIM_INTERVAL);
}

int skt_shared_new(struct skt_shared **out, struct skt_loop *loop, size_t max_memory)
{
    struct skt_shared *shared = calloc(1, sizeof *shared);
    if (!shared)
        return SKT_ERR_NOMEM;
    shared->loop = loop;
    shared->max_memory = max_memory ? max_memory : skt_limits_memory();
    skt_list_init(&shared->stamps);
    shared->crypto = skt_crypto_openssl();
    int err = shared->crypto ? skt_crypto_measure(shared->crypto, &shared->costs) : SKT_ERR_CRYPTO;
    if (!err) {
        shared->send_buffer = malloc(SKT_SEND_BUFFER_LEN);
        err = shared->send_buffer ? SKT_OK : SKT_ERR_NOMEM;
    }
    if (err) {
        free(shared);
        return err;
    }
    skt_pool_init(&shared->pool, SKT_KCP_BLOCK_LEN, shared->max_memory);
    size_t files = skt_limits_files();
    shared->fds_max = files - (files / FDS_KEPT_PART < FDS_KEPT_MAX ? files / FDS_KEPT_PART : FDS_KEPT_MAX);
    skt_loop_timer_init(&shared->trim, on_trim);
    *out = shared;
    return SKT_OK;
}

void skt_shared_free(struct skt_shared *shared)
{
    if (!shared)
        return;
    skt_loop_timer_stop(shared->loop, &shared->trim);
    skt_pool_dispose(&shared->pool);
    free(shared->send_buffer);
    free(shared);
}

void skt_shared_active(struct skt_shared *shared)
{
    if (!skt_loop_timer_is_set(&shared->trim))
        skt_loop_timer_set(shared->loop, &shared->trim, skt_loop_now(shared->loop) + TRIM_INTERVAL);
}

void skt_shared_return_orphan(struct skt_shared *shared)
{
    shared->fds--;
    shared->fds_orphaned--;
}
