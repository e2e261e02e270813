/* SPDX-License-Identifier: MIT */
#include "config/config.h"

#include "base/addr.h"
#include "base/err.h"
#include "base/wipe.h"
#include "config/check.h"
#include "config/flat.h"
#include "config/lines.h"
#include "config/read.h"
#include "config/sandbox.h"
#include "config/text.h"
#include "config/value.h"
#include "crypto/crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FILE_MAX_LEN = 16 * 1024 * 1024,
    NAME_MAX_LEN = 60, /* bytes of an instance's name: the path of its socket has 107 (macOS: 103) */
};

size_t skt_config_max_memory(const struct skt_config *conf)
{
    return conf->max_memory < SIZE_MAX ? (size_t)conf->max_memory : SIZE_MAX;
}

static void set_mode(struct skt_config *conf)
{
    conf->mode = SKT_CONFIG_CUSTOM;
    for (int i = 0; i < SKT_CONFIG_CUSTOM; i++) {
        if (strcmp(conf->mode_name, skt_config_mode_str((enum skt_config_mode)i)) == 0)
            conf->mode = (enum skt_config_mode)i;
    }
}

static bool is_named(const struct config_field *fields, const char *name)
{
    while (fields->name && strcmp(fields->name, name) != 0)
        fields++;
    return fields->name != NULL;
}

/* Pushes a copy of the table on top of the stack: without the fields that the list names; or, with
 * keep_named, without the tables that it does not name. */
static void push_filtered(lua_State *L, const struct config_field *fields, bool keep_named)
{
    lua_newtable(L);
    lua_pushnil(L);
    while (lua_next(L, -3)) {
        bool named = lua_type(L, -2) == LUA_TSTRING && is_named(fields, lua_tostring(L, -2));
        bool keep =
            keep_named ? named || lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TTABLE : !named;
        if (keep) {
            lua_pushvalue(L, -2);
            lua_pushvalue(L, -2);
            lua_rawset(L, -5);
        }
        lua_pop(L, 1);
    }
}

static void take_user_fields(struct config_reader *r)
{
    const char *what = "";
    push_filtered(r->L, skt_config_mode_fields, false);
    int err = skt_value_take(&r->conf->user, r->L, -1, &what);
    if (err == SKT_ERR_NOMEM)
        skt_config_fail_memory(r);
    if (err != SKT_OK)
        skt_config_fail(r, "expected booleans, numbers, strings and tables of these, got a %s", what);
    lua_pop(r->L, 1);
}

/* The built-in mode that the table below the top of the stack has settings of, or NULL. */
static const char *table_of_another_mode(lua_State *L)
{
    const char *found = NULL;
    for (int i = 0; i < SKT_CONFIG_CUSTOM && !found; i++) {
        const char *name = skt_config_mode_str((enum skt_config_mode)i);
        lua_pushstring(L, name);
        if (lua_rawget(L, -3) == LUA_TTABLE)
            found = name;
        lua_pop(L, 1);
    }
    return found;
}

static void warn_twice(void *user, const char *path, unsigned first, unsigned second)
{
    skt_config_warn(user, "%s is set in line %u, and again in line %u, which counts", path, first, second);
}

/* The whole of a file; every part of it by itself, so that all that is wrong is found. */
static void read_mode_table(struct config_reader *r, void *arg)
{
    struct skt_config *conf = r->conf;
    struct config_field any = {.flags = 0};
    bool custom = conf->mode == SKT_CONFIG_CUSTOM;
    (void)arg;
    lua_pushstring(r->L, conf->mode_name);
    lua_rawget(r->L, -2);
    size_t mark = skt_config_enter(r, "%.60s", conf->mode_name);
    const char *other = lua_type(r->L, -1) == LUA_TNIL ? table_of_another_mode(r->L) : NULL;
    if (other)
        skt_config_fail(
            r, "expected a table (the settings of the mode), but there is one for %s: which mode is meant?",
            other);
    if (lua_type(r->L, -1) != LUA_TTABLE)
        skt_config_fail_got(r, &any, "a table (the settings of the mode)");
    skt_config_read_table(r, skt_config_mode_fields, 1U << conf->mode, &conf->table, custom ? NAMES_ANY : 0);
    if (custom)
        take_user_fields(r);
    skt_config_check_mode(r);
    skt_config_leave(r, mark);
    lua_pop(r->L, 1);
}

