/* SPDX-License-Identifier: MIT */
#include "tunnel/endpoint_context.h"

#include "base/err.h"

#include <string.h>

enum {
    RCV_WND_MAX =
        UINT16_MAX, /* segments, what KCP can say: 91 MB, 2.4 of what 1 Gbit/s and 300 ms have on the way */
    SND_UNSENT_MAX = 256 * 1024, /* bytes a writer may be ahead of the window: 21 ms at 100 Mbit/s */
};

int skt_endpoint_context_init(struct skt_context *ctx, const struct skt_endpoint_conf *conf)
{
    ctx->crypto = conf->shared->crypto;
    ctx->pool = &conf->shared->pool;
    ctx->identity.has_static = conf->has_static;
    memcpy(ctx->identity.static_priv, conf->static_priv, SKT_KEY_LEN);
    memcpy(ctx->identity.static_pub, conf->static_pub, SKT_KEY_LEN);
    skt_idmap_init(&ctx->ids);
    ctx->cc = conf->tuning.speed == SKT_SPEED_NORMAL ? &skt_cc_normal : &skt_cc_turbo;
    ctx->cost_aes_ns = conf->shared->costs.aes_ns;
    ctx->cost_chacha_ns = conf->shared->costs.chacha_ns;
    ctx->tuning = conf->tuning;
    if (ctx->tuning.ciphers == 0)
        ctx->tuning.ciphers =
            SKT_CIPHER_BIT(SKT_CIPHER_AES_256_GCM) | SKT_CIPHER_BIT(SKT_CIPHER_CHACHA20_POLY1305);
    ctx->mode = conf->mode;
    ctx->trace = conf->shared->trace;
    ctx->limits = (struct skt_kcp_limits){RCV_WND_MAX, SND_UNSENT_MAX};
    ctx->gf256 = skt_crypto_gf256();
    ctx->features = conf->features | SKT_FEATURE_ACK_RANGES | SKT_FEATURE_PARITY | SKT_FEATURE_PIECES;
    if (!conf->server)
        ctx->features |= SKT_FEATURE_TICKET_PROOF;
    if (conf->extensions_len > sizeof ctx->extensions)
        return SKT_ERR_ARG;
    if (conf->extensions_len > 0)
        memcpy(ctx->extensions, conf->extensions, conf->extensions_len);
    ctx->extensions_len = (uint8_t)conf->extensions_len;
    return SKT_OK;
}

void skt_endpoint_context_dispose(struct skt_context *ctx)
{
    skt_idmap_dispose(&ctx->ids);
}
