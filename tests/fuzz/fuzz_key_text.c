/* SPDX-License-Identifier: MIT */
/* Keys as text from configuration files: what is accepted is the key's one text, with or without its padding.
 */
#include "crypto/crypto.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t key[SKT_KEY_LEN];
    char text[SKT_KEY_TEXT_LEN + 1];
    if (skt_crypto_key_from_text((const char *)data, len, key) != 0)
        return 0;
    skt_crypto_key_to_text(key, text);
    if (len > SKT_KEY_TEXT_LEN || memcmp(text, data, len) != 0)
        abort();
    return 0;
}
