/* SPDX-License-Identifier: MIT */
#include "io/udp.h"

#include "base/err.h"
#include "io/loop_internal.h"
#include "io/udp_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Receive buffers that no socket has used for this long go back to the system. */
#define RELEASE_AFTER (5 * SKT_US_PER_SEC)

/* A batch that was not full has emptied the socket, and to ask for more would be a system call for nothing:
 * where messages come one by one, each costs several. Where more came than this, the next ones may have
 * arrived meanwhile, and are better taken before an answer goes out. */
enum { FEW_BYTES = 2048 };

/* How long datagrams are taken from one socket before others get their turn; at least one batch is taken. */
#define TURN_TIME (5 * SKT_US_PER_MS)

/* --- receive buffers of the loop --- */

static size_t batch_len(void)
{
    return SKT_UDP_BATCH_LEN + SKT_UDP_BATCH_DATAGRAMS * sizeof(struct skt_udp_datagram);
}

static void release_buffers(struct skt_udp_batch *batch)
{
    if (batch->buf)
        munmap(batch->buf, batch_len());
    batch->buf = NULL;
}

static void on_release(struct skt_loop_timer *t, skt_us now)
{
    struct skt_udp_batch *batch = SKT_CONTAINER(t, struct skt_udp_batch, release);
    bool used = batch->used;
    batch->used = false;
    if (used)
        skt_loop_timer_set(batch->loop, t, now + RELEASE_AFTER);
    else
        release_buffers(batch);
}

static void free_batch(void *object)
{
    struct skt_udp_batch *batch = object;
    skt_loop_timer_stop(batch->loop, &batch->release);
    release_buffers(batch);
    free(batch);
}

static struct skt_udp_batch *batch_of(struct skt_loop *loop)
{
    struct skt_loop_slot *slot = skt_loop_slot(loop, SKT_LOOP_SLOT_UDP);
    if (slot->object)
        return slot->object;
    struct skt_udp_batch *batch = calloc(1, sizeof *batch);
    if (!batch)
        return NULL;
    batch->loop = loop;
    batch->gso = batch->gro = true;
    skt_loop_timer_init(&batch->release, on_release);
    slot->object = batch;
    slot->dispose = free_batch;
    return batch;
}

