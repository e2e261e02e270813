/* SPDX-License-Identifier: MIT */
#include "tools/uri.h"

#include "crypto/crypto.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define SCHEME "skcptun://"

/* --- the parts of the query: each parameter and the field that it fills --- */

struct parameter {
    const char *name;
    size_t offset, cap;
};

#define PARAMETER(name, field)                                                                               \
    {                                                                                                        \
        name, offsetof(struct skt_uri, field), sizeof((struct skt_uri *)0)->field                            \
    }

static const struct parameter parameters[] = {
    PARAMETER("ticket", ticket),           PARAMETER("server_key", server_key), PARAMETER("speed", speed),
    PARAMETER("listen_addr", listen_host), PARAMETER("listen", listen_port),    PARAMETER("target", target),
    PARAMETER("tun_ip", tun_ip),           PARAMETER("tun_mask", tun_mask),
};

enum { PARAMETERS = sizeof parameters / sizeof *parameters };

/* --- writing --- */

struct out {
    char *buf;
    size_t len, cap;
    bool full;
};

static void put(struct out *o, const char *text, size_t len)
{
    if (o->full || len >= o->cap - o->len) {
        o->full = true;
        return;
    }
    memcpy(o->buf + o->len, text, len);
    o->len += len;
    o->buf[o->len] = 0;
}

static void put_text(struct out *o, const char *text)
{
    put(o, text, strlen(text));
}

/* Percent-encoded (RFC 3986, 2.1) but for unreserved characters. */
static void put_encoded(struct out *o, const char *text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (; *text; text++) {
        char code[4] = {*text};
        if (!strchr(plain, *text))
            snprintf(code, sizeof code, "%%%02X", (unsigned char)*text);
        put_text(o, code);
    }
}

/* Base64 with the alphabet that needs no encoding in a URI, without padding (RFC 4648, 5). */
static void put_key(struct out *o, const char *key)
{
    for (; *key && *key != '='; key++)
        put(o, *key == '+' ? "-" : *key == '/' ? "_" : key, 1);
}

bool skt_uri_write(const struct skt_uri *uri, char *buf, size_t cap)
{
    struct out o = {.buf = buf, .cap = cap};
    put_text(&o, SCHEME);
    put_text(&o, *uri->key ? "key:" : "password:");
    if (*uri->key)
        put_key(&o, uri->key);
    else
        put_encoded(&o, uri->password);
    put_text(&o, strchr(uri->host, ':') ? "@[" : "@");
    put_text(&o, uri->host);
    put_text(&o, strchr(uri->host, ':') ? "]:" : ":");
    put_text(&o, uri->port);
    put_text(&o, uri->tun ? "?mode=tun" : "?mode=proxy");
    for (size_t i = 0; i < PARAMETERS; i++) {
        const char *value = (const char *)uri + parameters[i].offset;
        if (!*value)
            continue;
        put_text(&o, "&");
        put_text(&o, parameters[i].name);
        put_text(&o, "=");
        if (strcmp(parameters[i].name, "server_key") == 0)
            put_key(&o, value);
        else
            put_encoded(&o, value);
    }
    if (*uri->name) {
        put_text(&o, "#");
        put_encoded(&o, uri->name);
    }
    return !o.full;
}

/* --- reading --- */

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Decodes len characters into a field with its end; false: too long, or no encoding of a text. */
static bool decode(const char *text, size_t len, char *out, size_t cap)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '%') {
            if (len - i < 3 || hex(text[i + 1]) < 0 || hex(text[i + 2]) < 0)
                return false;
            c = (char)(hex(text[i + 1]) << 4 | hex(text[i + 2]));
            i += 2;
        }
        if (!c || n + 1 >= cap)
            return false;
        out[n++] = c;
    }
    out[n] = 0;
    return true;
}

/* A key of either base64 alphabet, to the text that configurations have. */
static bool decode_key(const char *text, size_t len, char out[48])
{
    uint8_t key[SKT_KEY_LEN];
    if (!decode(text, len, out, 48))
        return false;
    for (char *p = out; *p; p++)
        *p = *p == '-' ? '+' : *p == '_' ? '/' : *p;
    if (skt_crypto_key_from_text(out, strlen(out), key) < 0)
        return false;
    skt_crypto_key_to_text(key, out);
    return true;
}

