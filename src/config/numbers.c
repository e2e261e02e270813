/* SPDX-License-Identifier: MIT */
#include "config/numbers.h"

#include "config/problem.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

void skt_config_read_permille(struct config_reader *r, const struct config_field *f, void *at)
{
    double v;
    if (take_number(r, f, &v))
        *(uint32_t *)at = permille(v);
}

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
