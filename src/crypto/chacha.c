/* SPDX-License-Identifier: MIT */
#include "crypto/chacha.h"

#include "base/bytes.h"
#include "base/wipe.h"

#include <stdlib.h>

enum { STATE_WORDS = 16, BLOCK_LEN = 64, LANES = 4 };

static const uint32_t constants[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};

struct skt_mask {
    uint32_t key[8];
};

static inline uint32_t rotl(uint32_t v, unsigned n)
{
    return v << n | v >> (32 - n);
}

static inline void quarter_round(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
    *a += *b, *d = rotl(*d ^ *a, 16);
    *c += *d, *b = rotl(*b ^ *c, 12);
    *a += *b, *d = rotl(*d ^ *a, 8);
    *c += *d, *b = rotl(*b ^ *c, 7);
}

/* RFC 8439, 2.3. */
static void block(const uint32_t in[STATE_WORDS], uint32_t x[STATE_WORDS])
{
    memcpy(x, in, STATE_WORDS * sizeof *x);
    for (int i = 0; i < 10; i++) {
        quarter_round(&x[0], &x[4], &x[8], &x[12]);
        quarter_round(&x[1], &x[5], &x[9], &x[13]);
        quarter_round(&x[2], &x[6], &x[10], &x[14]);
        quarter_round(&x[3], &x[7], &x[11], &x[15]);
        quarter_round(&x[0], &x[5], &x[10], &x[15]);
        quarter_round(&x[1], &x[6], &x[11], &x[12]);
        quarter_round(&x[2], &x[7], &x[8], &x[13]);
        quarter_round(&x[3], &x[4], &x[9], &x[14]);
    }
    for (int i = 0; i < STATE_WORDS; i++)
        x[i] += in[i];
}

struct skt_mask *skt_chacha_mask_new(const uint8_t key[SKT_KEY_LEN])
{
    struct skt_mask *m = malloc(sizeof *m);
    if (!m)
        return NULL;
    for (size_t i = 0; i < 8; i++)
        m->key[i] = skt_get_u32(key + 4 * i);
    return m;
}

void skt_chacha_mask_free(struct skt_mask *mask)
{
    if (!mask)
        return;
    skt_wipe(mask, sizeof *mask);
    free(mask);
}

int skt_chacha_mask_apply(struct skt_mask *mask, uint8_t *buf, size_t len, const uint8_t iv[SKT_MASK_IV_LEN])
{
    uint32_t in[STATE_WORDS];
    uint32_t x[STATE_WORDS];
    uint8_t stream[BLOCK_LEN];
    memcpy(in, constants, sizeof constants);
    memcpy(in + 4, mask->key, sizeof mask->key);
    for (size_t i = 0; i < 4; i++)
        in[12 + i] = skt_get_u32(iv + 4 * i);
    while (len > 0) {
        size_t n = len < BLOCK_LEN ? len : BLOCK_LEN;
        block(in, x);
        for (size_t i = 0; i < (n + 3) / 4; i++)
            skt_put_u32(stream + 4 * i, x[i]);
        for (size_t i = 0; i < n; i++)
            buf[i] ^= stream[i];
        in[12]++;
        buf += n;
        len -= n;
    }
    return 0;
}

/* --- several at once --- */

#if defined(__SSE2__) || defined(__ARM_NEON) || defined(__ALTIVEC__)
#define SKT_CHACHA_LANES 1

/* Word i of four blocks: the same steps as above, with one instruction for four blocks. */
typedef uint32_t lanes __attribute__((vector_size(4 * LANES)));

static inline lanes rotl_lanes(lanes v, unsigned n)
{
    return v << n | v >> (32 - n);
}

static inline void quarter_round_lanes(lanes *a, lanes *b, lanes *c, lanes *d)
{
    *a += *b, *d = rotl_lanes(*d ^ *a, 16);
    *c += *d, *b = rotl_lanes(*b ^ *c, 12);
    *a += *b, *d = rotl_lanes(*d ^ *a, 8);
    *c += *d, *b = rotl_lanes(*b ^ *c, 7);
}

static void block_lanes(const lanes in[STATE_WORDS], lanes x[STATE_WORDS])
{
    memcpy(x, in, STATE_WORDS * sizeof *x);
    for (int i = 0; i < 10; i++) {
        quarter_round_lanes(&x[0], &x[4], &x[8], &x[12]);
        quarter_round_lanes(&x[1], &x[5], &x[9], &x[13]);
        quarter_round_lanes(&x[2], &x[6], &x[10], &x[14]);
        quarter_round_lanes(&x[3], &x[7], &x[11], &x[15]);
        quarter_round_lanes(&x[0], &x[5], &x[10], &x[15]);
        quarter_round_lanes(&x[1], &x[6], &x[11], &x[12]);
        quarter_round_lanes(&x[2], &x[7], &x[8], &x[13]);
        quarter_round_lanes(&x[3], &x[4], &x[9], &x[14]);
    }
    for (int i = 0; i < STATE_WORDS; i++)
        x[i] += in[i];
}

/* Masks up to one block of each of 1 to LANES parts. */
static void apply_lanes(const struct skt_mask *mask, const struct skt_mask_part *parts, size_t count,
                        size_t len)
{
    lanes in[STATE_WORDS], x[STATE_WORDS];
    for (size_t i = 0; i < 4; i++)
        in[i] = (lanes){0} + constants[i];
    for (size_t i = 0; i < 8; i++)
        in[4 + i] = (lanes){0} + mask->key[i];
    for (size_t i = 0; i < 4; i++)
        for (size_t lane = 0; lane < LANES; lane++)
            in[12 + i][lane] = skt_get_u32(parts[lane < count ? lane : 0].iv + 4 * i);
    block_lanes(in, x);
    for (size_t lane = 0; lane < count; lane++) {
        uint8_t stream[BLOCK_LEN];
        for (size_t i = 0; i < (len + 3) / 4; i++)
            skt_put_u32(stream + 4 * i, x[i][lane]);
        for (size_t i = 0; i < len; i++)
            parts[lane].buf[i] ^= stream[i];
    }
}
#endif

int skt_chacha_mask_apply_all(struct skt_mask *mask, const struct skt_mask_part *parts, size_t count,
                              size_t len)
{
    size_t i = 0;
#ifdef SKT_CHACHA_LANES
    for (; len <= BLOCK_LEN && count - i >= 2; i += count - i < LANES ? count - i : LANES)
        apply_lanes(mask, parts + i, count - i < LANES ? count - i : LANES, len);
#endif
    for (; i < count; i++)
        (void)skt_chacha_mask_apply(mask, parts[i].buf, len, parts[i].iv);
    return 0;
}
