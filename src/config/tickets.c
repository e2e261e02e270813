/* SPDX-License-Identifier: MIT */
#include "config/tickets.h"

#include "base/err.h"
#include "base/wipe.h"
#include "crypto/crypto.h"
#include "proto/keys/proof.h"

#include <stdlib.h>
#include <string.h>

bool skt_tickets_proved(const struct skt_config *conf)
{
    return conf->table.has_tickets && !conf->script_file && conf->mode != SKT_CONFIG_CUSTOM;
}

static int by_id(const void *a, const void *b)
{
    return memcmp(a, b, SKT_TICKET_ID_LEN);
}

int skt_tickets_index(struct skt_ticket_index *index, const struct skt_config *conf)
{
    const struct skt_config_mode_table *t = &conf->table;
    skt_tickets_dispose(index);
    if (!skt_tickets_proved(conf) || t->ticket_count == 0)
        return SKT_OK;
    index->refs = calloc(t->ticket_count, sizeof *index->refs);
    if (!index->refs)
        return SKT_ERR_NOMEM;
    for (size_t i = 0; i < t->ticket_count; i++) {
        struct skt_ticket_ref *ref = &index->refs[i];
        int err = skt_proof_ticket_id(skt_crypto_openssl(), t->tickets[i].ticket, ref->id);
        if (err) {
            skt_tickets_dispose(index);
            return err;
        }
        ref->index = (uint32_t)i;
    }
    index->count = t->ticket_count;
    qsort(index->refs, index->count, sizeof *index->refs, by_id);
    return SKT_OK;
}

void skt_tickets_dispose(struct skt_ticket_index *index)
{
    free(index->refs);
    *index = (struct skt_ticket_index){0};
}

const uint8_t *skt_tickets_find(const struct skt_ticket_index *index, const struct skt_config *conf,
                                const uint8_t id[SKT_TICKET_ID_LEN])
{
    const struct skt_ticket_ref *ref =
        index->count ? bsearch(id, index->refs, index->count, sizeof *ref, by_id) : NULL;
    return ref && ref->index < conf->table.ticket_count ? conf->table.tickets[ref->index].ticket : NULL;
}

const struct skt_config_ticket *skt_tickets_entry(const struct skt_config *conf,
                                                  const uint8_t ticket[SKT_TICKET_LEN])
{
    const struct skt_config_ticket *found = NULL;
    for (size_t i = 0; i < conf->table.ticket_count; i++) {
        const struct skt_config_ticket *t = &conf->table.tickets[i];
        if (skt_equal_ct(t->ticket, ticket, SKT_TICKET_LEN))
            found = t;
    }
    return found;
}

const struct skt_reach *skt_tickets_reach(const struct skt_config *conf, const uint8_t ticket[SKT_TICKET_LEN])
{
    const struct skt_config_ticket *t = skt_tickets_entry(conf, ticket);
    const struct skt_config_relay *relay = t && t->relay.set ? &t->relay : &conf->table.relay;
    return relay->on ? &relay->reach : NULL;
}
