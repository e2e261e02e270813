/* SPDX-License-Identifier: MIT */
#include "config/check_files.h"

#include "config/problem.h"

#include "base/log.h"
#include "config/account.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

char *skt_config_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return strdup(".");
    return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

static void check_account(struct config_reader *r, void *arg)
{
    (void)arg;
    if (r->conf->run_as && !getpwnam(r->conf->run_as)) {
        skt_config_enter(r, "user");
        skt_config_fail(r, "there is no account \"%.60s\"", r->conf->run_as);
    }
}

/* A file that is written to: its folder must be there. */
static bool check_folder(struct config_reader *r, const char *field, const char *path)
{
    struct stat st;
    char *folder = path ? skt_config_folder_of(path) : NULL;
    if (!folder)
        return false;
    bool there = stat(folder, &st) == 0 && S_ISDIR(st.st_mode);
    free(folder);
    if (there)
        return true;
    skt_config_enter(r, "%s", field);
    skt_config_fail(r, "expected a file in a folder that is there, got \"%.200s\"", path);
}

static void check_log_file(struct config_reader *r, void *arg)
{
    (void)arg;
    if (check_folder(r, "log_file", r->conf->log_file) && skt_log_check_file(r->conf->log_file) == EMLINK) {
        skt_config_enter(r, "log_file");
        skt_config_fail(r, "\"%.200s\": %s", r->conf->log_file, skt_log_file_error(EMLINK));
    }
}

/* --- what the account may write --- */

/* By its mode; lists of access rights are not looked at. */
static bool may_write(const struct passwd *account, const struct stat *st)
{
    if (account->pw_uid == 0)
        return true;
    if (st->st_uid == account->pw_uid)
        return (st->st_mode & S_IWUSR) != 0;
    return (st->st_mode & (skt_account_is_in_group(account, st->st_gid) ? S_IWGRP : S_IWOTH)) != 0;
}

/* The start is root's; whatever SIGHUP opens is the account's. */
static void warn_of_account(struct config_reader *r, const char *path)
{
    struct stat st;
    const struct passwd *account = r->conf->run_as ? getpwnam(r->conf->run_as) : NULL;
    char *folder = account ? skt_config_folder_of(path) : NULL;
    if (!folder)
        return;
    bool known = stat(path, &st) == 0 || stat(folder, &st) == 0;
    free(folder);
    if (known && !may_write(account, &st))
        skt_config_warn_here(
            r,
            "the account %.60s can't write %.200s: the start makes it, but SIGHUP can't begin a "
            "trace there; that takes a folder which the account may write",
            r->conf->run_as, path);
}

/* Where others could plant files, or where it is something else, the start refuses it: that depends on who
 * runs it. */
static void check_trace_file(struct config_reader *r, void *arg)
{
    (void)arg;
    const char *path = r->conf->trace_file;
    if (!check_folder(r, "trace_file", path))
        return;
    skt_config_enter(r, "trace_file");
    if (r->conf->log_file && strcmp(path, r->conf->log_file) == 0)
        skt_config_fail(r, "expected a file of its own, got that of log_file");
    warn_of_account(r, path);
}

void skt_config_check_files(struct config_reader *r)
{
    (void)skt_config_try(r, check_account, NULL);
    (void)skt_config_try(r, check_log_file, NULL);
    (void)skt_config_try(r, check_trace_file, NULL);
}
