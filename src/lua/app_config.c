/* SPDX-License-Identifier: MIT */
/* What an app takes from its configuration, at the start and when it is loaded anew. */
#include "base/err.h"
#include "base/wipe.h"
#include "lua/app.h"
#include "lua/state.h"
#include "lua/tcp.h"

#include <stdlib.h>
#include <string.h>

int skt_app_derive_keys(const struct skt_app *app, const struct skt_config *conf,
                        uint8_t (**out)[SKT_KEY_LEN])
{
    const struct skt_config_mode_table *t = &conf->table;
    uint8_t(*psks)[SKT_KEY_LEN] = calloc(t->entry_count ? t->entry_count : 1, sizeof *psks);
    if (!psks)
        return SKT_ERR_NOMEM;
    const struct skt_config_mode_table *old = app->psks ? &app->conf->table : NULL;
    int rc = SKT_OK;
    for (size_t i = 0; i < t->entry_count && rc == SKT_OK; i++) {
        const char *password = t->entries[i].password;
        const uint8_t *known = NULL;
        for (size_t j = 0; password && j < i && !known; j++) {
            if (t->entries[j].password && strcmp(t->entries[j].password, password) == 0)
                known = psks[j];
        }
        for (size_t j = 0; password && old && j < old->entry_count && !known; j++) {
            if (old->entries[j].password && strcmp(old->entries[j].password, password) == 0)
                known = app->psks[j];
        }
        if (known)
            memcpy(psks[i], known, SKT_KEY_LEN);
        else
            rc = skt_config_psk(&t->entries[i], psks[i]);
    }
    *out = psks;
    return rc;
}

void skt_app_free_keys(uint8_t (*psks)[SKT_KEY_LEN], size_t count)
{
    if (psks)
        skt_wipe(psks, count * sizeof *psks);
    free(psks);
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* What has changed and can't be taken over by a running process. */
static const char *needs_restart(const struct skt_config *a, const struct skt_config *b)
{
    if (!same_text(a->script_file, b->script_file))
        return "script_file";
    if (a->table.entry_count != b->table.entry_count)
        return "the list of servers";
    for (size_t i = 0; i < a->table.entry_count; i++) {
        const struct skt_config_entry *x = &a->table.entries[i], *y = &b->table.entries[i];
        if (!same_text(x->address, y->address) || x->port.lo != y->port.lo || x->port.hi != y->port.hi ||
            !same_text(x->password, y->password) || memcmp(&x->key, &y->key, sizeof x->key) != 0 ||
            memcmp(&x->ticket, &y->ticket, sizeof x->ticket) != 0 || x->keepalive_s != y->keepalive_s ||
            x->max_conn_cnt != y->max_conn_cnt || x->mtu != y->mtu || x->ciphers != y->ciphers)
            return "an entry of the list of servers";
    }
    if (a->table.listener_count != b->table.listener_count)
        return "the listeners";
    for (size_t i = 0; i < a->table.listener_count; i++) {
        const struct skt_config_listener *x = &a->table.listeners[i], *y = &b->table.listeners[i];
        if (!same_text(x->addr, y->addr) || x->port != y->port || !same_text(x->target, y->target))
            return "the listeners";
    }
    if (!same_text(a->status_socket, b->status_socket))
        return "status_socket";
    return same_text(a->run_as, b->run_as) ? NULL : "user";
}

int skt_app_reload(struct skt_app *app, const struct skt_config *conf)
{
    if (strcmp(conf->mode_name, app->conf->mode_name) != 0)
        return SKT_ERR_ARG;
    uint8_t(*psks)[SKT_KEY_LEN] = NULL;
    int rc = skt_app_derive_keys(app, conf, &psks);
    if (rc != SKT_OK) {
        skt_app_free_keys(psks, conf->table.entry_count);
        return rc;
    }
    const char *what = needs_restart(app->conf, conf);
    if (what)
        skt_warn("%s: %s has changed, which takes a restart to have an effect", conf->path, what);
    skt_app_free_keys(app->psks, app->conf->table.entry_count);
    app->psks = psks;
    app->conf = conf;
    skt_tcp_free_buffer(app); /* its size may be another one now */
    skt_log_set_level(conf->log_level);
    skt_skcp_check_tickets(app);
    return SKT_OK;
}
