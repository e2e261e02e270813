/* SPDX-License-Identifier: MIT */
/* The types of the configuration's fields. */
#include "base/addr.h"
#include "base/wipe.h"
#include "config/read.h"
#include "crypto/crypto.h"
#include "proto/parity/code.h"

#include <ctype.h>
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
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

static void describe_range(const struct config_field *f, const char *what, char *out, size_t cap)
{
    if (f->max < 1e15)
        snprintf(out, cap, "%s%.14g..%.14g", what, f->min, f->max);
    else
        snprintf(out, cap, "%snot below %.14g", what, f->min);
}

/* 0 and less, of the fields where the original took it for "as you like". */
static bool is_default(struct config_reader *r, const struct config_field *f, double v)
{
    if (!(f->flags & ZERO_DEFAULT) || v > 0)
        return false;
    skt_config_warn(r, "%s: %.14g stands for the default", r->where, v);
    return true;
}

/* Into a field of any width: the range of the field has seen to it that it fits. */
static void put_integer(const struct config_field *f, void *at, int64_t v)
{
    uint8_t v8 = (uint8_t)v;
    uint16_t v16 = (uint16_t)v;
    uint32_t v32 = (uint32_t)v;
    const void *from = f->size == sizeof v8    ? (const void *)&v8
                       : f->size == sizeof v16 ? (const void *)&v16
                       : f->size == sizeof v32 ? (const void *)&v32
                                               : (const void *)&v;
    memcpy(at, from, f->size);
}

void skt_config_read_integer(struct config_reader *r, const struct config_field *f, void *at)
{
    char expected[64];
    int exact = 0;
    lua_Integer v = lua_tointegerx(r->L, -1, &exact); /* takes "15", too */
    describe_range(f, f->max < 1e15 ? "" : "an integer ", expected, sizeof expected);
    if (exact && is_default(r, f, (double)v))
        return;
    if (!exact || (double)v < f->min || (double)v > f->max)
        skt_config_fail_got(r, f, expected);
    put_integer(f, at, v);
}

void skt_config_read_speed_mode(struct config_reader *r, const struct config_field *f, void *at)
{
    int exact = 0;
    lua_Integer v = lua_tointegerx(r->L, -1, &exact);
    if (!exact)
        skt_config_fail_got(r, f, "1 (turbo) or 0 (normal)");
    if (v != 0 && v != 1)
        skt_config_warn(r, "%s: %lld stands for 0 (normal)", r->where, (long long)v);
    *(enum skt_speed *)at = v == 1 ? SKT_SPEED_TURBO : SKT_SPEED_NORMAL;
}

/* False: the default stands for it. */
static bool take_number(struct config_reader *r, const struct config_field *f, double *v)
{
    char expected[64];
    int is_number = 0;
    *v = (double)lua_tonumberx(r->L, -1, &is_number);
    describe_range(f, "a number ", expected, sizeof expected);
    if (is_number && isfinite(*v) && is_default(r, f, *v))
        return false;
    if (!is_number || !isfinite(*v) || *v < f->min || *v > f->max)
        skt_config_fail_got(r, f, expected);
    return true;
}

void skt_config_read_number(struct config_reader *r, const struct config_field *f, void *at)
{
    double v;
    if (take_number(r, f, &v))
        *(double *)at = v;
}

static uint32_t permille(double v)
{
    return (uint32_t)(v * 1000 + 0.5);
}

/* A share, kept in thousandths. */
void skt_config_read_permille(struct config_reader *r, const struct config_field *f, void *at)
{
    double v;
    if (take_number(r, f, &v))
        *(uint32_t *)at = permille(v);
}

/* Mbit/s, kept in bytes/s. */
void skt_config_read_rate(struct config_reader *r, const struct config_field *f, void *at)
{
    double v;
    if (take_number(r, f, &v))
        *(uint64_t *)at = (uint64_t)(v * 1e6 / 8);
}

