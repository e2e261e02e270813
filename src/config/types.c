/* SPDX-License-Identifier: MIT */
#include "config/types.h"

#include "base/wipe.h"
#include "config/numbers.h"
#include "config/problem.h"
#include "crypto/crypto.h"
#include "proto/parity/code.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void skt_config_read_string(struct config_reader *r, const struct config_field *f, void *at)
{
    char **s = at;
    char *copy = skt_config_take_string(r, f);
    if (*s)
        skt_wipe(*s, strlen(*s));
    free(*s);
    *s = copy;
    if ((double)strlen(copy) < f->min)
        skt_config_fail_got(r, f, "a string that is not empty");
}

void skt_config_read_bool(struct config_reader *r, const struct config_field *f, void *at)
{
    if (lua_type(r->L, -1) != LUA_TBOOLEAN)
        skt_config_fail_got(r, f, "true or false");
    *(bool *)at = lua_toboolean(r->L, -1);
}

void skt_config_read_strings(struct config_reader *r, const struct config_field *f, void *at)
{
    struct skt_config_strings *list = at;
    skt_config_check_list(r, f, "a list of strings");
    for (lua_Integer i = 1; skt_config_list_item(r, i); i++) {
        size_t mark = skt_config_enter(r, "[%lld]", (long long)i);
        char **item = skt_config_append(r, &list->items, &list->count, sizeof *list->items);
        *item = skt_config_take_string(r, f);
        skt_config_leave(r, mark);
        lua_pop(r->L, 1);
    }
}

void skt_config_read_key(struct config_reader *r, const struct config_field *f, void *at)
{
    static const char expected[] = "32 bytes in base64 (44 characters, as of `skcptun keygen`)";
    if (lua_type(r->L, -1) != LUA_TSTRING)
        skt_config_fail_got(r, f, expected);
    size_t len;
    const char *s = lua_tolstring(r->L, -1, &len);
    struct skt_config_key *key = at;
    if (skt_crypto_key_from_text(s, len, key->bytes) != 0)
        skt_config_fail_got(r, f, expected);
    key->set = true;
}

void skt_config_read_keys(struct config_reader *r, const struct config_field *f, void *at)
{
    struct skt_config_keys *keys = at;
    skt_config_check_list(r, f, "a list of keys");
    for (lua_Integer i = 1; skt_config_list_item(r, i); i++) {
        struct skt_config_key key;
        size_t mark = skt_config_enter(r, "[%lld]", (long long)i);
        if (i > SKT_CONFIG_KEYS_MAX)
            skt_config_fail(r, "expected at most %d keys", SKT_CONFIG_KEYS_MAX);
        skt_config_read_key(r, f, &key);
        memcpy(skt_config_append(r, &keys->items, &keys->count, sizeof *keys->items), key.bytes, SKT_KEY_LEN);
        skt_wipe(&key, sizeof key);
        skt_config_leave(r, mark);
        lua_pop(r->L, 1);
    }
}

void skt_config_read_ticket(struct config_reader *r, const struct config_field *f, void *at)
{
    if (lua_type(r->L, -1) != LUA_TSTRING || lua_rawlen(r->L, -1) != SKT_TICKET_LEN)
        skt_config_fail_got(r, f, "a string of 32 bytes");
    struct skt_config_key *ticket = at;
    memcpy(ticket->bytes, lua_tostring(r->L, -1), SKT_TICKET_LEN);
    ticket->set = true;
}

void skt_config_read_cipher(struct config_reader *r, const struct config_field *f, void *at)
{
    const char *s = lua_type(r->L, -1) == LUA_TSTRING ? lua_tostring(r->L, -1) : "";
    uint8_t *ciphers = at;
    if (strcmp(s, "auto") == 0) {
        *ciphers = 0;
        return;
    }
    for (int i = SKT_CIPHER_AES_256_GCM; i <= SKT_CIPHER_CHACHA20_POLY1305; i++) {
        if (strcmp(s, skt_cipher_str((enum skt_cipher)i)) == 0) {
            *ciphers = (uint8_t)(1 << i);
            return;
        }
    }
    skt_config_fail_got(r, f, "\"auto\", \"aes-256-gcm\" or \"chacha20-poly1305\"");
}

void skt_config_read_redundancy(struct config_reader *r, const struct config_field *f, void *at)
{
    static const struct config_field fields[] = {
        {"data", skt_config_read_integer, offsetof(struct skt_tuning, redundancy_data), sizeof(uint8_t), 0,
         REQUIRED, 1, SKT_PARITY_SPAN, 0},
        {"parity", skt_config_read_integer, offsetof(struct skt_tuning, redundancy_parity), sizeof(uint8_t),
         0, REQUIRED, 1, SKT_PARITY_MAX, 0},
        {0},
    };
    struct skt_tuning *t =
        (struct skt_tuning *)(void *)((char *)at - offsetof(struct skt_tuning, redundancy));
    const char *s = lua_type(r->L, -1) == LUA_TSTRING ? lua_tostring(r->L, -1) : "";
    if (strcmp(s, "off") == 0) {
        t->redundancy = SKT_REDUNDANCY_OFF;
    } else if (strcmp(s, "auto") == 0) {
        t->redundancy = SKT_REDUNDANCY_AUTO;
    } else if (lua_type(r->L, -1) == LUA_TTABLE) {
        skt_config_read_table(r, fields, 0, t, 0);
        t->redundancy = SKT_REDUNDANCY_FIXED;
    } else {
        skt_config_fail_got(r, f, "\"auto\", \"off\" or {data=, parity=}");
    }
}

void skt_config_read_log_level(struct config_reader *r, const struct config_field *f, void *at)
{
    const char *s = lua_type(r->L, -1) == LUA_TSTRING ? lua_tostring(r->L, -1) : "";
    for (int i = SKT_LOG_ERROR; i <= SKT_LOG_DEBUG; i++) {
        if (strcasecmp(s, skt_log_level_str((enum skt_log_level)i)) == 0) {
            *(enum skt_log_level *)at = (enum skt_log_level)i;
            return;
        }
    }
    skt_config_fail_got(r, f, "\"error\", \"warn\", \"info\" or \"debug\"");
}

void skt_config_read_skip(struct config_reader *r, const struct config_field *f, void *at)
{
    (void)r;
    (void)f;
    (void)at;
}

void skt_config_read_tun_offload(struct config_reader *r, const struct config_field *f, void *at)
{
    bool *plain = at;
    bool offload;
    skt_config_read_bool(r, f, &offload);
    *plain = !offload;
}