static int map_buffers(struct skt_udp_batch *batch)
{
    if (batch->buf)
        return SKT_OK;
    void *p = mmap(NULL, batch_len(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return SKT_ERR_NOMEM;
    batch->buf = p;
    batch->datagrams = (struct skt_udp_datagram *)(void *)(batch->buf + SKT_UDP_BATCH_LEN);
    return SKT_OK;
}

/* A few small datagrams now and then touch few pages, which may stay; anything more is given back later. */
static void note_use(struct skt_udp_batch *batch, size_t bytes)
{
    if (bytes <= 2 * SKT_UDP_SLOT_LEN)
        return;
    batch->used = true;
    if (!skt_loop_timer_is_set(&batch->release))
        skt_loop_timer_set(batch->loop, &batch->release, skt_loop_now(batch->loop) + RELEASE_AFTER);
}

int skt_udp_set_offload(struct skt_loop *loop, bool gso, bool gro)
{
    struct skt_udp_batch *batch = batch_of(loop);
    if (!batch)
        return SKT_ERR_NOMEM;
    batch->gso = gso;
    batch->gro = gro;
    return SKT_OK;
}

/* --- receiving --- */

bool skt_udp_deliver(struct skt_udp *udp, struct skt_udp_datagram *d, size_t n)
{
    bool closed = false;
    udp->closed = &closed;
    udp->fn(udp->user, udp, d, n);
    if (closed)
        return false;
    udp->closed = NULL;
    return true;
}

static void on_ready(struct skt_loop_io *io, unsigned ready)
{
    (void)ready;
    struct skt_udp *udp = SKT_CONTAINER(io, struct skt_udp, io);
    struct skt_udp_batch *batch = udp->batch;
    if (map_buffers(batch)) {
        skt_loop_io_rest(udp->loop, io);
        return;
    }
    size_t turn = 0;
    skt_us until = skt_clock_now() + TURN_TIME;
    while (turn < SKT_UDP_TURN_LEN && (turn == 0 || skt_clock_now() < until)) {
        bool full;
        long got = skt_udp_system_receive(udp, &full);
        if (got == SKT_ERR_NOMEM)
            skt_loop_io_rest(udp->loop, &udp->io);
        if (got < 0)
            break; /* nothing left, closed, or an ICMP error that concerns one datagram of the past */
        turn += (size_t)got + SKT_UDP_SLOT_LEN; /* tiny datagrams are work too */
        note_use(batch, (size_t)got);
        if (!full && got <= FEW_BYTES)
            break; /* the loop tells of the next one */
    }
}

/* --- life --- */

static void raise_buffer(int fd, int option, int forced)
{
    int len = SKT_UDP_BUFFER_LEN;
    if (forced >= 0 && setsockopt(fd, SOL_SOCKET, forced, &len, sizeof len) == 0)
        return;
    /* Some systems refuse what is above their limit instead of lowering it. */
    for (; len >= 256 * 1024; len /= 2) {
        if (setsockopt(fd, SOL_SOCKET, option, &len, sizeof len) == 0)
            return;
    }
}

static int open_socket(const struct skt_addr *bind_to)
{
    union skt_sockaddr sa;
    socklen_t sa_len = skt_sockaddr_of(&sa, bind_to);
    if (sa_len == 0)
        return SKT_ERR_ARG;
    int fd = socket(sa.sa.sa_family, SOCK_DGRAM, 0);
    if (fd < 0)
        return SKT_ERR_IO;
    int on = 1;
    if (skt_fd_prepare(fd) ||
        (bind_to->family == 6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on)) ||
        bind(fd, &sa.sa, sa_len)) {
        int error = errno;
        close(fd);
        errno = error;
        return SKT_ERR_IO;
    }
#ifdef SO_RCVBUFFORCE
    raise_buffer(fd, SO_RCVBUF, SO_RCVBUFFORCE);
    raise_buffer(fd, SO_SNDBUF, SO_SNDBUFFORCE);
#else
    raise_buffer(fd, SO_RCVBUF, -1);
    raise_buffer(fd, SO_SNDBUF, -1);
#endif
    return fd;
}

int skt_udp_open(struct skt_udp **out, struct skt_loop *loop, const struct skt_addr *bind_to,
                 skt_udp_batch_fn fn, void *user)
{
    struct skt_udp_batch *batch = batch_of(loop);
    struct skt_udp *udp = batch ? calloc(1, sizeof *udp) : NULL;
    if (!udp)
        return SKT_ERR_NOMEM;
    int fd = open_socket(bind_to);
    if (fd < 0) {
        free(udp);
        return fd;
    }
    udp->loop = loop;
    udp->batch = batch;
    udp->fn = fn;
    udp->user = user;
    udp->family = bind_to->family;
    udp->gso = batch->gso;
    udp->gro = batch->gro;
    skt_loop_io_init(&udp->io, fd, on_ready);
    if (skt_udp_system_setup(udp)) {
        int error = errno;
        close(fd);
        free(udp);
        errno = error;
        return SKT_ERR_IO;
    }
    skt_loop_io_set(loop, &udp->io, SKT_IO_READ);
    *out = udp;
    return SKT_OK;
}

void skt_udp_close(struct skt_udp *udp)
{
    if (!udp)
        return;
    if (udp->closed)
        *udp->closed = true;
    skt_loop_io_set(udp->loop, &udp->io, 0);
    close(udp->io.w.fd);
    free(udp);
}

int skt_udp_track_local(struct skt_udp *udp)
{
    int err = skt_udp_system_track(udp);
    udp->track = err == SKT_OK;
    return err;
}

void skt_udp_watch_errors(struct skt_udp *udp, skt_udp_error_fn fn)
{
    bool changed = !fn != !udp->error_fn;
    udp->error_fn = fn;
    if (changed)
        skt_udp_system_watch_errors(udp);
}

int skt_udp_fd(const struct skt_udp *udp)
{
    return udp->io.w.fd;
}

void skt_udp_local(const struct skt_udp *udp, struct skt_addr *local)
{
    union skt_sockaddr sa = {.sa = {.sa_family = AF_UNSPEC}};
    socklen_t len = sizeof sa;
    (void)getsockname(udp->io.w.fd, &sa.sa, &len);
    skt_sockaddr_read(local, &sa.sa);
}

bool skt_udp_has_gso(const struct skt_udp *udp)
{
    return udp->gso;
}

bool skt_udp_has_gro(const struct skt_udp *udp)
{
    return udp->gro;
}

/* --- sending --- */

int skt_udp_send_error(int error)
{
    if (skt_io_passes(error))
        return SKT_ERR_AGAIN;
    return error == EMSGSIZE ? SKT_ERR_ARG : SKT_ERR_IO;
}

static bool is_zero(const uint8_t ip[16])
{
    static const uint8_t zero[16];
    return memcmp(ip, zero, sizeof zero) == 0;
}

int skt_udp_send(struct skt_udp *udp, const struct skt_addr *to, const uint8_t *buf, size_t len,
                 size_t segment_len, bool fragment)
{
    struct skt_udp_target target = {.local = udp->track && !is_zero(to->local) ? to->local : NULL};
    target.name_len = skt_sockaddr_of(&target.name, to);
    if (target.name_len == 0 || to->family != udp->family || segment_len == 0)
        return SKT_ERR_ARG;
    if (fragment != udp->fragment) {
        int err = skt_udp_system_fragment(udp, fragment);
        if (err)
            return err;
        udp->fragment = fragment;
    }
    return skt_udp_system_send(udp, &target, buf, len, segment_len);
}
