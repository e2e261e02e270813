/* SPDX-License-Identifier: MIT */
/* What an entry of the configuration tunes, with one struct for all: the configuration reads into it
 * (config/tables.c has range and default of each), an endpoint and its sessions work by a copy of it. */
#ifndef SKT_PROTO_TUNING_H
#define SKT_PROTO_TUNING_H

#include <stdint.h>

enum skt_speed {
    SKT_SPEED_NORMAL, /* gentle beside others: skt_cc_normal */
    SKT_SPEED_TURBO,  /* skt_cc_turbo */
};

enum skt_redundancy_mode {
    SKT_REDUNDANCY_AUTO,  /* what loss and traffic ask for */
    SKT_REDUNDANCY_OFF,   /* nothing is sent twice unasked, and no parity */
    SKT_REDUNDANCY_FIXED, /* parity of fixed groups: redundancy_data, redundancy_parity */
};

struct skt_tuning {
    enum skt_speed speed;
    enum skt_redundancy_mode redundancy;
    uint8_t redundancy_data;   /* with SKT_REDUNDANCY_FIXED: packets of a group, 1..SKT_PARITY_SPAN; else 0 */
    uint8_t redundancy_parity; /* with SKT_REDUNDANCY_FIXED: parities for them, 1..SKT_PARITY_MAX; else 0 */
    uint8_t ciphers;           /* set of SKT_CIPHER_BIT; 0: all that this machine has */
    uint16_t mtu_max;          /* datagrams are never longer, bytes of UDP payload */
    uint16_t keepalive_s;      /* idle time after which something is sent; the smaller of both ends' counts */
    uint32_t overhead_cap_permille; /* redundant bytes over first transmissions, at most */
    uint32_t sessions_max;          /* server: sessions of all clients at once */
    uint32_t streams_max; /* streams that a peer may have opened in a session; 0: SKT_STREAMS_DEFAULT */
    uint64_t max_rate;    /* bytes/s of datagrams out of a session; 0: as congestion control finds right */
};

#endif
