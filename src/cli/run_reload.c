/* SPDX-License-Identifier: MIT */
#include "cli/run_reload.h"

#include "base/err.h"
#include "base/log.h"
#include "cli/run_metrics.h"
#include "cli/run_status.h"
#include "config/diff.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static int open_for(void *user, const char *path)
{
    struct skt_process *p = user;
    if (path == p->source->path)
        return skt_opener_open(&p->opener, SKT_OPENER_CONFIG);
    return skt_opener_open_named(&p->opener, path);
}

int skt_run_read_config(struct skt_process *p, struct skt_config **out, char *why, size_t cap)
{
    const struct skt_run_source *source = p->source;
    if (source->text)
        return skt_config_load_text(out, source->path, source->text, source->text_len, why, cap);
    if (p->opener.pid > 0)
        return skt_config_load_by(out, source->path, &(struct skt_config_opener){open_for, p}, why, cap);
    return skt_config_load(out, source->path, why, cap);
}

void skt_run_log_warnings(const struct skt_config *conf)
{
    for (size_t i = 0; i < conf->warnings.count; i++)
        skt_warn("%s", conf->warnings.items[i]);
}

/* For programs that rotate logs. The account that we became may not write there, but the opener, if the file
 * is the one that was named at the start. */
static void reopen_log(struct skt_process *p)
{
    const struct skt_config *conf = p->conf;
    bool same = conf->log_file && p->log_wanted && strcmp(conf->log_file, p->log_wanted) == 0;
    int fd = same && p->opener.pid > 0 ? skt_opener_open(&p->opener, SKT_OPENER_LOG) : -1;
    if (fd >= 0 && skt_log_use(conf->log_file, fd) == SKT_OK)
        return;
    if (fd >= 0)
        close(fd);
    if (skt_log_open(conf->log_file) < 0)
        skt_warn("SIGHUP: %s: %s; the log goes on where it was", conf->log_file, skt_log_file_error(errno));
}

static void say_restart(void *user, const char *field)
{
    const struct skt_process *p = user;
    skt_warn("SIGHUP: %s: %s has changed, which takes a restart to have an effect", p->source->path, field);
}

void skt_run_reload(struct skt_process *p)
{
    struct skt_config *fresh;
    char why[SKT_CONFIG_ERROR_MAX] = "out of memory";
    if (p->stopping)
        return;
    if (skt_run_read_config(p, &fresh, why, sizeof why) < 0) {
        skt_error("SIGHUP: %s; nothing was changed", why);
        return;
    }
    skt_run_log_warnings(fresh);
    if (strcmp(fresh->mode_name, p->conf->mode_name) != 0) {
        skt_error("SIGHUP: %s: mode: \"%s\" instead of \"%s\" takes a restart; nothing was changed",
                  p->source->path, fresh->mode_name, p->conf->mode_name);
        skt_config_free(fresh);
        return;
    }
    /* The same wish was met with the same place; so nothing has changed. */
    if (p->status_wanted && strcmp(fresh->status_socket, p->status_wanted) == 0)
        (void)skt_run_set_status_path(fresh, p->conf->status_socket);
    skt_config_restart_fields(p->conf, fresh, say_restart, p);
    skt_config_take_live(p->conf, fresh);
    skt_config_free(fresh);
    skt_script_reloaded(p->app);
    skt_run_move_metrics(p);
    reopen_log(p);
    skt_info("SIGHUP: %s was read again", p->source->path);
}
