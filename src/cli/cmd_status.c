/* SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "cli/cli.h"
#include "cli/json.h"
#include "cli/status_debug.h"
#include "cli/status_fetch.h"
#include "cli/status_path.h"
#include "cli/status_socket.h"
#include "cli/status_table.h"
#include "config/config.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { INSTANCES_MAX = 64, ANSWER_LIMIT_MS = 3000 };

/* The sockets with somebody behind them. */
struct instances {
    char paths[INSTANCES_MAX][SKT_STATUS_PATH_MAX];
    size_t count;
    size_t denied; /* of other users, who don't let us ask */
};

static void add_if_alive(struct instances *found, const char *folder, const char *name)
{
    char path[SKT_STATUS_PATH_MAX + 256];
    char *text;
    size_t len;
    int n = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (n >= SKT_STATUS_PATH_MAX || found->count == INSTANCES_MAX)
        return;
    /* One that does not answer in time is alive none the less. */
    int err = skt_status_fetch(path, ANSWER_LIMIT_MS, &text, &len);
    if (err == SKT_ERR_IO && errno == EACCES) {
        found->denied++;
        return;
    }
    if (err == SKT_ERR_NOTFOUND)
        return;
    if (err == SKT_OK)
        free(text);
    memcpy(found->paths[found->count++], path, (size_t)n + 1);
}

static void find_instances(struct instances *found)
{
    char folder[SKT_STATUS_PATH_MAX];
    for (int i = 0; i < SKT_STATUS_FOLDERS; i++) {
        DIR *dir = skt_status_folder(i, folder) == SKT_OK ? opendir(folder) : NULL;
        if (!dir)
            continue;
        struct dirent *entry;
        while ((entry = readdir(dir))) {
            size_t len = strlen(entry->d_name);
            if (len > 5 && strcmp(entry->d_name + len - 5, ".sock") == 0)
                add_if_alive(found, folder, entry->d_name);
        }
        closedir(dir);
    }
}

static int locate_only_one(const struct skt_command *self, char path[SKT_STATUS_PATH_MAX])
{
    static struct instances found;
    find_instances(&found);
    if (found.count == 0 && found.denied > 0)
        return skt_cli_failure("status: no instance of this user is running; others can be asked by root");
    if (found.count == 0)
        return skt_cli_failure("status: no instance is running (name its configuration where it has a "
                               "status_socket of its own)");
    if (found.count > 1) {
        for (size_t i = 0; i < found.count; i++)
            fprintf(stderr, "  %s\n", found.paths[i]);
        return skt_cli_usage_error(self, "several instances are running; name one's configuration");
    }
    memcpy(path, found.paths[0], SKT_STATUS_PATH_MAX);
    return SKT_EXIT_OK;
}

static int no_instance(const char *config, const char *wanted)
{
    return skt_cli_failure("status: no instance of %s is running (there is no %s)", config, wanted);
}

/* Of an instance that has no file. */
static int locate_of_name(const char *name, char path[SKT_STATUS_PATH_MAX])
{
    char wanted[SKT_STATUS_PATH_MAX];
    if (skt_status_default(name, wanted) < 0 || skt_status_locate(wanted, path) < 0)
        return no_instance(name, wanted);
    return SKT_EXIT_OK;
}

/* Is the instance at the socket one of this configuration? One that does not answer may be. */
static bool is_of(const char *path, const struct skt_config *conf)
{
    char *text;
    size_t len;
    if (skt_status_fetch(path, ANSWER_LIMIT_MS, &text, &len) < 0)
        return true;
    bool same = true;
    char real_path[4096];
    struct skt_json value = skt_json_of(text, len);
    if (*skt_json_text(skt_json_get(value, "config"), real_path, sizeof real_path))
        same = strcmp(real_path, conf->real_path) == 0;
    free(text);
    return same;
}

/* Under its own name, or under the one that it has where another instance was first. */
static bool locate_among_names(const struct skt_config *conf, char path[SKT_STATUS_PATH_MAX])
{
    bool found = false;
    char *name = skt_status_is_default(conf->status_socket) ? skt_config_other_name(conf) : NULL;
    if (name) {
        char wanted[SKT_STATUS_PATH_MAX];
        found = skt_status_default(name, wanted) == SKT_OK && skt_status_locate(wanted, path) == SKT_OK &&
                is_of(path, conf);
        free(name);
    }
    return found || (skt_status_locate(conf->status_socket, path) == SKT_OK && is_of(path, conf));
}

static int locate_of_config(const char *config, char path[SKT_STATUS_PATH_MAX])
{
    if (!strchr(config, '/') && access(config, F_OK) != 0)
        return locate_of_name(config, path);
    struct skt_config *conf;
    char why[SKT_CONFIG_ERROR_MAX] = "out of memory";
    if (skt_config_load(&conf, config, why, sizeof why) < 0) {
        fprintf(stderr, "%s\n", why);
        return SKT_EXIT_USAGE;
    }
    int status = SKT_EXIT_OK;
    if (!conf->status_socket[0]) {
        fprintf(stderr, "%s: status_socket is switched off\n", config);
        status = SKT_EXIT_USAGE;
    } else if (!locate_among_names(conf, path)) {
        status = no_instance(config, conf->status_socket);
    }
    skt_config_free(conf);
    return status;
}

