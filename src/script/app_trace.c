/* SPDX-License-Identifier: MIT */
/* The trace that the configuration asks for: begun, ended and begun anew. */
#include "script/app_trace.h"

#include "base/err.h"
#include "script/state.h"

#include <stdio.h>
#include <string.h>

static const char *vantage(const struct skt_config *conf)
{
    switch (conf->mode) {
    case SKT_CONFIG_PROXY_CLIENT:
    case SKT_CONFIG_TUN_CLIENT:
        return "client";
    case SKT_CONFIG_PROXY_SERVER:
    case SKT_CONFIG_TUN_SERVER:
        return "server";
    default:
        return "unknown";
    }
}

static void tell_all(struct skt_script *app, struct skt_trace trace)
{
    struct skt_list *const lists[] = {&app->skcps.live, &app->skcps.dead};
    app->shared->trace = trace; /* of endpoints to come */
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        for (struct skt_list *l = lists[i]->next; l != lists[i]; l = l->next) {
            const struct skt_script_skcp *k = SKT_CONTAINER(l, struct skt_script_skcp, link);
            if (k->ep)
                skt_endpoint_set_trace(k->ep, &trace);
        }
    }
}

void skt_script_trace_end(struct skt_script *app)
{
    if (!app->trace)
        return;
    tell_all(app, (struct skt_trace){NULL, NULL});
    skt_trace_file_close(app->trace);
    app->trace = NULL;
}

int skt_script_trace_update(struct skt_script *app, char *why, size_t why_cap)
{
    const struct skt_config *conf = app->conf;
    uint64_t max = (uint64_t)conf->trace_file_max << 20;
    char text[SKT_STATEFILE_WHY_MAX] = "out of memory";
    if (conf->trace_file && skt_trace_file_is(app->trace, conf->trace_file, max))
        return SKT_OK;
    skt_script_trace_end(app);
    if (!conf->trace_file)
        return SKT_OK;
    const struct skt_trace_file_conf file = {conf->trace_file, max, "skcptun " SKT_VERSION, vantage(conf)};
    int err = skt_trace_file_open(&app->trace, app->loop, &file, text);
    if (err != SKT_OK) {
        snprintf(why, why_cap, "trace_file: %s", text);
        return err;
    }
    skt_info("tracing to %s, at most %llu MiB", conf->trace_file, (unsigned long long)(max >> 20));
    tell_all(app, skt_trace_file_trace(app->trace));
    return SKT_OK;
}
