/* SPDX-License-Identifier: MIT */
/* Cookies: what a message 1 must bring under load to be worth a key exchange. One that came without gets a
 * cookie reply, bound to its address, and no more. A message 1 answered so is remembered as long as it could
 * be answered again, in a filter that errs only towards "seen". */
#ifndef SKT_PROTO_KEYS_COOKIES_H
#define SKT_PROTO_KEYS_COOKIES_H

#include "base/addr.h"
#include "base/clock.h"
#include "proto/keys/stampcache.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    /* Bytes of each half of the filter. At 5,000 cookie replies a second a fresh message 1 is taken for a
     * seen one once in four times, which costs its sender a retry. */
    SKT_COOKIE_FILTER_LEN = 1 << 19,
    SKT_COOKIE_PAST_MS = 120 * 1000,  /* a stamp further behind the clock gets no cookie reply */
    SKT_COOKIE_FUTURE_MS = 10 * 1000, /* a stamp further ahead of the clock gets none either */
};

struct skt_cookies {
    uint8_t secrets[2][SKT_KEY_LEN];  /* that cookies are made with: the one in use, the one before */
    skt_us secret_until;              /* when the next one is made; 0: there is none yet */
    uint8_t *seen[2];                 /* filter of message 1s: the half in use, the one before; NULL: empty */
    struct skt_stamp_range stamps[2]; /* of the message 1s in each half of `seen` */
    skt_us seen_until;                /* when the halves change; with `seen` only */
};

/* Zero-initialise; wiped and freed by: */
void skt_cookies_dispose(struct skt_cookies *c);

/* The cookie of an address. SKT_ERR_CRYPTO. */
int skt_cookies_make(struct skt_cookies *c, const struct skt_crypto *crypto, skt_us now,
                     const struct skt_addr *from, uint8_t cookie[SKT_COOKIE_LEN]);

/* Is it one that this address was given in the last minutes? */
bool skt_cookies_check(struct skt_cookies *c, const struct skt_crypto *crypto, skt_us now,
                       const struct skt_addr *from, const uint8_t cookie[SKT_COOKIE_LEN]);

/* Was this message 1 answered by a cookie? Now and then true for one that was not. */
bool skt_cookies_seen(const struct skt_cookies *c, const uint8_t key[SKT_STAMP_KEY_LEN]);

/* Remembers it, before the cookie reply. SKT_ERR_NOMEM. */
int skt_cookies_note(struct skt_cookies *c, skt_us now, const uint8_t key[SKT_STAMP_KEY_LEN],
                     uint64_t stamp_ms);

/* What was remembered long ago goes. True: *forgotten are its stamps, which must be refused from now on.
 * Call until false. */
bool skt_cookies_expire(struct skt_cookies *c, skt_us now, struct skt_stamp_range *forgotten);
skt_us skt_cookies_expiry(const struct skt_cookies *c);

#endif
