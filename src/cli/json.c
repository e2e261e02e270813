/* SPDX-License-Identifier: MIT */
#include "cli/json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 32 };

static const char *skip_space(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
        p++;
    return p;
}

/* Each skip_ returns the place behind what begins at p, or NULL. */
static const char *skip_string(const char *p, const char *end)
{
    if (p == end || *p++ != '"')
        return NULL;
    while (p < end && *p != '"') {
        if ((unsigned char)*p < 0x20)
            return NULL;
        if (*p++ == '\\' && p++ == end)
            return NULL;
    }
    return p < end ? p + 1 : NULL;
}

static const char *skip_number(const char *p, const char *end)
{
    const char *start = p;
    while (p < end && *p && strchr("+-.eE0123456789", *p))
        p++;
    return p > start ? p : NULL;
}

static const char *skip_word(const char *p, const char *end, const char *word)
{
    size_t len = strlen(word);
    return (size_t)(end - p) >= len && memcmp(p, word, len) == 0 ? p + len : NULL;
}

static const char *skip_value(const char *p, const char *end, int depth);

/* A member's name and colon. */
static const char *skip_name(const char *p, const char *end)
{
    p = skip_string(skip_space(p, end), end);
    p = p ? skip_space(p, end) : NULL;
    return p && p < end && *p == ':' ? p + 1 : NULL;
}

/* An object (close is '}') or an array (']'). */
static const char *skip_group(const char *p, const char *end, char close, int depth)
{
    p = skip_space(p + 1, end);
    if (p < end && *p == close)
        return p + 1;
    while (p && p < end) {
        if (close == '}')
            p = skip_name(p, end);
        p = p ? skip_value(p, end, depth + 1) : NULL;
        p = p ? skip_space(p, end) : NULL;
        if (!p || p == end)
            return NULL;
        if (*p == close)
            return p + 1;
        if (*p++ != ',')
            return NULL;
    }
    return NULL;
}

static const char *skip_value(const char *p, const char *end, int depth)
{
    p = skip_space(p, end);
    if (p == end || depth > DEPTH_MAX)
        return NULL;
    switch (*p) {
    case '{':
        return skip_group(p, end, '}', depth);
    case '[':
        return skip_group(p, end, ']', depth);
    case '"':
        return skip_string(p, end);
    case 't':
        return skip_word(p, end, "true");
    case 'f':
        return skip_word(p, end, "false");
    case 'n':
        return skip_word(p, end, "null");
    default:
        return skip_number(p, end);
    }
}

struct skt_json skt_json_of(const char *text, size_t len)
{
    struct skt_json value = {skip_space(text, text + len), NULL};
    value.end = skip_value(value.p, text + len, 0);
    if (!value.end || skip_space(value.end, text + len) != text + len)
        return (struct skt_json){NULL, NULL};
    return value;
}

/* The member at p (a place within a well-formed object): its name with quotes, and its value. False where
 * there is none. */
static bool read_member(const char *p, const char *end, struct skt_json *name, struct skt_json *value)
{
    p = skip_space(p, end);
    if (*p == ',')
        p = skip_space(p + 1, end);
    if (*p != '"')
        return false;
    *name = (struct skt_json){p, skip_string(p, end)};
    value->p = skip_space(skip_name(p, end), end);
    value->end = skip_value(value->p, end, 0);
    return true;
}

static struct skt_json member(struct skt_json object, const char *name, size_t len)
{
    struct skt_json none = {NULL, NULL}, found, value;
    if (!object.p || *object.p != '{')
        return none;
    for (const char *p = object.p + 1; read_member(p, object.end, &found, &value); p = value.end)
        if ((size_t)(found.end - found.p) == len + 2 && memcmp(found.p + 1, name, len) == 0)
            return value;
    return none;
}

struct skt_json skt_json_get(struct skt_json value, const char *path)
{
    while (value.p && *path) {
        size_t len = strcspn(path, ".");
        value = member(value, path, len);
        path += len + (path[len] == '.');
    }
    return value;
}

