/* SPDX-License-Identifier: MIT */
/* What the app makes of the configuration when it starts and when it is reloaded. */
#ifndef SKT_SCRIPT_APP_CONFIG_H
#define SKT_SCRIPT_APP_CONFIG_H

#include "config/config.h"
#include "crypto/crypto.h"

#include <stddef.h>
#include <stdint.h>

/* The keys of conf's entries, to be freed with skt_script_free_keys whatever it returns (*out may be NULL).
 * What the app has already is not derived again, as that takes 0.1 s a password. SKT_ERR_NOMEM,
 * SKT_ERR_CRYPTO. */
int skt_script_derive_keys(const struct skt_config *conf, uint8_t (**out)[SKT_KEY_LEN]);
void skt_script_free_keys(uint8_t (*psks)[SKT_KEY_LEN], size_t count);

#endif