void skt_config_preset(const struct config_field *fields, void *base)
{
    for (const struct config_field *f = fields; f->name; f++) {
        void *at = (char *)base + f->offset;
        if (f->read == skt_config_read_integer)
            put_integer(f, at, (int64_t)f->preset);
        else if (f->read == skt_config_read_number)
            *(double *)at = f->preset;
        else if (f->read == skt_config_read_permille)
            *(uint32_t *)at = permille(f->preset);
        else if (f->read == skt_config_read_speed_mode)
            *(enum skt_speed *)at = (enum skt_speed)f->preset;
    }
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

void skt_config_read_ticket(struct config_reader *r, const struct config_field *f, void *at)
{
    if (lua_type(r->L, -1) != LUA_TSTRING || lua_rawlen(r->L, -1) != SKT_TICKET_LEN)
        skt_config_fail_got(r, f, "a string of 32 bytes");
    struct skt_config_key *ticket = at;
    memcpy(ticket->bytes, lua_tostring(r->L, -1), SKT_TICKET_LEN);
    ticket->set = true;
}

/* Reads 1..65535 at *s and moves it on; 0: there is none. */
static unsigned long parse_port(const char **s)
{
    if (!isdigit((unsigned char)**s))
        return 0;
    char *end;
    unsigned long v = strtoul(*s, &end, 10);
    if (v > 65535 || end - *s > 5)
        return 0;
    *s = end;
    return v;
}

void skt_config_read_port_range(struct config_reader *r, const struct config_field *f, void *at)
{
    struct skt_config_ports *ports = at;
    static const char expected[] = "1..65535";
    int exact = 0;
    if (lua_type(r->L, -1) == LUA_TNUMBER) {
        lua_Integer v = lua_tointegerx(r->L, -1, &exact);
        if (!exact || v < 1 || v > 65535)
            skt_config_fail_got(r, f, expected);
        ports->lo = ports->hi = (uint16_t)v;
        return;
    }
    const char *s = lua_type(r->L, -1) == LUA_TSTRING ? lua_tostring(r->L, -1) : "";
    unsigned long lo = parse_port(&s), hi = lo;
    if (lo && *s == '-') {
        s++;
        hi = parse_port(&s);
    }
    if (!lo || !hi || *s)
        skt_config_fail_got(r, f, expected);
    if (hi < lo)
        skt_config_fail_got(r, f, "a range from the lower to the higher port");
    if (hi - lo >= 256)
        skt_config_fail_got(r, f, "a range of at most 256 ports");
    ports->lo = (uint16_t)lo;
    ports->hi = (uint16_t)hi;
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

/* Bytes, or a string with K, M or G behind the number. */
void skt_config_read_size(struct config_reader *r, const struct config_field *f, void *at)
{
    static const char expected[] = "bytes, 1 MiB or more, as a number or like \"64M\"";
    double v = -1;
    if (lua_type(r->L, -1) == LUA_TNUMBER) {
        v = (double)lua_tonumber(r->L, -1);
    } else if (lua_type(r->L, -1) == LUA_TSTRING) {
        const char *s = lua_tostring(r->L, -1);
        char *end;
        double scale = 1;
        v = isdigit((unsigned char)*s) ? strtod(s, &end) : -1;
        if (v >= 0 && *end) {
            const char *unit = strchr("KMG", toupper((unsigned char)*end));
            scale = unit ? (*unit == 'K' ? 1024.0 : *unit == 'M' ? 1048576.0 : 1073741824.0) : -1;
            v = end[1] ? -1 : v * scale;
        }
    }
    if (!(v >= 1048576.0) || v > 1e15)
        skt_config_fail_got(r, f, expected);
    *(uint64_t *)at = (uint64_t)v;
}

void skt_config_read_skip(struct config_reader *r, const struct config_field *f, void *at)
{
    (void)r;
    (void)f;
    (void)at;
}

/* The string on top of the stack. */
void skt_config_parse_host_port(struct config_reader *r, const struct config_field *f, char **host,
                                uint16_t *port)
{
    static const char expected[] = "\"host:port\"";
    if (lua_type(r->L, -1) != LUA_TSTRING)
        skt_config_fail_got(r, f, expected);
    *host = skt_config_take_string(r, f);
    char *colon = strrchr(*host, ':');
    if (!colon || colon == *host)
        skt_config_fail_got(r, f, expected);
    const char *text = colon + 1;
    unsigned long v = parse_port(&text);
    if (!v || *text)
        skt_config_fail_got(r, f, expected);
    *port = (uint16_t)v;
    *colon = 0;
    size_t len = strlen(*host);
    if (**host == '[' && len > 2 && (*host)[len - 1] == ']') {
        (*host)[len - 1] = 0;
        memmove(*host, *host + 1, len - 1);
    } else if (strchr(*host, ':')) {
        skt_config_fail_got(r, f, "\"host:port\", an IPv6 address in [ ]");
    }
}