static int read_protected(lua_State *L)
{
    struct config_reader *r = lua_touserdata(L, 2);
    struct config_field any = {.flags = 0};
    skt_config_lines_twice(r->text, r->text_len, warn_twice, r);
    lua_settop(L, 1); /* the environment */
    lua_pushliteral(L, "config");
    lua_rawget(L, 1);
    if (lua_type(L, -1) != LUA_TTABLE) {
        const char *hint = skt_config_text_why_unset(r->text, r->text_len);
        skt_config_enter(r, "config");
        if (hint)
            skt_config_fail(r, "%s", hint);
        skt_config_fail_got(r, &any, "a table (the file sets the global `config`)");
    }
    skt_config_take_flat(r);
    for (size_t i = 0; i < r->box->unset_count; i++)
        skt_config_warn(
            r, "nothing has set the variable %s, so it is nil (line %d); is it a text without quotes?",
            r->box->unset[i].name, r->box->unset[i].line);
    push_filtered(L, skt_config_top_fields, true); /* an unknown table may be another mode's: not looked at */
    skt_config_read_table(r, skt_config_top_fields, 0, r->conf, 0);
    lua_pop(L, 1);
    if (!r->conf->mode_name)
        return 0;
    set_mode(r->conf);
    skt_config_check_top(r);
    if (r->conf->mode != SKT_CONFIG_CUSTOM || r->conf->script_file) /* else it is none, and that was said */
        (void)skt_config_try(r, read_mode_table, NULL);
    return 0;
}

static void add_problem(struct skt_config_strings *problems, const char *text, unsigned line)
{
    size_t cap = strlen(text) + 32;
    char *copy = malloc(cap);
    char **items = copy ? realloc(problems->items, (problems->count + 1) * sizeof *items) : NULL;
    if (!items) {
        free(copy);
        return;
    }
    if (line)
        snprintf(copy, cap, "%s (line %u)", text, line);
    else
        snprintf(copy, cap, "%s", text);
    problems->items = items;
    items[problems->count++] = copy;
}

/* In the order of the file; what has no line comes last. */
static void sort_problems(struct config_problem *p, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct config_problem moved = p[i];
        size_t j = i;
        for (; j > 0 && p[j - 1].line - 1 > moved.line - 1; j--) /* 0 - 1 is the largest */
            p[j] = p[j - 1];
        p[j] = moved;
    }
}

