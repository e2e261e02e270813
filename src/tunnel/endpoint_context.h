/* SPDX-License-Identifier: MIT */
/* What all sessions of an endpoint have in common (struct skt_context), as the configuration wants it. */
#ifndef SKT_TUNNEL_ENDPOINT_CONTEXT_H
#define SKT_TUNNEL_ENDPOINT_CONTEXT_H

#include "tunnel/endpoint.h"

/* ctx: zeroed. The clocks in it are the caller's to keep, and the pre-shared key with its masks
 * (endpoint_keys.h). On failure it is to be disposed of, too.
 * SKT_ERR_ARG: too many bytes of extensions; SKT_ERR_NOMEM, SKT_ERR_CRYPTO. */
int skt_endpoint_context_init(struct skt_context *ctx, const struct skt_endpoint_conf *conf);

/* Harmless on a zeroed one. Keys in it are the caller's to wipe. */
void skt_endpoint_context_dispose(struct skt_context *ctx);

#endif