static bool read_secret(const char *text, size_t len, struct skt_uri *out)
{
    if (len > 4 && memcmp(text, "key:", 4) == 0)
        return decode_key(text + 4, len - 4, out->key);
    return len > 9 && memcmp(text, "password:", 9) == 0 &&
           decode(text + 9, len - 9, out->password, sizeof out->password);
}

static bool read_place(const char *text, size_t len, struct skt_uri *out)
{
    size_t host = len;
    while (host > 0 && text[host - 1] != ':')
        host--;
    if (host < 2 || !decode(text + host, len - host, out->port, sizeof out->port) || !*out->port ||
        strspn(out->port, "0123456789-") != strlen(out->port))
        return false;
    host--; /* the colon */
    if (text[0] == '[' && text[host - 1] == ']') {
        text++;
        host -= 2;
    } else if (memchr(text, ':', host)) {
        return false;
    }
    return host > 0 && decode(text, host, out->host, sizeof out->host);
}

static bool read_parameter(const char *text, size_t len, struct skt_uri *out)
{
    const char *equals = memchr(text, '=', len);
    size_t name = equals ? (size_t)(equals - text) : len;
    const char *value = equals ? equals + 1 : text + len;
    size_t value_len = len - (size_t)(value - text);
    if (name == 4 && memcmp(text, "mode", 4) == 0) {
        out->tun = value_len == 3 && memcmp(value, "tun", 3) == 0;
        return out->tun || (value_len == 5 && memcmp(value, "proxy", 5) == 0);
    }
    for (size_t i = 0; i < PARAMETERS; i++) {
        const struct parameter *p = &parameters[i];
        if (strlen(p->name) != name || memcmp(p->name, text, name) != 0)
            continue;
        if (strcmp(p->name, "server_key") == 0)
            return decode_key(value, value_len, out->server_key);
        return decode(value, value_len, (char *)out + p->offset, p->cap);
    }
    return true;
}

static bool read_query(const char *text, size_t len, struct skt_uri *out)
{
    while (len > 0) {
        const char *and = memchr(text, '&', len);
        size_t one = and? (size_t)(and-text) : len;
        if (!read_parameter(text, one, out))
            return false;
        text += one + (and != NULL);
        len -= one + (and != NULL);
    }
    return true;
}

static bool fail(const char **why, const char *what)
{
    *why = what;
    return false;
}

bool skt_uri_read(const char *text, struct skt_uri *out, const char **why)
{
    static const char space[] = " \t\r\n";
    *out = (struct skt_uri){0};
    text += strspn(text, space);
    size_t len = strcspn(text, space);
    if (text[len + strspn(text + len, space)])
        return fail(why, "more than one line, or a space in it");
    if (len <= sizeof SCHEME - 1 || memcmp(text, SCHEME, sizeof SCHEME - 1) != 0)
        return fail(why, "it does not begin with " SCHEME);
    const char *end = text + len, *from = text + sizeof SCHEME - 1;
    const char *hash = memchr(from, '#', (size_t)(end - from));
    const char *rest = hash ? hash : end;
    const char *query = memchr(from, '?', (size_t)(rest - from));
    const char *place_end = query ? query : rest;
    const char *at = memchr(from, '@', (size_t)(place_end - from));
    if (!at || !read_secret(from, (size_t)(at - from), out))
        return fail(why, "no secret: key:... or password:... stands before the @");
    if (place_end[-1] == '/')
        place_end--;
    if (!read_place(at + 1, (size_t)(place_end - at - 1), out))
        return fail(why, "HOST:PORT is expected behind the @");
    if (query && !read_query(query + 1, (size_t)(rest - query - 1), out))
        return fail(why, "a parameter behind the ? is too long or malformed");
    if (*out->ticket && strlen(out->ticket) != sizeof out->ticket - 1)
        return fail(why, "the ticket has not 32 bytes");
    if (hash && !decode(hash + 1, (size_t)(end - hash - 1), out->name, sizeof out->name))
        return fail(why, "the name behind the # is too long or malformed");
    return true;
}