int (*skt_status_debug)(FILE *out, struct skt_json status);

/* What one look at an instance leaves for the next one. */
struct watch {
    const char *path;     /* of its socket */
    const char *question; /* what it is asked; NULL: as `debug` says */
    bool raw;             /* --json */
    bool debug;           /* --debug */
    bool repeated;        /* --watch */
    bool screen;          /* each time over the one before */
    struct skt_status_items before;
    double before_at; /* when that was read; 0: never */
};

static int fetch(const struct watch *w, char **text, size_t *len)
{
    const char *question = w->question ? w->question : w->debug ? SKT_STATUS_DEBUG : SKT_STATUS_PLAIN;
    int err = skt_status_ask(w->path, question, ANSWER_LIMIT_MS, text, len);
    if (err == SKT_ERR_NOTFOUND)
        return skt_cli_failure("status: nobody is listening at %s: the instance has ended", w->path);
    if (err == SKT_ERR_IO && errno == EACCES)
        return skt_cli_failure("status: the instance at %s is another user's: ask as that user, or as root",
                               w->path);
    if (err == SKT_ERR_AGAIN)
        return skt_cli_failure("status: no answer at %s", w->path);
    if (err < 0)
        return skt_cli_failure("status: %s: %s", w->path,
                               err == SKT_ERR_IO ? strerror(errno) : skt_err_str(err));
    return SKT_EXIT_OK;
}

/* The terminal's lines, as they are now; 0: unknown, or no terminal. */
static int screen_rows(const struct watch *w)
{
    struct winsize size;
    return w->screen && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_row : 0;
}

static int show_table(struct watch *w, struct skt_json status)
{
    struct skt_status_items now;
    double at = skt_cli_now();
    bool again = w->before_at > 0;
    if (skt_status_items_read(&now, status, again ? &w->before : NULL, at - w->before_at) < 0)
        return skt_cli_failure("status: out of memory");
    fputs(w->screen ? "\033[H\033[J" : "", stdout);
    const struct skt_status_view view = {.rates = w->repeated, .rows_max = screen_rows(w)};
    skt_status_table_show(stdout, status, &now, &view);
    if (w->debug && skt_status_debug && skt_status_debug(stdout, status) < 0)
        fputs("out of memory for the streams\n", stdout);
    skt_status_items_free(&w->before);
    w->before = now;
    w->before_at = at;
    return SKT_EXIT_OK;
}

static int show_once(struct watch *w)
{
    char *text;
    size_t len;
    int status = fetch(w, &text, &len);
    if (status != SKT_EXIT_OK)
        return status;
    struct skt_json value = skt_json_of(text, len);
    if (!value.p)
        status = skt_cli_failure("status: no sensible answer at %s", w->path);
    else if (w->raw)
        fwrite(text, 1, len, stdout);
    else
        status = show_table(w, value);
    free(text);
    if (fflush(stdout) != 0)
        status = SKT_EXIT_FAILURE;
    return status;
}

static int end_session(const char *path, uint32_t cid)
{
    char question[32], *text;
    size_t len;
    snprintf(question, sizeof question, SKT_STATUS_KICK "%u", cid);
    const struct watch w = {.path = path, .question = question};
    int status = fetch(&w, &text, &len);
    if (status != SKT_EXIT_OK)
        return status;
    bool ended = *text == '{';
    free(text);
    return ended ? status : skt_cli_failure("status: there is no session %u", cid);
}

static int run(const struct skt_command *self, int argc, char **argv)
{
    bool raw = false, watch = false, debug = false;
    double kick = 0;
    const struct skt_option options[] = {
        {"debug", SKT_OPTION_FLAG, &debug, 0, 0},
        {"json", SKT_OPTION_FLAG, &raw, 0, 0},
        {"kick", SKT_OPTION_NUMBER, &kick, 1, SKT_CID_MAX},
        {"watch", SKT_OPTION_FLAG, &watch, 0, 0},
        {0},
    };
    char path[SKT_STATUS_PATH_MAX];
    int status;
    int n = skt_cli_parse(self, options, argc, argv, 1, &status);
    if (n < 0)
        return status;
    status = n == 1 ? locate_of_config(argv[1], path) : locate_only_one(self, path);
    if (status != SKT_EXIT_OK)
        return status;
    if (kick > 0)
        return end_session(path, (uint32_t)kick);
    struct watch w = {.path = path,
                      .raw = raw,
                      .debug = debug,
                      .repeated = watch,
                      .screen = watch && isatty(STDOUT_FILENO)};
    status = show_once(&w);
    while (watch && status == SKT_EXIT_OK) {
        sleep(1);
        status = show_once(&w);
    }
    skt_status_items_free(&w.before);
    return status;
}

const struct skt_command skt_cmd_status = {
    .name = "status",
    .arguments = "[CONFIG] [--debug] [--json] [--watch] [--kick CID]",
    .summary = "show what a running instance is doing",
    .run = run,
};
