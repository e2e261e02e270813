/* SPDX-License-Identifier: MIT */
/* Every field of the configuration, a row each; a list ends with a row of zeros. */
#ifndef SKT_CONFIG_TABLES_H
#define SKT_CONFIG_TABLES_H

#include "config/read.h"

extern const struct config_field skt_config_entry_fields[];
extern const struct config_field skt_config_ticket_fields[];
extern const struct config_field skt_config_listener_fields[];
extern const struct config_field skt_config_top_fields[];
extern const struct config_field skt_config_mode_fields[];

#endif
