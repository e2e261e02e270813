/* SPDX-License-Identifier: MIT */
/* What shows that its sender has a secret, without telling it: hashes that hold in one handshake only. */
#ifndef SKT_PROTO_KEYS_PROOF_H
#define SKT_PROTO_KEYS_PROOF_H

#include "proto/keys/handshake.h"

/* All of them return SKT_OK, or what crypto->hmac has returned: then out says nothing. */

/* The proof in message 1 that its sender has the resume secret of the session m->cid: HMAC-SHA-256(resume,
 * "skcptun return" || its ephemeral || m's sender, stamp and cid), cut: nothing that another message could
 * use. */
int skt_proof_return(const struct skt_crypto *crypto, const uint8_t resume[SKT_KEY_LEN],
                     const uint8_t ephemeral[SKT_KEY_LEN], const struct skt_initiation *m,
                     uint8_t out[SKT_RETURN_PROOF_LEN]);

/* The proof in ATTACH that its sender held the keys of an earlier handshake: HMAC-SHA-256(the old resume
 * secret, "skcptun resume" || the new handshake's hash). */
int skt_proof_resume(const struct skt_crypto *crypto, const uint8_t old_resume[SKT_KEY_LEN],
                     const uint8_t new_hash[SKT_HASH_LEN], uint8_t out[SKT_PROOF_LEN]);

/* What names a ticket in ATTACH where SKT_FEATURE_TICKET_PROOF is in force. */
int skt_proof_ticket_id(const struct skt_crypto *crypto, const uint8_t ticket[SKT_TICKET_LEN],
                        uint8_t id[SKT_TICKET_ID_LEN]);

/* What follows there, and proves that its sender has the ticket, in this handshake. */
int skt_proof_ticket(const struct skt_crypto *crypto, const uint8_t ticket[SKT_TICKET_LEN],
                     const uint8_t new_hash[SKT_HASH_LEN], uint8_t out[SKT_TICKET_PROOF_LEN]);

#endif
