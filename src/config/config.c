/* SPDX-License-Identifier: MIT */
#include "config/config.h"

#include "base/err.h"
#include "base/wipe.h"
#include "config/check.h"
#include "config/file.h"
#include "config/numbers.h"
#include "config/problem.h"
#include "config/root.h"
#include "config/sandbox.h"
#include "config/secret_file.h"
#include "config/tables.h"
#include "config/text.h"
#include "crypto/crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_MAX_LEN = 60 }; /* bytes of an instance's name: the path of its socket has 107 (macOS: 103) */

size_t skt_config_max_memory(const struct skt_config *conf)
{
    return conf->max_memory < SIZE_MAX ? (size_t)conf->max_memory : SIZE_MAX;
}

char *skt_config_other_name(const struct skt_config *conf)
{
    uint32_t hash = 2166136261U; /* FNV-1a */
    for (const char *p = conf->real_path; *p; p++)
        hash = (hash ^ (unsigned char)*p) * 16777619U;
    char *name = malloc(NAME_MAX_LEN + 1);
    if (name)
        snprintf(name, NAME_MAX_LEN + 1, "%.*s-%08x", NAME_MAX_LEN - 9, conf->name, (unsigned)hash);
    return name;
}

static int set_defaults(struct skt_config *conf, const char *path)
{
    conf->log_level = SKT_LOG_INFO;
    skt_config_preset(skt_config_top_fields, conf);
    skt_config_preset(skt_config_mode_fields, &conf->table);
    conf->path = strdup(path);
    const char *base = strrchr(path, '/');
    conf->name = strdup(base ? base + 1 : path);
    conf->real_path = realpath(path, NULL);
    if (!conf->real_path)
        conf->real_path = strdup(path);
    if (!conf->path || !conf->real_path || !conf->name)
        return SKT_ERR_NOMEM;
    char *dot = strrchr(conf->name, '.');
    if (dot && dot != conf->name && strcmp(dot, ".lua") == 0)
        *dot = 0;
    if (strlen(conf->name) <= NAME_MAX_LEN)
        return SKT_OK;
    char *shorter = skt_config_other_name(conf);
    free(conf->name);
    conf->name = shorter;
    return shorter ? SKT_OK : SKT_ERR_NOMEM;
}

/* Chunk names that begin with @ are files: messages show them as they are, shortened from the left. */
static int run(struct skt_sandbox *box, const char *path, const char *text, size_t len, char *why,
               size_t why_cap)
{
    size_t cap = strlen(path) + 2;
    char *chunk = malloc(cap);
    if (!chunk)
        return SKT_ERR_NOMEM;
    snprintf(chunk, cap, "@%s", path);
    int err = skt_sandbox_run(box, text, len, chunk);
    free(chunk);
    if (err == SKT_ERR_ARG) {
        const char *message = lua_type(box->L, -1) == LUA_TSTRING ? lua_tostring(box->L, -1) : "failed";
        skt_config_text_explain(path, text, len, message, why, why_cap);
    } else if (err == SKT_ERR_NOMEM) {
        snprintf(why, why_cap, "%s: the configuration needs more than 32 MiB", path);
        err = SKT_ERR_ARG;
    }
    return err;
}

static int load_text(struct skt_config **out, const char *path, const struct skt_config_opener *by,
                     const char *text, size_t len, char *why, size_t why_cap,
                     struct skt_config_strings *problems)
{
    struct skt_sandbox box = {.L = NULL};
    *out = NULL;
    snprintf(why, why_cap, "%s: out of memory", path);
    struct skt_config *conf = calloc(1, sizeof *conf);
    int err = conf ? set_defaults(conf, path) : SKT_ERR_NOMEM;
    if (err == SKT_OK)
        err = skt_config_text_begin(path, &text, &len, why, why_cap);
    if (err == SKT_OK)
        err = skt_sandbox_open(&box);
    if (err == SKT_OK)
        err = run(&box, path, text, len, why, why_cap);
    if (err == SKT_ERR_ARG && problems)
        skt_config_add_problem(problems, why, 0);
    if (err == SKT_OK) {
        struct config_reader r = {
            .L = box.L, .box = &box, .conf = conf, .by = by, .file = path, .text = text, .text_len = len};
        err = skt_config_read_root(&r, why, why_cap, problems);
    }
    skt_sandbox_close(&box);
    if (err != SKT_OK) {
        skt_config_free(conf);
        return err;
    }
    why[0] = 0;
    *out = conf;
    return SKT_OK;
}

int skt_config_load_text(struct skt_config **out, const char *path, const char *text, size_t len, char *why,
                         size_t why_cap)
{
    return load_text(out, path, NULL, text, len, why, why_cap, NULL);
}

static int load(struct skt_config **out, const char *path, const struct skt_config_opener *by, char *why,
                size_t why_cap, struct skt_config_strings *problems)
{
    char *text = NULL;
    size_t len = 0;
    struct stat st;
    *out = NULL;
    int fd = by ? by->open(by->user, path) : open(path, O_RDONLY | O_CLOEXEC);
    int err = skt_config_read_file(fd, &text, &len, &st);
    if (err != SKT_OK) {
        snprintf(why, why_cap, "%s: %s", path, err == SKT_ERR_IO ? strerror(errno) : "out of memory");
        if (problems)
            skt_config_add_problem(problems, why, 0);
        return err == SKT_ERR_IO ? SKT_ERR_ARG : err;
    }
    err = load_text(out, path, by, text, len, why, why_cap, problems);
    skt_wipe(text, len);
    free(text);
    if (err == SKT_OK && skt_config_is_for_others(*out, &st))
        err = skt_config_warn_readable(*out);
    return err;
}

int skt_config_load(struct skt_config **out, const char *path, char *why, size_t why_cap)
{
    return load(out, path, NULL, why, why_cap, NULL);
}

int skt_config_load_by(struct skt_config **out, const char *path, const struct skt_config_opener *by,
                       char *why, size_t why_cap)
{
    return load(out, path, by, why, why_cap, NULL);
}

int skt_config_check(struct skt_config **out, const char *path, struct skt_config_strings *problems)
{
    char why[SKT_CONFIG_ERROR_MAX];
    *problems = (struct skt_config_strings){NULL, 0};
    return load(out, path, NULL, why, sizeof why, problems);
}

int skt_config_psk(const struct skt_config_entry *entry, uint8_t psk[SKT_KEY_LEN])
{
    if (entry->password)
        return skt_crypto_psk_from_password(entry->password, strlen(entry->password), psk);
    memcpy(psk, entry->key.bytes, SKT_KEY_LEN);
    return SKT_OK;
}
