/* SPDX-License-Identifier: MIT */
#include "proto/primitives.h"

const char *skt_cipher_str(enum skt_cipher cipher)
{
    switch (cipher) {
    case SKT_CIPHER_NONE:
        break;
    case SKT_CIPHER_AES_256_GCM:
        return "aes-256-gcm";
    case SKT_CIPHER_CHACHA20_POLY1305:
        return "chacha20-poly1305";
    }
    return "none";
}
