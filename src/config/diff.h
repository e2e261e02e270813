/* SPDX-License-Identifier: MIT */
/* A configuration against the one that runs: what a reload takes over, and what it can't. The tables of
 * fields say which is which (LIVE, config/read.h). */
#ifndef SKT_CONFIG_DIFF_H
#define SKT_CONFIG_DIFF_H

#include "config/config.h"

struct config_field;

/* Calls say(user, "proxy_server.skcp_servers[1].mtu") for each field that differs and takes a restart to have
 * an effect. Both are of one mode. */
void skt_config_restart_fields(const struct skt_config *running, const struct skt_config *fresh,
                               void (*say)(void *user, const char *field), void *user);

/* Exchanges the values of the fields that a reload takes over: `running` has those of `fresh` then, and what
 * it had goes with `fresh`. */
void skt_config_take_live(struct skt_config *running, struct skt_config *fresh);

/* Has the field the same value in the objects at a and b? True for what is no value of its own: entries,
 * other modes' tables. A test calls it for each row of the tables, to see that what a reload has said of a
 * field is what became of its value. */
bool skt_config_same_field(const struct config_field *f, const void *a, const void *b);

#endif
