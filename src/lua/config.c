/* SPDX-License-Identifier: MIT */
#include "lua/config.h"

#include "base/addr.h"
#include "base/err.h"
#include "base/wipe.h"
#include "crypto/crypto.h"
#include "lua/config_check.h"
#include "lua/config_read.h"
#include "lua/sandbox.h"
#include "lua/value.h"

#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FILE_MAX_LEN = 16 * 1024 * 1024 };

static const char *const mode_names[] = {"proxy_client", "proxy_server", "tun_client", "tun_server"};

const char *skt_config_mode_str(enum skt_config_mode mode)
{
    return mode < SKT_CONFIG_CUSTOM ? mode_names[mode] : "custom";
}

static void set_mode(struct skt_config *conf)
{
    conf->mode = SKT_CONFIG_CUSTOM;
    for (int i = 0; i < SKT_CONFIG_CUSTOM; i++) {
        if (strcmp(conf->mode_name, mode_names[i]) == 0)
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
    push_filtered(r->L, config_mode_fields, false);
    int rc = skt_value_take(&r->conf->user, r->L, -1, &what);
    if (rc == SKT_ERR_NOMEM)
        config_fail_memory(r);
    if (rc != SKT_OK)
        config_fail(r, "expected booleans, numbers, strings and tables of these, got a %s", what);
    lua_pop(r->L, 1);
}

static void read_mode_table(struct config_reader *r)
{
    struct skt_config *conf = r->conf;
    struct config_field any = {.flags = 0};
    bool custom = conf->mode == SKT_CONFIG_CUSTOM;
    lua_pushstring(r->L, conf->mode_name);
    lua_rawget(r->L, -2);
    size_t mark = config_enter(r, "%.60s", conf->mode_name);
    if (lua_type(r->L, -1) != LUA_TTABLE)
        config_fail_got(r, &any, "a table (the settings of the mode)");
    config_read_table(r, config_mode_fields, 1U << conf->mode, &conf->table, custom ? NAMES_ANY : 0);
    if (custom)
        take_user_fields(r);
    config_check_mode(r);
    config_leave(r, mark);
    lua_pop(r->L, 1);
}

static int read_protected(lua_State *L)
{
    struct config_reader *r = lua_touserdata(L, 2);
    struct config_field any = {.flags = 0};
    lua_settop(L, 1); /* the environment */
    lua_pushliteral(L, "config");
    lua_rawget(L, 1);
    if (lua_type(L, -1) != LUA_TTABLE) {
        config_enter(r, "config");
        config_fail_got(r, &any, "a table (the file sets the global `config`)");
    }
    push_filtered(L, config_top_fields, true); /* an unknown table may be another mode's: not looked at */
    config_read_table(r, config_top_fields, 0, r->conf, 0);
    lua_pop(L, 1);
    set_mode(r->conf);
    config_check_top(r);
    read_mode_table(r);
    return 0;
}

static int fail(char *err, size_t err_cap, const char *path, const char *text)
{
    /* Lua's messages about the chunk begin with its name already. */
    size_t n = strlen(path);
    if (strncmp(text, path, n) == 0 && text[n] == ':')
        snprintf(err, err_cap, "%s", text);
    else
        snprintf(err, err_cap, "%s: %s", path, text);
    char *newline = strchr(err, '\n');
    if (newline)
        *newline = 0;
    return SKT_ERR_ARG;
}

static int set_defaults(struct skt_config *conf, const char *path)
{
    conf->log_level = SKT_LOG_INFO;
    conf->workers = 1;
    conf->table.tcp_read_buf_size = 16384;
    conf->table.tcp_recv_timeout = 10;
    conf->path = strdup(path);
    const char *base = strrchr(path, '/');
    conf->name = strdup(base ? base + 1 : path);
    if (!conf->path || !conf->name)
        return SKT_ERR_NOMEM;
    char *dot = strrchr(conf->name, '.');
    if (dot && dot != conf->name && strcmp(dot, ".lua") == 0)
        *dot = 0;
    return SKT_OK;
}

/* Chunk names that begin with @ are files: messages show them as they are, shortened from the left. */
static int run(struct skt_sandbox *box, const char *path, const char *text, size_t len, char *err,
               size_t err_cap)
{
    size_t cap = strlen(path) + 2;
    char *chunk = malloc(cap);
    if (!chunk)
        return SKT_ERR_NOMEM;
    snprintf(chunk, cap, "@%s", path);
    int rc = skt_sandbox_run(box, text, len, chunk);
    free(chunk);
    if (rc == SKT_ERR_ARG) {
        const char *message = lua_type(box->L, -1) == LUA_TSTRING ? lua_tostring(box->L, -1) : "failed";
        return fail(err, err_cap, path, message);
    }
    return rc == SKT_ERR_NOMEM ? fail(err, err_cap, path, "the configuration needs more than 32 MiB") : rc;
}

int skt_config_load_text(struct skt_config **out, const char *path, const char *text, size_t len, char *err,
                         size_t err_cap)
{
    struct skt_sandbox box = {NULL, 0, 0};
    *out = NULL;
    snprintf(err, err_cap, "%s: out of memory", path);
    struct skt_config *conf = calloc(1, sizeof *conf);
    int rc = conf ? set_defaults(conf, path) : SKT_ERR_NOMEM;
    if (rc == SKT_OK)
        rc = skt_sandbox_open(&box);
    if (rc == SKT_OK)
        rc = run(&box, path, text, len, err, err_cap);
    if (rc == SKT_OK) {
        struct config_reader r = {.L = box.L, .conf = conf, .file = path, .err = err, .err_cap = err_cap};
        lua_pushcfunction(box.L, read_protected);
        lua_insert(box.L, -2);
        lua_pushlightuserdata(box.L, &r);
        rc = lua_pcall(box.L, 2, 0, 0);
        if (rc != LUA_OK)
            rc = r.no_memory || rc == LUA_ERRMEM ? SKT_ERR_NOMEM : SKT_ERR_ARG;
    }
    skt_sandbox_close(&box);
    if (rc != SKT_OK) {
        skt_config_free(conf);
        return rc;
    }
    err[0] = 0;
    *out = conf;
    return SKT_OK;
}

static int read_file(const char *path, char **text, size_t *len, mode_t *mode)
{
    struct stat st;
    FILE *f = fopen(path, "rb");
    if (!f)
        return SKT_ERR_IO;
    int rc = SKT_ERR_IO;
    if (fstat(fileno(f), &st) != 0)
        goto out;
    if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode)) {
        errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
        goto out;
    }
    *mode = S_ISREG(st.st_mode) ? st.st_mode : 0;
    size_t cap = S_ISREG(st.st_mode) && st.st_size < FILE_MAX_LEN ? (size_t)st.st_size + 1 : 65536;
    *text = malloc(cap);
    rc = *text ? SKT_OK : SKT_ERR_NOMEM;
    *len = *text ? fread(*text, 1, cap, f) : 0;
    if (rc == SKT_OK && (ferror(f) || *len == cap)) {
        rc = SKT_ERR_IO;
        errno = ferror(f) ? EIO : EFBIG;
    }
    if (rc != SKT_OK && *text) {
        skt_wipe(*text, *len);
        free(*text);
    }
