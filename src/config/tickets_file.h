/* SPDX-License-Identifier: MIT */
/* tickets_file: a Lua file beside the configuration that returns a table as `tickets` is one. */
#ifndef SKT_CONFIG_TICKETS_FILE_H
#define SKT_CONFIG_TICKETS_FILE_H

#include "config/read.h"

/* Reads the file's name, and adds its tickets to those of the mode's table. */
config_read_fn skt_config_read_tickets_file;

/* While that file is read: ", line 7" of the ticket, which is the first place where its bytes stand; else,
 * and where they are written otherwise, "". */
void skt_config_ticket_line(const struct config_reader *r, const uint8_t ticket[SKT_TICKET_LEN], char *out,
                            size_t cap);

#endif
