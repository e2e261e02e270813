/* SPDX-License-Identifier: MIT */
/* Parity of a session: of what it sends (session/parity.c), and of what it receives
 * (session/parity_receive.c). */
#ifndef SKT_PROTO_SESSION_PARITY_H
#define SKT_PROTO_SESSION_PARITY_H

#include "proto/frame.h"
#include "proto/parity/sender.h"
#include "proto/session/session.h"

/* Buffers are kept this long without parity: a reader of web pages thinks longer than 10 s, and the first
 * group that comes without the ring cannot be mended. */
#define SKT_PARITY_LINGER (60 * SKT_US_PER_SEC)

struct skt_parity {
    struct skt_parity_sender *out;          /* NULL: none was sent for long */
    struct skt_parity_ring *in;             /* NULL: none came for long */
    skt_us out_until, in_until;             /* then they go */
    unsigned group_len;                     /* packets worth parity that the open group is to have, */
    skt_us group_at;                        /* and when it began */
    uint32_t in_key;                        /* local id of the keypair whose numbers `in` follows */
    uint32_t number;                        /* of the packet being read; */
    unsigned work;                          /* segments that were read with it, and what recovering took */
    uint32_t without;                       /* packets that came since parity did */
    skt_us report_at;                       /* not before */
    struct skt_parity_losses losses, heard; /* counted while there is no `in`; the peer's report, */
    uint64_t heard_lost;                    /* and packets that it has reported lost in all */
    uint64_t sent, recovered;               /* packets */
};

/* session/parity.c */
void skt_parity_update(struct skt_session *s); /* after features or the payload limit have changed */
void skt_parity_dispose(struct skt_session *s);
void skt_parity_restart(struct skt_session *s); /* the peer is a new one */
/* Before a packet with these KCP bytes is sealed; worth: it may open a group. */
void skt_parity_cover(struct skt_session *s, skt_us now, const uint8_t *body, size_t len, bool worth);
bool skt_parity_due(struct skt_session *s, skt_us now);
size_t skt_parity_write(struct skt_session *s, skt_us now, uint8_t *plain); /* a PARITY frame, or 0 */
skt_us skt_parity_expiry(const struct skt_session *s, skt_us now);
void skt_parity_expire(struct skt_session *s, skt_us now);

/* session/parity_receive.c: a packet has come, */
void skt_parity_note(struct skt_session *s, skt_us now, const struct skt_keypair *kp, uint32_t number);
/* with these KCP bytes, */
void skt_parity_on_body(struct skt_session *s, skt_us now, const uint8_t *body, size_t len);
int skt_parity_on_frame(struct skt_session *s, skt_us now, const uint8_t *frame, size_t len);
/* and was read: recovers what it makes possible, as far as the packet may cost; the rest with the next one,
 * or with skt_parity_expire, which is due then. */
void skt_parity_recover(struct skt_session *s, skt_us now);
struct skt_frame_report skt_parity_report(const struct skt_session *s);
void skt_parity_on_report(struct skt_session *s, skt_us now, const struct skt_frame_report *report);

#endif
