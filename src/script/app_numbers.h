/* SPDX-License-Identifier: MIT */
/* The numbers of an instance that are of no session, for the status and the metrics. */
#ifndef SKT_SCRIPT_APP_NUMBERS_H
#define SKT_SCRIPT_APP_NUMBERS_H

#include "proto/session/session.h"
#include "tunnel/relay_set.h"

#include <stdint.h>

struct skt_script;

/* Bytes of memory that the process has; 0: not known. */
uint64_t skt_script_rss(void);

/* Datagrams dropped so far; `unknown` is in `auth`. */
struct skt_drops skt_script_drops(const struct skt_script *app);

/* Adds to such a sum what an endpoint has. */
void skt_script_drops_add(struct skt_drops *sum, const struct skt_drops *drops);

/* Relays, and among the open ones the script's own connections. */
struct skt_relay_stats skt_script_connections(const struct skt_script *app);

#endif
