/* SPDX-License-Identifier: MIT */
#include "cli/run_status.h"

#include "base/err.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/status_path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int skt_run_set_status_path(struct skt_config *conf, const char *path)
{
    char *copy = strdup(path);
    if (!copy)
        return SKT_ERR_NOMEM;
    free(conf->status_socket);
    conf->status_socket = copy;
    return SKT_OK;
}

int skt_run_keep_a_janitor(struct skt_process *p)
{
    if (!p->conf->run_as || geteuid() != 0 || !p->status)
        return SKT_EXIT_OK;
    const struct skt_status_file *file = skt_status_socket_file(p->status);
    if (skt_janitor_start_program(&p->janitor, SKT_STATUS_ROLE, skt_status_file_remove_after, file,
                                  sizeof *file) < 0)
        return skt_cli_failure("can't start a process that removes the status socket: %s", strerror(errno));
    return SKT_EXIT_OK;
}

/* Another instance has our name: we take one of our own. */
static int take_other_name(struct skt_process *p, char path[SKT_STATUS_PATH_MAX])
{
    struct skt_config *conf = p->conf;
    char *name = skt_config_other_name(conf);
    char wanted[SKT_STATUS_PATH_MAX];
    if (!name || skt_status_default(name, wanted) < 0 || skt_status_place(wanted, path) < 0) {
        free(name);
        return SKT_ERR_NOMEM;
    }
    skt_info("another instance has the name %s: this one is %s", conf->name, name);
    free(conf->name);
    conf->name = name;
    return skt_run_set_status_path(conf, path);
}

int skt_run_open_status(struct skt_process *p)
{
    char path[SKT_STATUS_PATH_MAX], why[SKT_STATEFILE_WHY_MAX];
    if (!p->conf->status_socket[0])
        return SKT_EXIT_OK;
    p->status_wanted = strdup(p->conf->status_socket);
    const char *wanted = p->status_wanted;
    int err = wanted ? skt_status_place(wanted, path) : SKT_ERR_NOMEM;
    if (err == SKT_OK)
        err = skt_run_set_status_path(p->conf, path);
    if (err == SKT_OK)
        err = skt_status_socket_new(&p->status, p->loop, path, why);
    if (err == SKT_ERR_FULL && skt_status_is_default(wanted) && !p->source->text &&
        take_other_name(p, path) == SKT_OK)
        err = skt_status_socket_new(&p->status, p->loop, path, why);
    if (err == SKT_ERR_FULL)
        return skt_cli_failure("%s: an instance of this configuration is running already; "
                               "give this one a status_socket of its own, or end the other",
                               path);
    if (err == SKT_ERR_AUTH)
        return skt_cli_failure("status_socket: %s", why);
    if (err < 0)
        return skt_cli_failure("status_socket %s: %s", p->conf->status_socket,
                               err == SKT_ERR_IO ? strerror(errno) : skt_err_str(err));
    skt_debug("status socket %s", path);
    return SKT_EXIT_OK;
}