/* Hands on what was found: the first in err, all of them in `problems` (may be NULL). */
static void report(struct config_reader *r, char *why, size_t why_cap, struct skt_config_strings *problems)
{
    sort_problems(r->problems, r->problem_count);
    bool first = true;
    for (size_t i = 0; i < r->problem_count; i++) {
        struct config_problem *p = &r->problems[i];
        if (p->text && first)
            snprintf(why, why_cap, "%s", p->text);
        if (p->text && problems)
            add_problem(problems, p->text, p->line);
        first = first && !p->text;
        free(p->where);
        free(p->text);
    }
    free(r->problems);
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

static int read_all(struct skt_sandbox *box, struct config_reader *r, char *why, size_t why_cap,
                    struct skt_config_strings *problems)
{
    lua_pushcfunction(box->L, read_protected);
    lua_insert(box->L, -2);
    lua_pushlightuserdata(box->L, r);
    int rc = lua_pcall(box->L, 2, 0, 0);
    if (r->no_memory || rc == LUA_ERRMEM)
        rc = SKT_ERR_NOMEM;
    else
        rc = r->problem_count > 0 ? SKT_ERR_ARG : SKT_OK;
    report(r, why, why_cap, problems);
    return rc;
}

static int load_text(struct skt_config **out, const char *path, const char *text, size_t len, char *why,
                     size_t why_cap, struct skt_config_strings *problems)
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
        add_problem(problems, why, 0);
    if (err == SKT_OK) {
        struct config_reader r = {
            .L = box.L, .box = &box, .conf = conf, .file = path, .text = text, .text_len = len};
        err = read_all(&box, &r, why, why_cap, problems);
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
    return load_text(out, path, text, len, why, why_cap, NULL);
}

/* Closes fd; -1 with errno is an error like another. */
static int read_file(int fd, char **text, size_t *len, mode_t *mode)
{
    struct stat st;
    FILE *f = fd >= 0 ? fdopen(fd, "rb") : NULL;
    if (!f) {
        if (fd >= 0)
            close(fd);
        return SKT_ERR_IO;
    }
    int err = SKT_ERR_IO;
    if (fstat(fileno(f), &st) != 0)
        goto out;
    if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode)) {
        errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
        goto out;
    }
    *mode = S_ISREG(st.st_mode) ? st.st_mode : 0;
    size_t cap = S_ISREG(st.st_mode) && st.st_size < FILE_MAX_LEN ? (size_t)st.st_size + 1 : 65536;
    *text = malloc(cap);
    err = *text ? SKT_OK : SKT_ERR_NOMEM;
    *len = *text ? fread(*text, 1, cap, f) : 0;
    if (err == SKT_OK && (ferror(f) || *len == cap)) {
        err = SKT_ERR_IO;
        errno = ferror(f) ? EIO : EFBIG;
    }
    if (err != SKT_OK && *text) {
        skt_wipe(*text, *len);
        free(*text);
    }
out:
    (void)fclose(f);
    return err;
}

static int load(struct skt_config **out, const char *path, int fd, char *why, size_t why_cap,
                struct skt_config_strings *problems)
{
    char *text = NULL;
    size_t len = 0;
    mode_t mode = 0;
    *out = NULL;
    int err = read_file(fd, &text, &len, &mode);
    if (err != SKT_OK) {
        snprintf(why, why_cap, "%s: %s", path, err == SKT_ERR_IO ? strerror(errno) : "out of memory");
        if (problems)
            add_problem(problems, why, 0);
        return err == SKT_ERR_IO ? SKT_ERR_ARG : err;
    }
    err = load_text(out, path, text, len, why, why_cap, problems);
    skt_wipe(text, len);
    free(text);
    if (err == SKT_OK && (mode & (S_IRGRP | S_IROTH)))
        err = skt_config_warn_readable(*out);
    return err;
}

int skt_config_load(struct skt_config **out, const char *path, char *why, size_t why_cap)
{
    return load(out, path, open(path, O_RDONLY | O_CLOEXEC), why, why_cap, NULL);
}

int skt_config_load_fd(struct skt_config **out, const char *path, int fd, char *why, size_t why_cap)
{
    return load(out, path, fd, why, why_cap, NULL);
}

int skt_config_check(struct skt_config **out, const char *path, struct skt_config_strings *problems)
{
    char why[SKT_CONFIG_ERROR_MAX];
    *problems = (struct skt_config_strings){NULL, 0};
    return load(out, path, open(path, O_RDONLY | O_CLOEXEC), why, sizeof why, problems);
}

int skt_config_psk(const struct skt_config_entry *entry, uint8_t psk[SKT_KEY_LEN])
{
    if (entry->password)
        return skt_crypto_psk_from_password(entry->password, strlen(entry->password), psk);
    memcpy(psk, entry->key.bytes, SKT_KEY_LEN);
    return SKT_OK;
}
