/* SPDX-License-Identifier: MIT */
/* What all systems share: the turns of reading, and packets that the kernel can't take as they are. */
#include "base/err.h"
#include "base/ippkt.h"
#include "base/log.h"
#include "io/net.h"
#include "io/tun_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { READ_BUFFER_LEN = SKT_IPPKT_LEN_MAX + 1 };

int skt_tun_fail(char *why, size_t why_cap, int code, const char *fmt, ...)
{
    if (why && why_cap > 0) {
        va_list args;
        va_start(args, fmt);
        vsnprintf(why, why_cap, fmt, args);
        va_end(args);
    }
    return code;
}

const char *skt_tun_name(const struct skt_tun *tun)
{
    return tun->name;
}

int skt_tun_fd(const struct skt_tun *tun)
{
    return tun->io.w.fd;
}

unsigned skt_tun_offloads(const struct skt_tun *tun)
{
    return tun->offloads;
}

/* --- the interface --- */

int skt_tun_set_address(struct skt_tun *tun, const struct skt_ipnet *address, const uint8_t *peer4)
{
    return skt_net_address(tun->name, address, peer4, true);
}

int skt_tun_set_mtu(struct skt_tun *tun, size_t mtu)
{
    return mtu < 576 || mtu > 65535 ? SKT_ERR_ARG : skt_net_link_set(tun->name, mtu, false);
}

int skt_tun_set_up(struct skt_tun *tun)
{
    return skt_net_link_set(tun->name, 0, true);
}

/* --- reading --- */

/* Somebody else removed the interface: its descriptor would be ready for ever. */
static void lost(struct skt_tun *tun)
{
    skt_loop_io_set(tun->loop, &tun->io, 0);
    if (tun->lost)
        tun->lost(tun->lost_user);
    else
        skt_error_rarely(0, "%s: the interface is gone", tun->name);
}

/* One packet to the reader. False: nothing more to be read now. */
static bool read_packet(struct skt_tun *tun, size_t *bytes)
{
    struct skt_tun_packet p = {.data = tun->buf};
    struct iovec iov = {tun->buf, READ_BUFFER_LEN};
    long got = skt_tun_readv(tun, &p.offload, &iov, 1);
    if (got == SKT_ERR_TRUNCATED)
        return true;
    if (got == SKT_ERR_NOMEM)
        skt_loop_io_rest(tun->loop, &tun->io);
    if (got == SKT_ERR_CLOSED)
        lost(tun);
    if (got < 0)
        return false;
    p.len = (size_t)got;
    *bytes += p.len;
    tun->fn(tun->user, &p);
    return true;
}

/* Is the turn over after n packets of so many bytes together? */
static bool had_its_turn(struct skt_tun *tun, skt_us began, int n, size_t bytes)
{
    if (n >= SKT_TUN_TURN_PACKETS || bytes >= SKT_TUN_TURN_LEN)
        return true;
    return n % SKT_TUN_TURN_CHECK == 0 && n > 0 && skt_loop_update(tun->loop) - began >= SKT_TUN_TURN_US;
}

static void on_ready(struct skt_loop_io *io, unsigned ready)
{
    (void)ready;
    struct skt_tun *tun = SKT_CONTAINER(io, struct skt_tun, io);
    bool closed = false;
    size_t bytes = 0;
    skt_us began = skt_loop_now(tun->loop);
    tun->closed = &closed;
    for (int n = 0; !had_its_turn(tun, began, n, bytes); n++) {
        bool more = read_packet(tun, &bytes);
        if (closed)
            return;
        if (!more || !tun->fn)
            break;
    }
    tun->closed = NULL;
}

void skt_tun_set_reader(struct skt_tun *tun, skt_tun_packet_fn fn, void *user)
{
    tun->fn = fn;
    tun->user = user;
    skt_loop_io_set(tun->loop, &tun->io, fn ? SKT_IO_READ : 0);
}

void skt_tun_set_lost(struct skt_tun *tun, void (*fn)(void *user), void *user)
{
    tun->lost = fn;
    tun->lost_user = user;
}

/* --- writing --- */

int skt_tun_write(struct skt_tun *tun, const struct skt_tun_packet *p)
{
    struct iovec iov = {p->data, p->len};
    return skt_tun_writev(tun, &p->offload, &iov, 1);
}

static bool within(unsigned offloads, const struct skt_offload *o)
{
    unsigned needed = o->partial ? SKT_TUN_CSUM : 0;
    if (o->gso == SKT_GSO_UDP)
        needed |= SKT_TUN_USO;
    else if (o->gso != SKT_GSO_NONE)
        needed |= SKT_TUN_TSO;
    return (needed & ~offloads) == 0;
}

static int write_pieces(struct skt_tun *tun, const struct skt_tun_packet *p, size_t mtu)
{
    struct skt_offload_cutter cutter;
    int err = skt_offload_cut(&cutter, p, mtu);
    uint8_t *buf = err ? NULL : malloc(mtu);
    if (!buf)
        return err ? err : SKT_ERR_NOMEM;
    int result = SKT_OK;
    struct skt_tun_packet piece = {.data = buf};
    while ((piece.len = skt_offload_cut_next(&cutter, buf)) > 0) {
        err = skt_tun_write(tun, &piece);
        if (err)
            result = err;
    }
    free(buf);
    return result;
}

int skt_tun_write_any(struct skt_tun *tun, struct skt_tun_packet *p, size_t mtu)
{
    if (within(tun->offloads, &p->offload))
        return skt_tun_write(tun, p);
    if (p->offload.gso != SKT_GSO_NONE)
        return write_pieces(tun, p, mtu);
    int err = skt_offload_complete(p);
    return err ? err : skt_tun_write(tun, p);
}

/* --- life --- */

int skt_tun_open(struct skt_tun **out, struct skt_loop *loop, const struct skt_tun_options *options,
                 char *why, size_t why_cap)
{
    struct skt_tun *tun = calloc(1, sizeof *tun);
    int fd = -1, err = SKT_ERR_NOMEM;
    if (tun)
        tun->buf = malloc(READ_BUFFER_LEN);
    if (!tun || !tun->buf)
        skt_tun_fail(why, why_cap, err, "out of memory");
    else
        err = skt_tun_system_open(tun, options, &fd, why, why_cap);
    if (err) {
        if (tun)
            free(tun->buf);
        free(tun);
        return err;
    }
    tun->loop = loop;
    skt_loop_io_init(&tun->io, fd, on_ready);
    *out = tun;
    return SKT_OK;
}

int skt_tun_reopen(struct skt_tun *tun, bool plain, char *why, size_t why_cap)
{
    char name[SKT_TUN_NAME_MAX];
    struct skt_tun_options options = {.name = name, .plain = plain};
    memcpy(name, tun->name, sizeof name);
    int fd = -1, old = skt_tun_fd(tun);
    int err = skt_tun_system_open(tun, &options, &fd, why, why_cap);
    if (err)
        return err;
    skt_loop_io_set(tun->loop, &tun->io, 0);
    close(old);
    skt_loop_io_init(&tun->io, fd, on_ready);
    skt_loop_io_set(tun->loop, &tun->io, tun->fn ? SKT_IO_READ : 0);
    return SKT_OK;
}

void skt_tun_close(struct skt_tun *tun)
{
    if (!tun)
        return;
    if (tun->closed)
        *tun->closed = true;
    skt_loop_io_set(tun->loop, &tun->io, 0);
    close(skt_tun_fd(tun));
    free(tun->buf);
    free(tun);
}
