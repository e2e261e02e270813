/* SPDX-License-Identifier: MIT */
/* The ChaCha20 key stream for header masks. A mask needs one block; setting up a cipher of the library for it
 * costs several times the block itself. Packets are never encrypted with this. */
#ifndef SKT_CRYPTO_CHACHA_H
#define SKT_CRYPTO_CHACHA_H

#include "proto/primitives.h"

/* skt_crypto's mask_new, mask_free, mask_apply, mask_apply_all. Masks of any length; the block counter wraps
 * at 2^32. */
struct skt_mask *skt_chacha_mask_new(const uint8_t key[SKT_KEY_LEN]);
void skt_chacha_mask_free(struct skt_mask *mask);
int skt_chacha_mask_apply(struct skt_mask *mask, uint8_t *buf, size_t len, const uint8_t iv[SKT_MASK_IV_LEN]);
int skt_chacha_mask_apply_all(struct skt_mask *mask, const struct skt_mask_part *parts, size_t count,
                              size_t len);

#endif
