/* SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "crypto/crypto.h"

#include <stdlib.h>
#include <time.h>

enum { TEXT_LEN = 1200, RUNS_MAX = 15, BUDGET_NS = 800 * 1000 };

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The median of up to RUNS_MAX runs, at least one, after one to warm up. */
static int measure(const struct skt_crypto *crypto, enum skt_cipher cipher, uint16_t *cost_ns)
{
    static const uint8_t key[SKT_KEY_LEN] = {1};
    uint8_t buf[TEXT_LEN + SKT_TAG_LEN] = {0}, ad[8] = {0};
    uint64_t ns[RUNS_MAX];
    size_t runs = 0;
    struct skt_aead *aead = crypto->aead_new(cipher, key, 1);
    if (!aead)
        return SKT_ERR_NOMEM;
    int err = crypto->aead_seal(aead, buf, 0, ad, sizeof ad, buf, TEXT_LEN);
    uint64_t start = now_ns(), before = start;
    while (!err && runs < RUNS_MAX && (runs == 0 || before - start < BUDGET_NS)) {
        err = crypto->aead_seal(aead, buf, runs + 1, ad, sizeof ad, buf, TEXT_LEN);
        uint64_t after = now_ns();
        ns[runs++] = after - before;
        before = after;
    }
    crypto->aead_free(aead);
    if (err)
        return err;
    qsort(ns, runs, sizeof *ns, by_value);
    uint64_t median = ns[runs / 2];
    *cost_ns = median > UINT16_MAX ? UINT16_MAX : (uint16_t)median;
    return 0;
}

int skt_crypto_measure(const struct skt_crypto *crypto, struct skt_crypto_costs *out)
{
    struct skt_crypto_costs c = {0, 0};
    int err = measure(crypto, SKT_CIPHER_AES_256_GCM, &c.aes_ns);
    if (!err)
        err = measure(crypto, SKT_CIPHER_CHACHA20_POLY1305, &c.chacha_ns);
    if (!err)
        *out = c;
    return err;
}
