/* SPDX-License-Identifier: MIT */
#include "config/check_script.h"

#include "config/check_files.h"
#include "config/problem.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* dir/name, or name itself where it is absolute or dir is empty. Heap. */
static char *join(const char *dir, const char *name)
{
    bool bare = name[0] == '/' || dir[0] == 0;
    size_t cap = strlen(dir) + strlen(name) + 2;
    char *s = malloc(cap);
    if (s)
        snprintf(s, cap, "%s%s%s", bare ? "" : dir, bare ? "" : "/", name);
    return s;
}

static bool is_original_name(const char *script)
{
    const char *base = strrchr(script, '/');
    base = base ? base + 1 : script;
    for (int m = 0; m < SKT_CONFIG_CUSTOM; m++) {
        char name[64];
        snprintf(name, sizeof name, "skcptun_%s.lua", skt_config_mode_str((enum skt_config_mode)m));
        if (strcmp(base, name) == 0)
            return true;
    }
    return false;
}

/* Replaces script_file by where it was found; conf->script_dir is the configuration's folder. */
static void find_script(struct config_reader *r, void *arg)
{
    struct skt_config *conf = r->conf;
    (void)arg;
    char *beside = join(conf->script_dir, conf->script_file);
    if (!beside)
        skt_config_fail_memory(r);
    if (access(beside, R_OK) == 0) {
        free(conf->script_file);
        conf->script_file = beside;
    } else {
        free(beside);
        if (access(conf->script_file, R_OK) != 0) {
            if (!is_original_name(conf->script_file) || conf->mode == SKT_CONFIG_CUSTOM) {
                skt_config_enter(r, "script_file");
                skt_config_fail(r, "expected a script that can be read, got \"%.200s\"", conf->script_file);
            }
            skt_config_warn(r, "script_file: there is no %s: the built-in script of %s runs instead",
                            conf->script_file, conf->mode_name);
            free(conf->script_file);
            conf->script_file = NULL;
            return;
        }
    }
    char *dir = skt_config_folder_of(conf->script_file);
    if (!dir)
        skt_config_fail_memory(r);
    free(conf->script_dir);
    conf->script_dir = dir;
}

/* It is compiled to see whether it can be; what it does shows when it runs. */
static void check_script(struct config_reader *r, void *arg)
{
    (void)arg;
    lua_State *L = r->L;
    if (luaL_loadfilex(L, r->conf->script_file, "t") != LUA_OK) {
        skt_config_enter(r, "script_file");
        skt_config_fail(r, "%s", lua_tostring(L, -1));
    }
    lua_pop(L, 1);
}

static void fail_without_script(struct config_reader *r, void *arg)
{
    (void)arg;
    skt_config_enter(r, "mode");
    skt_config_fail(
        r,
        "expected proxy_client, proxy_server, tun_client, tun_server, or a name of your own with a "
        "script_file, got \"%.60s\"",
        r->conf->mode_name);
}

void skt_config_check_script(struct config_reader *r)
{
    struct skt_config *conf = r->conf;
    conf->script_dir = skt_config_folder_of(conf->path);
    if (!conf->script_dir)
        skt_config_fail_memory(r);
    if (conf->script_file) {
        if (skt_config_try(r, find_script, NULL) && conf->script_file)
            (void)skt_config_try(r, check_script, NULL);
    } else if (conf->mode == SKT_CONFIG_CUSTOM) {
        (void)skt_config_try(r, fail_without_script, NULL);
    }
}
