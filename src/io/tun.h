/* SPDX-License-Identifier: MIT */
/* A TUN interface: IP packets in and out, with the kernel's offloads (packets of up to 64 KiB, checksums left
 * open) where it has them. It vanishes with the descriptor, and with it its addresses and routes. */
#ifndef SKT_IO_TUN_H
#define SKT_IO_TUN_H

#include "base/ipnet.h"
#include "base/offload.h"
#include "io/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

struct skt_tun;

enum {
    SKT_TUN_NAME_MAX = 16,   /* of an interface name, the final zero included */
    SKT_TUN_ERROR_MAX = 256, /* room that an error text needs at most */
    SKT_TUN_IOV_MAX = 14,    /* pieces of a packet for skt_tun_readv and skt_tun_writev */
};

/* What a TUN's offloads can be: a set of these. */
enum {
    SKT_TUN_CSUM = 1, /* packets with partial checksums, both ways */
    SKT_TUN_TSO = 2,  /* SKT_GSO_TCP4, SKT_GSO_TCP6 */
    SKT_TUN_USO = 4,  /* SKT_GSO_UDP */
};

struct skt_tun_options {
    const char
        *name;  /* NULL or "": the first free of skt0, skt1, ... (macOS: utunN, whatever the system has) */
    bool plain; /* no offloads, whatever the kernel can do */
};

/* Opens a TUN; it is down and has no address. why: one line for people on failure (NULL: none wanted).
 * SKT_ERR_AUTH: no permission; SKT_ERR_NOTFOUND: no TUN driver; SKT_ERR_FULL: the name is taken; SKT_ERR_ARG:
 * not a name; SKT_ERR_IO, SKT_ERR_NOMEM (of the system, too). */
int skt_tun_open(struct skt_tun **out, struct skt_loop *loop, const struct skt_tun_options *options,
                 char *why, size_t why_cap);

/* Makes the interface anew, under its name, after it was lost (skt_tun_set_lost; allowed in its handler):
 * down and without addresses, with the reader it had. Errors as of skt_tun_open; after
 * SKT_ERR_NOMEM (or another cause that passes) it can be tried again, else the TUN can only be closed. */
int skt_tun_reopen(struct skt_tun *tun, bool plain, char *why, size_t why_cap);

/* Ends the interface. Allowed in a read handler. NULL is allowed. */
void skt_tun_close(struct skt_tun *tun);

const char *skt_tun_name(const struct skt_tun *tun);
int skt_tun_fd(const struct skt_tun *tun);

/* A set of SKT_TUN_*; what comes in and may be written. 0: plain packets only. */
unsigned skt_tun_offloads(const struct skt_tun *tun);

/* Gives the interface an address with its network; v4 and v6 may be had both. peer4: of the other end, wanted
 * by macOS only; NULL: its own. Needs the right to (see netcfg/netcfg.h for after privileges were dropped).
 * SKT_ERR_IO with errno. */
int skt_tun_set_address(struct skt_tun *tun, const struct skt_ipnet *address, const uint8_t *peer4);

/* Bytes, 576 (with IPv6: 1280) to 65535. SKT_ERR_ARG, SKT_ERR_IO with errno. */
int skt_tun_set_mtu(struct skt_tun *tun, size_t mtu);

int skt_tun_set_up(struct skt_tun *tun);

/* --- reading: packets handed over, or fetched --- */

/* A packet that came in. The buffer is the TUN's, and the same for the next packet; it may be changed. */
typedef void (*skt_tun_packet_fn)(void *user, struct skt_tun_packet *p);

/* Calls fn for each packet from now on, in batches bounded so that others get their turn; NULL fn stops, also
 * inside fn and for the rest of the batch (a queue that is full, say). What was not read stays in the
 * kernel's queue, 500 packets by default, beyond which the kernel drops. */
void skt_tun_set_reader(struct skt_tun *tun, skt_tun_packet_fn fn, void *user);

/* Calls fn should somebody else remove the interface: nothing comes any more, and the TUN can only be closed
 * or made anew (both allowed in fn). Without fn the log tells. */
void skt_tun_set_lost(struct skt_tun *tun, void (*fn)(void *user), void *user);

/* Fetches one packet into a list of buffers, together more than SKT_IPPKT_LEN_MAX (smaller: longer packets
 * are cut off, and told so). Its length; SKT_ERR_AGAIN: none there; SKT_ERR_TRUNCATED: it was lost;
 * SKT_ERR_NOMEM: not now, and reading rests for a moment; SKT_ERR_CLOSED: the interface is gone. */
long skt_tun_readv(struct skt_tun *tun, struct skt_offload *offload, const struct iovec *iov, size_t count);

/* --- writing: never waits, keeps nothing --- */

/* Gives a packet to the kernel. Its offload must be within skt_tun_offloads (else cut or complete it first:
 * see skt_tun_write_any). SKT_ERR_AGAIN: the kernel has no memory for it now; SKT_ERR_ARG: the kernel refused
 * this packet; SKT_ERR_CLOSED: the interface is down; SKT_ERR_IO. All but SKT_ERR_IO lose only this packet.
 */
int skt_tun_write(struct skt_tun *tun, const struct skt_tun_packet *p);
int skt_tun_writev(struct skt_tun *tun, const struct skt_offload *offload, const struct iovec *iov,
                   size_t count);

/* The same whatever the offload: cut and completed here where the kernel can't. mtu: of a plain packet then.
 */
int skt_tun_write_any(struct skt_tun *tun, struct skt_tun_packet *p, size_t mtu);

#endif
