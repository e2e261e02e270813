/* SPDX-License-Identifier: MIT */
/* The configuration's tickets: found by themselves, and by the id that stands for one in ATTACH where tickets
 * are proved. */
#ifndef SKT_CONFIG_TICKETS_H
#define SKT_CONFIG_TICKETS_H

#include "config/config.h"
#include "proto/wire.h"

#include <stdbool.h>

struct skt_ticket_ref {
    uint8_t id[SKT_TICKET_ID_LEN]; /* first member */
    uint32_t index;                /* in conf->table.tickets */
};

/* In the order of the ids. Zero-initialise. */
struct skt_ticket_index {
    struct skt_ticket_ref *refs;
    size_t count;
};

/* Are clients of this configuration to prove their tickets? Where there is a table, and no script of the
 * user's that may know others. */
bool skt_tickets_proved(const struct skt_config *conf);

/* Made anew from the configuration; empty where tickets are not proved. SKT_ERR_NOMEM, SKT_ERR_CRYPTO. */
int skt_tickets_index(struct skt_ticket_index *index, const struct skt_config *conf);
void skt_tickets_dispose(struct skt_ticket_index *index);

/* The ticket of an id, or NULL. */
const uint8_t *skt_tickets_find(const struct skt_ticket_index *index, const struct skt_config *conf,
                                const uint8_t id[SKT_TICKET_ID_LEN]);

/* The ticket's entry, or NULL; the time taken does not tell which one it was or how far it was right. */
const struct skt_config_ticket *skt_tickets_entry(const struct skt_config *conf,
                                                  const uint8_t ticket[SKT_TICKET_LEN]);

/* What the server connects to for who has this ticket: by the ticket's own rules, or the server's. NULL:
 * nothing. */
const struct skt_reach *skt_tickets_reach(const struct skt_config *conf,
                                          const uint8_t ticket[SKT_TICKET_LEN]);

#endif
