/* SPDX-License-Identifier: MIT */
#include "script/app_config.h"

#include "base/err.h"
#include "base/wipe.h"
#include "script/app.h"
#include "script/app_trace.h"
#include "script/state.h"

#include <stdlib.h>
#include <string.h>

int skt_script_derive_keys(const struct skt_config *conf, uint8_t (**out)[SKT_KEY_LEN])
{
    const struct skt_config_mode_table *t = &conf->table;
    uint8_t(*psks)[SKT_KEY_LEN] = calloc(t->entry_count ? t->entry_count : 1, sizeof *psks);
    if (!psks)
        return SKT_ERR_NOMEM;
    int err = SKT_OK;
    for (size_t i = 0; i < t->entry_count && err == SKT_OK; i++) {
        const char *password = t->entries[i].password;
        const uint8_t *known = NULL;
        for (size_t j = 0; password && j < i && !known; j++) {
            if (t->entries[j].password && strcmp(t->entries[j].password, password) == 0)
                known = psks[j];
        }
        if (known)
            memcpy(psks[i], known, SKT_KEY_LEN);
        else
            err = skt_config_psk(&t->entries[i], psks[i]);
    }
    *out = psks;
    return err;
}

void skt_script_free_keys(uint8_t (*psks)[SKT_KEY_LEN], size_t count)
{
    if (psks)
        skt_wipe(psks, count * sizeof *psks);
    free(psks);
}

void skt_script_reloaded(struct skt_script *app)
{
    skt_script_tcp_free_buffer(app); /* its size may be another one now */
    skt_log_set_level(app->conf->log_level);
    skt_script_skcp_check_tickets(app);
    char why[SKT_CONFIG_ERROR_MAX];
    if (skt_script_trace_update(app, why, sizeof why) != SKT_OK)
        skt_warn("SIGHUP: %s", why);
}
