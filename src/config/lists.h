/* SPDX-License-Identifier: MIT */
/* The lists of a mode's table, each of objects with fields of their own. The readers get the table as `at`.
 */
#ifndef SKT_CONFIG_LISTS_H
#define SKT_CONFIG_LISTS_H

#include "config/read.h"

config_read_fn skt_config_read_servers, skt_config_read_remotes, skt_config_read_tickets,
    skt_config_read_listeners, skt_config_read_targets;

/* The targets that a ticket may use: names, into its `targets`. */
config_read_fn skt_config_read_ticket_targets;

#endif
