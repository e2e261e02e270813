/* SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "crypto/crypto.h"

#include <openssl/evp.h>
#include <string.h>

#define SALT "skcptun psk v1"

int skt_crypto_psk_from_password(const char *password, size_t len, uint8_t psk[SKT_KEY_LEN])
{
    /* 128 N r bytes for the table and a little more; OpenSSL's own limit is just above that. */
    const uint64_t n = 1 << 14, r = 8, p = 1, max_memory = 20 << 20;
    int ok = EVP_PBE_scrypt(password, len, (const unsigned char *)SALT, strlen(SALT), n, r, p, max_memory,
                            psk, SKT_KEY_LEN);
    return ok == 1 ? 0 : SKT_ERR_CRYPTO;
}
