/* SPDX-License-Identifier: MIT */
#include "config/secret_file.h"

#include "base/err.h"
#include "base/wipe.h"
#include "config/account.h"
#include "config/check_files.h"
#include "config/file.h"
#include "config/problem.h"
#include "crypto/crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool skt_config_is_for_others(const struct skt_config *conf, const struct stat *st)
{
    return S_ISREG(st->st_mode) &&
           ((st->st_mode & S_IROTH) ||
            ((st->st_mode & S_IRGRP) && !skt_account_group_is_meant(conf->run_as, st->st_gid)));
}

const char *skt_secret_first_line(int fd, char secret[SKT_SECRET_MAX], struct stat *st)
{
    char *text = NULL;
    size_t text_len = 0, len = 0;
    int err = skt_config_read_file(fd, &text, &text_len, st);
    if (err != SKT_OK)
        return err == SKT_ERR_IO ? strerror(errno) : skt_err_str(err);
    while (len < text_len && text[len] != '\n' && text[len] != '\r' && text[len])
        len++;
    const char *wrong = len == 0                ? "its first line is empty"
                        : len >= SKT_SECRET_MAX ? "its first line is too long for a secret"
                                                : NULL;
    if (!wrong) {
        memcpy(secret, text, len);
        secret[len] = 0;
    }
    skt_wipe(text, text_len);
    free(text);
    return wrong;
}

int skt_config_open_named(struct config_reader *r, const char *name, const char **path)
{
    struct skt_config_strings *files = &r->conf->files;
    char **at = skt_config_append(r, &files->items, &files->count, sizeof *files->items);
    char *folder = *name == '/' ? strdup("") : skt_config_folder_of(r->conf->path);
    size_t cap = folder ? strlen(folder) + strlen(name) + 2 : 0;
    *at = folder ? malloc(cap) : NULL;
    if (*at)
        snprintf(*at, cap, "%s%s%s", folder, *folder && strcmp(folder, "/") != 0 ? "/" : "", name);
    free(folder);
    if (!*at)
        skt_config_fail_memory(r);
    *path = *at;
    return r->by ? r->by->open(r->by->user, *at) : open(*at, O_RDONLY | O_NOCTTY | O_CLOEXEC);
}

/* The secret that the file holds; the field's name is in the place of messages. */
static void read_secret(struct config_reader *r, const char *name, char secret[SKT_SECRET_MAX])
{
    const char *path;
    struct stat st;
    int fd = skt_config_open_named(r, name, &path);
    const char *wrong = skt_secret_first_line(fd, secret, &st);
    if (wrong)
        skt_config_fail(r, "\"%.200s\": %s", path, wrong);
    if (skt_config_is_for_others(r->conf, &st))
        skt_config_warn(r, "%s: others can read it and the secret in it: chmod 600 %.200s", r->where, path);
}

static void take_password(struct config_reader *r, void *arg)
{
    struct skt_config_entry *e = arg;
    char secret[SKT_SECRET_MAX];
    skt_config_enter(r, ".password_file");
    read_secret(r, e->password_file, secret);
    e->password = strdup(secret);
    skt_wipe(secret, sizeof secret);
    if (!e->password)
        skt_config_fail_memory(r);
}

static void take_key(struct config_reader *r, void *arg)
{
    struct skt_config_entry *e = arg;
    char secret[SKT_SECRET_MAX];
    skt_config_enter(r, ".key_file");
    read_secret(r, e->key_file, secret);
    e->key.set = skt_crypto_key_from_text(secret, strlen(secret), e->key.bytes) == 0;
    skt_wipe(secret, sizeof secret);
    if (!e->key.set)
        skt_config_fail(r,
                        "\"%.200s\": expected 32 bytes in base64 as its first line (44 characters, as of "
                        "`skcptun keygen --key`)",
                        e->key_file);
}

void skt_config_take_secret(struct config_reader *r, struct skt_config_entry *e)
{
    int count = !!e->password + e->key.set + !!e->password_file + !!e->key_file;
    if (e->password && e->key.set)
        skt_config_fail(r, "expected either a password or a key, got both");
    if (count > 1)
        skt_config_fail(r, "expected one of password, password_file, key and key_file, got %d", count);
    if (count == 0 && e->keys.count == 0)
        skt_config_fail(r, "expected a password or a key, got neither");
    if (count == 0) {
        memcpy(e->key.bytes, e->keys.items[0], SKT_KEY_LEN);
        e->key.set = true;
    }
    if (e->password_file)
        (void)skt_config_try(r, take_password, e);
    if (e->key_file)
        (void)skt_config_try(r, take_key, e);
}
