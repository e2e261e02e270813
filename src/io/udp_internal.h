/* SPDX-License-Identifier: MIT */
/* Between udp.c and the system's way of moving batches (udp_linux.c, udp_darwin.c). */
#ifndef SKT_IO_UDP_INTERNAL_H
#define SKT_IO_UDP_INTERNAL_H

#include "io/sockaddr.h"
#include "io/udp.h"

enum {
    SKT_UDP_BATCH_LEN = 4 * 65536, /* bytes of receive buffers of a loop, touched only as far as used */
    SKT_UDP_BATCH_DATAGRAMS = 256, /* that one call of skt_udp_batch_fn can bring */
    SKT_UDP_TURN_LEN = 512 * 1024, /* bytes taken from one socket before others get their turn */
    SKT_UDP_SLOT_LEN = 2048,       /* a receive buffer without UDP_GRO; longer datagrams are dropped */
    SKT_UDP_BUFFER_LEN = 4 * 1024 * 1024, /* wanted in the kernel, each way */
};

/* The receive buffers, one set per loop: every socket's batch is handed on before the next one's is read. */
struct skt_udp_batch {
    struct skt_loop *loop; /* whose it is */
    uint8_t *buf; /* mapped when first used, given back when not used for a while; NULL: not mapped */
    struct skt_udp_datagram *datagrams; /* behind the buffers in the same mapping: what one call hands on */
    bool used;                          /* by more than a few small datagrams, since `release` looked */
    bool gso;                           /* sockets that are opened send runs by UDP_SEGMENT where they can */
    bool gro;                           /* sockets that are opened receive by UDP_GRO where they can */
    struct skt_loop_timer release;      /* looks whether the buffers are still used */
};

struct skt_udp {
    struct skt_loop_io io;       /* the descriptor */
    struct skt_loop *loop;       /* that watches it */
    struct skt_udp_batch *batch; /* the loop's receive buffers */
    skt_udp_batch_fn fn;         /* gets what has come */
    void *user;                  /* handed to fn and error_fn */
    skt_udp_error_fn error_fn;   /* is told of ICMP errors; NULL: nobody */
    bool *closed;                /* set while fn runs: tells the caller that the socket is gone */
    uint8_t family;              /* 4 or 6 */
    bool gso;                    /* runs are sent by UDP_SEGMENT */
    bool gro;                    /* many datagrams may come as one */
    bool track;                  /* datagrams come with the address they were sent to */
    bool fragment;               /* the socket lets datagrams be fragmented now */
};

/* Hands datagrams to the owner; false: the socket was closed meanwhile. */
bool skt_udp_deliver(struct skt_udp *udp, struct skt_udp_datagram *d, size_t n);

/* --- the system's part --- */

/* Sets up what is special here: UDP_GRO, no fragmentation. SKT_ERR_IO. */
int skt_udp_system_setup(struct skt_udp *udp);

/* Lets routers (IPv4) or the sender (IPv6) fragment, or not. SKT_ERR_IO. */
int skt_udp_system_fragment(struct skt_udp *udp, bool fragment);

/* Asks for the address that each datagram was sent to. SKT_ERR_IO. */
int skt_udp_system_track(struct skt_udp *udp);

/* Lets ICMP errors be queued at the socket, or not; error_fn is set already. */
void skt_udp_system_watch_errors(struct skt_udp *udp);

/* Reads one batch and delivers it. The bytes read, *full: there was no room for more datagrams;
 * SKT_ERR_AGAIN: nothing there; SKT_ERR_CLOSED: the socket was closed by its owner; SKT_ERR_IO. */
long skt_udp_system_receive(struct skt_udp *udp, bool *full);

/* Where a run goes, in the system's form. */
struct skt_udp_target {
    union skt_sockaddr name; /* the address */
    socklen_t name_len;      /* bytes of it */
    const uint8_t *local;    /* our own address to send from, as skt_addr.local; NULL: the system's choice */
};

/* Sends a run to one address; results as of skt_udp_send. */
int skt_udp_system_send(struct skt_udp *udp, const struct skt_udp_target *to, const uint8_t *buf, size_t len,
                        size_t segment_len);

/* What an errno of a send means: SKT_ERR_AGAIN, SKT_ERR_ARG or SKT_ERR_IO. */
int skt_udp_send_error(int error);

#endif
