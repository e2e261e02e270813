/* SPDX-License-Identifier: MIT */
/* Packets on the wire: the header, its mask, sealing and opening (wire.h, doc/protocol.md 3 and 6). */
#ifndef SKT_PROTO_KEYS_PACKET_H
#define SKT_PROTO_KEYS_PACKET_H

#include "proto/keys/keys.h"
#include "proto/wire.h"

#include <stddef.h>
#include <stdint.h>

/* What a datagram is, told by its header alone. */
enum skt_packet_kind {
    SKT_PACKET_INITIATION, /* receiver SKT_ID_NONE; number is the pattern */
    SKT_PACKET_RESPONSE,   /* number 0 */
    SKT_PACKET_TRANSPORT,  /* number from 1 */
};

struct skt_packet_header {
    enum skt_packet_kind kind;
    uint32_t receiver;
    uint32_t number;
};

/* Derives the mask keys of both directions from the entry's psk: HKDF-SHA-256 (RFC 5869) without salt, info
 * "skcptun mask c2s" and "skcptun mask s2c". */
int skt_packet_mask_keys(const struct skt_crypto *crypto, const uint8_t psk[SKT_KEY_LEN],
                         uint8_t client_to_server[SKT_KEY_LEN], uint8_t server_to_client[SKT_KEY_LEN]);

/* Makes a transport packet: plain_len (>= 1) bytes of frames stand at datagram + SKT_HEADER_LEN, SKT_TAG_LEN
 * bytes behind them are free. Writes the header, seals in place, masks with the sender's direction. Returns
 * the datagram's length; SKT_ERR_LIMIT: the keypair's packets are used up (nothing written); SKT_ERR_CRYPTO
 * (the number is used up). */
int skt_packet_seal(const struct skt_crypto *crypto, struct skt_mask *mask, struct skt_keypair *kp,
                    uint8_t *datagram, size_t plain_len);

/* The same, without the mask: for a run of packets that skt_packet_mask_run masks together. */
int skt_packet_seal_bare(const struct skt_crypto *crypto, struct skt_keypair *kp, uint8_t *datagram,
                         size_t plain_len);

/* Masks sealed packets that lie one behind the other, each of segment_len bytes but the last, which may be
 * shorter or, as the only one, longer. */
int skt_packet_mask_run(const struct skt_crypto *crypto, struct skt_mask *mask, uint8_t *run, size_t len,
                        size_t segment_len);

/* Masks a finished message 1 or 2 in place. SKT_ERR_TRUNCATED: too short to be one. */
int skt_packet_mask_handshake(const struct skt_crypto *crypto, struct skt_mask *mask, uint8_t *datagram,
                              size_t len);

/* A received datagram, and what is found out of it. */
struct skt_packet_in {
    uint8_t *datagram;
    size_t len;                      /* bytes of it */
    struct skt_packet_header header; /* out: what it claims to be, where err is 0 */
    int err;                         /* out: 0; SKT_ERR_TRUNCATED: too short for its kind; SKT_ERR_CRYPTO */
};

enum { SKT_PACKET_BATCH = 32 }; /* datagrams: their heads take 1280 bytes of stack */

/* Unmasks up to SKT_PACKET_BATCH received datagrams in place: of each as many bytes as its kind has masked,
 * and says which kind that is. Nothing is authentic yet. */
void skt_packet_unmask_all(const struct skt_crypto *crypto, struct skt_mask *mask, struct skt_packet_in *in,
                           size_t count);

/* Opens an unmasked transport packet in place with the keypair that its receiver id names. Limits and replay
 * window are asked first; the window moves only once the packet is authentic. *plain points into datagram.
 * SKT_ERR_TRUNCATED, SKT_ERR_LIMIT (keys expired), SKT_ERR_REPLAY, SKT_ERR_AUTH; nothing has changed then but
 * the bytes of the datagram. */
int skt_packet_open(const struct skt_crypto *crypto, struct skt_keypair *kp, uint8_t *datagram, size_t len,
                    skt_us now, uint8_t **plain, size_t *plain_len);

#endif
