/* SPDX-License-Identifier: MIT */
#include "netcfg/script.h"

#include "base/err.h"
#include "netcfg/hook.h"
#include "netcfg/say.h"
#include "netcfg/state.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

enum {
    DOWN_TRIES = 5,
    DOWN_PAUSE_MS = 200
}; /* where it could not be started: 1 s of the 5 that the main process waits */

static int run(struct skt_netcfg_helper *h, bool up)
{
    bool was_up = h->scripts.is_up;
    const char *argv[] = {h->scripts.paths[up], h->ifname, up ? "up" : "down", NULL};
    const char *env[SKT_NETCFG_VARIABLES_MAX + 3];
    char tun[32], event[32], text[SKT_HOOK_TEXT_MAX];
    size_t n = 0;
    h->scripts.is_up = up;
    if (!h->scripts.paths[up][0])
        return SKT_OK;
    snprintf(tun, sizeof tun, "SKT_TUN=%s", h->ifname);
    snprintf(event, sizeof event, "SKT_EVENT=%s", up ? "up" : "down");
    env[n++] = tun;
    env[n++] = event;
    for (size_t i = 0; i < SKT_NETCFG_VARIABLES_MAX; i++)
        if (h->scripts.env[i][0])
            env[n++] = h->scripts.env[i];
    env[n] = NULL;
    int err = skt_hook_run(&(struct skt_hook){.argv = argv, .env = env, .limit_s = h->scripts.limit_s}, text);
    if (err == SKT_ERR_NOMEM) /* it did not run */
        h->scripts.is_up = was_up;
    return err ? skt_netcfg_say(h, err, "%s script %s", up ? "up" : "down", text) : err;
}

int skt_netcfg_script_up(struct skt_netcfg_helper *h)
{
    int err = run(h, true);
    /* What it says of itself is its own: it may have done half, and is not run twice. */
    h->passing = err == SKT_ERR_NOMEM;
    return err;
}

int skt_netcfg_script_down(struct skt_netcfg_helper *h)
{
    int err = h->scripts.is_up ? run(h, false) : SKT_OK;
    for (int i = 0; err == SKT_ERR_NOMEM && i < DOWN_TRIES; i++) {
        (void)poll(NULL, 0, DOWN_PAUSE_MS); /* who asks next may wait for this one's end */
        err = run(h, false);
    }
    return err;
}

static bool same_name(const char *a, const char *b)
{
    size_t len = strcspn(a, "=");
    return len == strcspn(b, "=") && strncmp(a, b, len) == 0;
}

/* Separated by the unit separator, which they can't contain. */
static int read_variables(struct skt_netcfg_helper *h, char *text)
{
    size_t n = 0;
    memset(h->scripts.env, 0, sizeof h->scripts.env);
    for (char *v = text, *next; v; v = next) {
        next = strchr(v, '\x1f');
        if (next)
            *next++ = '\0';
        bool twice = false;
        for (size_t i = 0; i < n; i++)
            twice = twice || same_name(h->scripts.env[i], v);
        if (n == SKT_NETCFG_VARIABLES_MAX || twice || strlen(v) >= SKT_NETCFG_VARIABLE_MAX ||
            !skt_netcfg_may_set(&h->may, v)) {
            memset(h->scripts.env, 0, sizeof h->scripts.env);
            return skt_netcfg_say(h, SKT_ERR_ARG, "a script may not have the variable %.40s", v);
        }
        memcpy(h->scripts.env[n++], v, strlen(v) + 1);
    }
    return SKT_OK;
}

int skt_netcfg_script_on_request(struct skt_netcfg_helper *h, char *rest)
{
    char *variables = strchr(rest, '\x1f');
    if (variables)
        *variables++ = '\0';
    if (strcmp(rest, "down") == 0 && !variables) {
        h->owed.is[SKT_NETCFG_UP] = false;
        return skt_netcfg_script_down(h);
    }
    if (strcmp(rest, "up") != 0)
        return skt_netcfg_say(h, SKT_ERR_ARG, "no such event for a script");
    if (h->scripts.is_up)
        return skt_netcfg_say(h, SKT_ERR_ARG, "up: was run, and down was not since");
    int err = read_variables(h, variables);
    return err ? err : skt_netcfg_owed_note(h, SKT_NETCFG_UP, skt_netcfg_script_up(h));
}
