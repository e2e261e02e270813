/* SPDX-License-Identifier: MIT */
/* What the app makes of the configuration when it starts and when it is reloaded. */
#ifndef SKT_SCRIPT_APP_CONFIG_H
#define SKT_SCRIPT_APP_CONFIG_H

#include "proto/primitives.h"

#include <stdint.h>

struct skt_script;

/* The pre-shared key of an entry. */
struct skt_script_psk {
    uint8_t psk[SKT_KEY_LEN]; /* its secret, or the first of its keys */
    uint8_t of[SKT_HASH_LEN]; /* the hash of the password that it was derived from; zeros: from none */
};

/* app->psks for the entries of the configuration. What the app has already is not derived again, as that
 * takes 0.1 s a password. SKT_ERR_NOMEM, SKT_ERR_CRYPTO: nothing has changed. */
int skt_script_derive_keys(struct skt_script *app);
void skt_script_free_keys(struct skt_script *app);

#endif
