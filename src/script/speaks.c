/* SPDX-License-Identifier: MIT */
#include "script/speaks.h"

#include "base/err.h"
#include "base/log.h"
#include "script/state.h"

#include <stdio.h>

#define BOTH (SKT_FEATURE_BUILT_IN | SKT_FEATURE_MESSAGES)

/* Does the script take what the built-in script at the other end would send, as far as its callbacks tell?
 * What a client sends in streams it gives to relay_open, which no callback tells. */
static bool takes_built_in(struct skt_script *app)
{
    switch (app->conf->mode) {
    case SKT_CONFIG_PROXY_SERVER:
        return skt_script_call_present(&app->lua, SKT_CB_STREAM_OPEN);
    case SKT_CONFIG_PROXY_CLIENT:
        return !skt_script_call_present(&app->lua, SKT_CB_SKCP_RECV_DATA);
    default:
        return !skt_script_call_present(&app->lua, SKT_CB_TUN_READ);
    }
}

uint32_t skt_script_speaks(struct skt_script *app)
{
    if (app->conf->mode == SKT_CONFIG_CUSTOM)
        return 0;
    if (!app->conf->script_file)
        return SKT_FEATURE_BUILT_IN;
    return SKT_FEATURE_MESSAGES | (takes_built_in(app) ? (uint32_t)SKT_FEATURE_BUILT_IN : 0);
}

static bool fits(uint32_t ours, uint32_t theirs)
{
    return !(ours & BOTH) || !(theirs & BOTH) || (ours & theirs & BOTH);
}

int skt_script_speaks_check_attach(struct skt_script *app, const struct skt_attach_request *req, char *text)
{
    if (req->continued || (req->features & BOTH) != SKT_FEATURE_BUILT_IN ||
        fits(skt_script_speaks(app), req->features))
        return SKT_OK;
    snprintf(
        text, SKT_REASON_MAX + 1,
        "the client runs the built-in mode, and the server a script of its own that does not take what it "
        "sends. Both ends need the script, or neither");
    return SKT_ERR_ARG;
}

void skt_script_speaks_tell(struct skt_script *app, const struct skt_session *s)
{
    uint32_t theirs = skt_session_peer_features(s);
    if (fits(skt_script_speaks(app), theirs))
        return;
    const struct skt_addr *peer = skt_session_peer(s);
    uint64_t key = skt_log_key(peer->ip, sizeof peer->ip, 0);
    if (theirs & SKT_FEATURE_MESSAGES)
        skt_warn_rarely(
            key,
            "session %u: a script of its own runs at the other end and waits for messages, and the "
            "built-in mode %s here sends none. Both ends need the script, or neither",
            skt_session_cid(s), app->conf->mode_name);
    else
        skt_warn_rarely(
            key,
            "session %u: our script waits for messages, and the other end runs the built-in mode, "
            "which sends none. Both ends need the script, or neither",
            skt_session_cid(s));
}
