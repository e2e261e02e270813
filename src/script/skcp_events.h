/* SPDX-License-Identifier: MIT */
/* From an endpoint's news to skt.cb.on_skcp_*, and its questions to the configuration's and the script's
 * answers. */
#ifndef SKT_SCRIPT_SKCP_EVENTS_H
#define SKT_SCRIPT_SKCP_EVENTS_H

#include "tunnel/endpoint.h"

/* Its user is the struct skt_script_skcp. */
extern const struct skt_endpoint_handler skt_script_skcp_handler;

#endif
