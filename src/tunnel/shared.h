/* SPDX-License-Identifier: MIT */
/* What all endpoints on one loop share: packet buffers with the process's memory budget, the cryptography and
 * what it costs here, and the buffer that runs of datagrams are built in. */
#ifndef SKT_TUNNEL_SHARED_H
#define SKT_TUNNEL_SHARED_H

#include "base/list.h"
#include "base/pool.h"
#include "crypto/crypto.h"
#include "io/loop.h"
#include "proto/trace.h"

#include <stddef.h>
#include <stdint.h>

enum { SKT_SEND_BUFFER_LEN = 65536 }; /* one UDP_SEGMENT send */

struct skt_shared {
    struct skt_loop *loop;           /* that all endpoints run on */
    const struct skt_crypto *crypto; /* for all of them */
    struct skt_crypto_costs costs;   /* what its ciphers cost on this machine */
    struct skt_pool pool;            /* packet buffers, with the budget of max_memory */
    size_t fds_max;         /* descriptors that all sessions together may have for connections to targets */
    size_t fds;             /* of fds_max: in use (tunnel/endpoint_fds.h) */
    size_t fds_orphaned;    /* of fds: of sessions that are over, for what TCP has yet to take */
    size_t max_memory;      /* bytes, as handed in or the default */
    struct skt_list stamps; /* struct skt_stamps: the replay cache of each psk */
    uint8_t *send_buffer;   /* SKT_SEND_BUFFER_LEN bytes; touched only while something is sent */
    struct skt_trace trace; /* what endpoints that are made tell; they can be told of another one */
    struct skt_loop_timer trim; /* gives idle buffers back to the system */
};

/* max_memory: bytes that sessions may hold in all (doc/architecture.md tells what is outside it); 0:
 * skt_limits_memory. SKT_ERR_NOMEM, SKT_ERR_CRYPTO. */
int skt_shared_new(struct skt_shared **out, struct skt_loop *loop, size_t max_memory);

/* All endpoints must have been freed. NULL is allowed. */
void skt_shared_free(struct skt_shared *shared);

/* A descriptor that skt_endpoint_leave_fd has left is closed. */
void skt_shared_return_orphan(struct skt_shared *shared);

/* Something was sent or received: buffers that come free are looked at in a while. */
void skt_shared_active(struct skt_shared *shared);

#endif
