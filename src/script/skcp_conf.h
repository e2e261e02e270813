/* SPDX-License-Identifier: MIT */
/* What an endpoint is made with, from an entry of the configuration. */
#ifndef SKT_SCRIPT_SKCP_CONF_H
#define SKT_SCRIPT_SKCP_CONF_H

#include "tunnel/endpoint.h"

struct skt_script;

enum { SKT_STATE_FOLDER_MAX = 512 }; /* a path; with a longer one the stamp cache is kept nowhere */

/* Fills *conf, which has secrets in it: to be wiped by the caller, whatever the result. folder is memory for
 * its state_folder. SKT_ERR_CRYPTO. */
int skt_script_skcp_conf(struct skt_script *app, size_t entry, struct skt_endpoint_conf *conf,
                         char folder[SKT_STATE_FOLDER_MAX]);

#endif
