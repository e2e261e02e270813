/* SPDX-License-Identifier: MIT */
/* Between tun.c and the system's part (tun_linux.c, tun_darwin.c). */
#ifndef SKT_IO_TUN_INTERNAL_H
#define SKT_IO_TUN_INTERNAL_H

#include "io/tun.h"

#include <stdint.h>

/* What is read before others get their turn. As much as there is, nearly always: a managed queue behind can
 * choose what to drop and let small flows pass, the kernel's (500 packets of up to 64 KiB) only drops at its
 * end. A slow machine ends it by the time. */
enum {
    SKT_TUN_TURN_LEN = 4 * 1024 * 1024, /* bytes: what one turn reads at most, so that others get theirs */
    SKT_TUN_TURN_PACKETS = 512,         /* the same in packets */
    SKT_TUN_TURN_US = 2000,             /* the longest that a turn takes, in us */
    SKT_TUN_TURN_CHECK = 16,            /* packets from one look at the clock to the next */
};

struct skt_tun {
    struct skt_loop_io io;    /* the descriptor */
    struct skt_loop *loop;    /* that watches it */
    skt_tun_packet_fn fn;     /* gets packets; NULL: not yet */
    void *user;               /* handed to fn */
    void (*lost)(void *user); /* is told that the interface is gone; NULL: nobody */
    void *lost_user;          /* handed to lost */
    uint8_t *buf; /* takes one packet: SKT_IPPKT_LEN_MAX bytes, and one more that tells of too long ones */
    bool *closed; /* set while a handler runs: tells the caller that the TUN is gone */
    bool vnet;    /* every packet has a struct virtio_net_hdr in front */
    unsigned offloads;           /* what packets may need: SKT_TUN_* of tun.h */
    char name[SKT_TUN_NAME_MAX]; /* of the interface, as the system has named it */
};

/* Opens the descriptor, non-blocking, sets name, vnet and offloads; the text says what failed. */
int skt_tun_system_open(struct skt_tun *tun, const struct skt_tun_options *options, int *fd, char *why,
                        size_t why_cap);

/* What an errno of reading means: SKT_ERR_AGAIN: nothing there; SKT_ERR_NOMEM: it passes, but may still be
 * readable; SKT_ERR_CLOSED: the interface is gone. Tests call it: they can't bring each of these about. */
int skt_tun_read_error(int error);

/* Fills why with "NAME: what"; for failures with errno. Returns code. */
int skt_tun_fail(char *why, size_t why_cap, int code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
