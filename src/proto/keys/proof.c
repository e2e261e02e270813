/* SPDX-License-Identifier: MIT */
#include "proto/keys/proof.h"

#include "base/bytes.h"
#include "base/err.h"

#include <string.h>

#define RESUME_LABEL "skcptun resume"
#define RETURN_LABEL "skcptun return"
#define TICKET_LABEL "skcptun ticket id"
#define TICKET_PROOF "skcptun ticket proof"

int skt_proof_return(const struct skt_crypto *crypto, const uint8_t resume[SKT_KEY_LEN],
                     const uint8_t ephemeral[SKT_KEY_LEN], const struct skt_initiation *m,
                     uint8_t out[SKT_RETURN_PROOF_LEN])
{
    enum { LABEL_LEN = sizeof RETURN_LABEL - 1 };
    uint8_t head[LABEL_LEN + SKT_KEY_LEN], tail[16], mac[SKT_HASH_LEN];
    memcpy(head, RETURN_LABEL, LABEL_LEN);
    memcpy(head + LABEL_LEN, ephemeral, SKT_KEY_LEN);
    skt_put_u32(tail, m->sender);
    skt_put_u64(tail + 4, m->stamp_ms);
    skt_put_u32(tail + 12, m->cid);
    int err = crypto->hmac(mac, resume, SKT_KEY_LEN, head, sizeof head, tail, sizeof tail);
    if (!err)
        memcpy(out, mac, SKT_RETURN_PROOF_LEN);
    return err;
}

int skt_proof_resume(const struct skt_crypto *crypto, const uint8_t old_resume[SKT_KEY_LEN],
                     const uint8_t new_hash[SKT_HASH_LEN], uint8_t out[SKT_PROOF_LEN])
{
    return crypto->hmac(out, old_resume, SKT_KEY_LEN, RESUME_LABEL, strlen(RESUME_LABEL), new_hash,
                        SKT_HASH_LEN);
}

int skt_proof_ticket_id(const struct skt_crypto *crypto, const uint8_t ticket[SKT_TICKET_LEN],
                        uint8_t id[SKT_TICKET_ID_LEN])
{
    uint8_t mac[SKT_HASH_LEN];
    int err = crypto->hmac(mac, ticket, SKT_TICKET_LEN, TICKET_LABEL, strlen(TICKET_LABEL), NULL, 0);
    if (!err)
        memcpy(id, mac, SKT_TICKET_ID_LEN);
    return err;
}

int skt_proof_ticket(const struct skt_crypto *crypto, const uint8_t ticket[SKT_TICKET_LEN],
                     const uint8_t new_hash[SKT_HASH_LEN], uint8_t out[SKT_TICKET_PROOF_LEN])
{
    uint8_t mac[SKT_HASH_LEN];
    int err =
        crypto->hmac(mac, ticket, SKT_TICKET_LEN, TICKET_PROOF, strlen(TICKET_PROOF), new_hash, SKT_HASH_LEN);
    if (!err)
        memcpy(out, mac, SKT_TICKET_PROOF_LEN);
    return err;
}