bool skt_json_next(struct skt_json value, struct skt_json *pos, struct skt_json *item)
{
    if (!value.p || *value.p != '[')
        return false;
    const char *p = skip_space(pos->p ? pos->p : value.p + 1, value.end);
    if (*p == ',')
        p = skip_space(p + 1, value.end);
    if (*p == ']')
        return false;
    item->p = p;
    item->end = pos->p = skip_value(p, value.end, 0);
    return true;
}

bool skt_json_next_member(struct skt_json value, struct skt_json *pos, char *name, size_t cap,
                          struct skt_json *item)
{
    struct skt_json found;
    if (!value.p || *value.p != '{' || !read_member(pos->p ? pos->p : value.p + 1, value.end, &found, item))
        return false;
    size_t len = (size_t)(found.end - found.p) - 2;
    if (len > cap - 1)
        len = cap - 1;
    memcpy(name, found.p + 1, len);
    name[len] = 0;
    pos->p = item->end;
    return true;
}

double skt_json_number(struct skt_json value, double otherwise)
{
    char text[64];
    size_t len = value.p ? (size_t)(value.end - value.p) : 0;
    if (len == 0 || len >= sizeof text || !strchr("-0123456789", *value.p))
        return otherwise;
    memcpy(text, value.p, len);
    text[len] = 0;
    return strtod(text, NULL);
}

/* The character of the escape at p (behind the backslash), *p moved to its last character. */
static char unescape(const char **p, const char *end)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/?????";
    const char *at = **p ? strchr(from, **p) : NULL;
    if (at)
        return to[at - from];
    if (**p != 'u' || end - *p < 5)
        return '?';
    char hex[5] = {(*p)[1], (*p)[2], (*p)[3], (*p)[4], 0};
    unsigned long code = strtoul(hex, NULL, 16);
    *p += 4;
    return code >= 0x20 && code < 0x7f ? (char)code : '?';
}

const char *skt_json_text(struct skt_json value, char *buf, size_t cap)
{
    size_t n = 0;
    if (value.p && *value.p == '"') {
        const char *end = value.end - 1;
        for (const char *p = value.p + 1; p < end && n + 1 < cap; p++) {
            char c = *p;
            if (c == '\\') {
                p++;
                c = unescape(&p, end);
            }
            buf[n++] = (unsigned char)c < 0x20 || c == 0x7f ? '?' : c;
        }
    }
    buf[n] = 0;
    return buf;
}

/* Four hexadecimal digits at p, or -1. */
static long read_unit(const char *p, const char *end)
{
    if (end - p < 4)
        return -1;
    char hex[5] = {p[0], p[1], p[2], p[3], 0};
    return strspn(hex, "0123456789abcdefABCDEF") == 4 ? strtol(hex, NULL, 16) : -1;
}

/* The code point of the escape at p (behind the backslash), or -1; *p moved behind it. A pair of surrogates
 * is one. */
static long read_escape(const char **p, const char *end)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    char kind = *(*p)++;
    const char *at = kind ? strchr(from, kind) : NULL;
    if (at)
        return to[at - from];
    long unit = kind == 'u' ? read_unit(*p, end) : -1;
    *p += unit < 0 ? 0 : 4;
    if (unit < 0xd800 || unit > 0xdfff)
        return unit;
    if (unit > 0xdbff || end - *p < 6 || (*p)[0] != '\\' || (*p)[1] != 'u')
        return -1;
    long low = read_unit(*p + 2, end);
    *p += 6;
    return low >= 0xdc00 && low <= 0xdfff ? 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00) : -1;
}

/* How many bytes of UTF-8 (RFC 3629) a code point takes, written to out. */
static size_t write_utf8(long code, char out[4])
{
    static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = len; i-- > 1; code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)(first[len] | code);
    return len;
}

bool skt_json_string(struct skt_json value, char *buf, size_t cap)
{
    if (!value.p || *value.p != '"')
        return false;
    const char *end = value.end - 1;
    size_t n = 0;
    for (const char *p = value.p + 1; p < end;) {
        char bytes[4] = {*p};
        size_t len = 1;
        if (*p++ == '\\') {
            long code = read_escape(&p, end);
            len = code > 0 ? write_utf8(code, bytes) : 0;
        }
        if (len == 0 || !bytes[0] || len >= cap - n)
            return false;
        memcpy(buf + n, bytes, len);
        n += len;
    }
    buf[n] = 0;
    return true;
}