out:
    (void)fclose(f);
    return rc;
}

int skt_config_load(struct skt_config **out, const char *path, char *err, size_t err_cap)
{
    char *text = NULL;
    size_t len = 0;
    mode_t mode = 0;
    *out = NULL;
    int rc = read_file(path, &text, &len, &mode);
    if (rc != SKT_OK) {
        snprintf(err, err_cap, "%s: %s", path, rc == SKT_ERR_IO ? strerror(errno) : "out of memory");
        return rc == SKT_ERR_IO ? SKT_ERR_ARG : rc;
    }
    rc = skt_config_load_text(out, path, text, len, err, err_cap);
    skt_wipe(text, len);
    free(text);
    if (rc == SKT_OK && (mode & (S_IRGRP | S_IROTH)))
        rc = config_warn_readable(*out);
    return rc;
}

int skt_config_psk(const struct skt_config_entry *entry, uint8_t psk[SKT_KEY_LEN])
{
    if (entry->password)
        return skt_crypto_psk_from_password(entry->password, strlen(entry->password), psk);
    memcpy(psk, entry->key.bytes, SKT_KEY_LEN);
    return SKT_OK;
}

int skt_config_runnable(const struct skt_config *conf, char *err, size_t err_cap)
{
    (void)conf;
    if (err_cap > 0)
        *err = 0;
    return SKT_OK;
}
