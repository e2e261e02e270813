/* SPDX-License-Identifier: MIT */
#include "script/app_config.h"

#include "base/err.h"
#include "base/wipe.h"
#include "script/app.h"
#include "script/app_trace.h"
#include "script/state.h"

#include <stdlib.h>
#include <string.h>

/* What is known of a password already, from the entries before or from earlier ones. */
static const struct skt_script_psk *known(const struct skt_script_psk *psks, size_t count,
                                          const uint8_t of[SKT_HASH_LEN])
{
    for (size_t i = 0; i < count; i++) {
        if (skt_equal_ct(psks[i].of, of, SKT_HASH_LEN))
            return &psks[i];
    }
    return NULL;
}

static int derive(const struct skt_config_entry *e, struct skt_script_psk *out, const struct skt_script *app,
                  const struct skt_script_psk *before, size_t before_count)
{
    const struct skt_script_psk *found = NULL;
    if (e->password) {
        int err = skt_crypto_openssl()->sha256(out->of, e->password, strlen(e->password), NULL, 0);
        if (err)
            return err;
        found = known(before, before_count, out->of);
        if (!found)
            found = known(app->psks, app->psk_count, out->of);
    }
    if (!found)
        return skt_config_psk(e, out->psk);
    memcpy(out->psk, found->psk, SKT_KEY_LEN);
    return SKT_OK;
}

int skt_script_derive_keys(struct skt_script *app)
{
    const struct skt_config_mode_table *t = &app->conf->table;
    struct skt_script_psk *psks = calloc(t->entry_count + 1, sizeof *psks);
    int err = psks ? SKT_OK : SKT_ERR_NOMEM;
    for (size_t i = 0; i < t->entry_count && err == SKT_OK; i++)
        err = derive(&t->entries[i], &psks[i], app, psks, i);
    struct skt_script_psk *old = err ? psks : app->psks;
    size_t old_count = err ? t->entry_count : app->psk_count;
    if (!err) {
        app->psks = psks;
        app->psk_count = t->entry_count;
    }
    if (old)
        skt_wipe(old, old_count * sizeof *old);
    free(old);
    return err;
}

void skt_script_free_keys(struct skt_script *app)
{
    if (app->psks)
        skt_wipe(app->psks, app->psk_count * sizeof *app->psks);
    free(app->psks);
    app->psks = NULL;
    app->psk_count = 0;
}

bool skt_script_kick(struct skt_script *app, const char *cid)
{
    bool found = false;
    for (struct skt_list *l = app->skcps.live.next; l != &app->skcps.live; l = l->next)
        found |= skt_endpoint_close(SKT_CONTAINER(l, struct skt_script_skcp, link)->ep,
                                    (uint32_t)strtoul(cid, NULL, 10), SKT_CLOSE_LOCAL) == SKT_OK;
    if (found)
        skt_info("session %.10s is ended, as `skcptun status --kick` wants it", cid);
    return found;
}

static void reload_keys(struct skt_script *app)
{
    int err = skt_script_derive_keys(app);
    if (err == SKT_OK)
        err = skt_script_skcp_set_keys(app);
    if (err != SKT_OK)
        skt_error("SIGHUP: the keys could not be taken over: %s", skt_err_str(err));
}

void skt_script_reloaded(struct skt_script *app)
{
    skt_script_tcp_free_buffer(app); /* its size may be another one now */
    skt_log_set_level(app->conf->log_level);
    reload_keys(app);
    skt_script_skcp_check_tickets(app);
    char why[SKT_CONFIG_ERROR_MAX];
    if (skt_script_trace_update(app, why, sizeof why) != SKT_OK)
        skt_warn("SIGHUP: %s", why);
}
