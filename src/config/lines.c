/* SPDX-License-Identifier: MIT */
#include "config/lines.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PATH_MAX_LEN = 256, /* of what messages call a place, with room */
    NESTING_MAX = 16,   /* tables in tables; a configuration has five */
    NAMES_MAX = 64,     /* fields of one table that are compared; no mode has so many */
};

enum token_kind { END, NAME, STRING, OTHER };

struct token {
    enum token_kind kind;
    const char *at; /* in the text; of a string: after the quote */
    size_t len;     /* of a string: without the quotes */
    unsigned line;
};

struct scan {
    const char *p, *end;
    unsigned line; /* of p */
    struct token next;
    const char *where; /* the place that is looked for */
    size_t best_len;   /* of the longest path around it so far */
    unsigned best_line;
    skt_config_lines_twice_fn twice; /* or NULL */
    void *twice_user;
};

/* The fields of a table so far. */
struct names {
    struct token list[NAMES_MAX];
    size_t count;
};

/* --- words --- */

static void skip(struct scan *s, size_t n)
{
    for (; n > 0 && s->p < s->end; n--, s->p++)
        s->line += *s->p == '\n';
}

/* The length of "[[" or "[==[" at p, or 0. */
static size_t long_bracket(const struct scan *s)
{
    const char *p = s->p;
    if (p >= s->end || *p != '[')
        return 0;
    for (p++; p < s->end && *p == '='; p++)
        ;
    return p < s->end && *p == '[' ? (size_t)(p + 1 - s->p) : 0;
}

/* Skips what a long bracket of that length holds, and its end; returns the length of what it held. */
static size_t skip_long(struct scan *s, size_t open_len)
{
    char close[NESTING_MAX + 2];
    if (open_len > sizeof close) /* nobody's */
        return 0;
    memset(close, '=', open_len);
    close[0] = close[open_len - 1] = ']';
    skip(s, open_len);
    const char *from = s->p;
    while (s->p < s->end) {
        const char *p = s->p;
        if ((size_t)(s->end - p) >= open_len && memcmp(p, close, open_len) == 0) {
            skip(s, open_len);
            return (size_t)(p - from);
        }
        skip(s, 1);
    }
    return (size_t)(s->p - from);
}

static void skip_blanks(struct scan *s)
{
    while (s->p < s->end) {
        if (isspace((unsigned char)*s->p)) {
            skip(s, 1);
        } else if (s->end - s->p >= 2 && memcmp(s->p, "--", 2) == 0) {
            skip(s, 2);
            size_t open_len = long_bracket(s);
            if (open_len > 0)
                (void)skip_long(s, open_len);
            else
                while (s->p < s->end && *s->p != '\n')
                    skip(s, 1);
        } else {
            return;
        }
    }
}

static void take_string(struct scan *s, struct token *t)
{
    char quote = *s->p;
    skip(s, 1);
    t->at = s->p;
    while (s->p < s->end && *s->p != quote && *s->p != '\n')
        skip(s, *s->p == '\\' ? 2 : 1);
    t->len = (size_t)(s->p - t->at);
    skip(s, 1);
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Moves to the next word; what it was is in s->next before. */
static struct token advance(struct scan *s)
{
    struct token now = s->next;
    skip_blanks(s);
    struct token t = {OTHER, s->p, 1, s->line};
    size_t open_len = long_bracket(s);
    if (s->p >= s->end) {
        t.kind = END;
        t.len = 0;
    } else if (open_len > 0) {
        t.kind = STRING;
        t.at += open_len;
        t.len = skip_long(s, open_len);
    } else if (*s->p == '"' || *s->p == '\'') {
        t.kind = STRING;
        take_string(s, &t);
    } else if (is_word(*s->p)) {
        t.kind = isdigit((unsigned char)*s->p) ? OTHER : NAME;
        while (s->p < s->end && is_word(*s->p))
            skip(s, 1);
        t.len = (size_t)(s->p - t.at);
    } else {
        skip(s, 1);
    }
    s->next = t;
    return now;
}

static bool is_sign(const struct token *t, char c)
{
    return t->kind == OTHER && t->len == 1 && *t->at == c;
}

/* Is the sign behind the next word this one, and no longer one ("==")? */
static bool is_followed_by(const struct scan *s, char c)
{
    struct scan ahead = *s;
    skip_blanks(&ahead);
    return ahead.p < ahead.end && *ahead.p == c && (ahead.end - ahead.p < 2 || ahead.p[1] != c);
}

/* --- fields --- */

/* A field with this path begins in this line: does what is looked for lie in it? */
static void note(struct scan *s, const char *path, unsigned line)
{
    size_t len = strlen(path);
    char after = strncmp(s->where, path, len) == 0 ? s->where[len] : 'x';
    if (len >= s->best_len && len > 0 && (after == 0 || after == '.' || after == '[')) {
        s->best_len = len;
        s->best_line = line;
    }
}

static void note_name(const struct scan *s, struct names *names, const struct token *name, const char *path)
{
    if (!s->twice || strstr(path, "[]"))
        return;
    for (size_t i = 0; i < names->count; i++) {
        struct token *old = &names->list[i];
        if (old->len == name->len && memcmp(old->at, name->at, name->len) == 0) {
            s->twice(s->twice_user, path, old->line, name->line);
            *old = *name;
            return;
        }
    }
    if (names->count < NAMES_MAX)
        names->list[names->count++] = *name;
}

static void read_table(struct scan *s, const char *path, int depth);

/* Everything up to the end of the field or of the table, signs in brackets not counted. */
static void skip_value(struct scan *s, const char *path, int depth)
{
    for (int nesting = 0; s->next.kind != END;) {
        const struct token *t = &s->next;
        if (nesting == 0 && (is_sign(t, ',') || is_sign(t, ';') || is_sign(t, '}')))
            return;
        if (is_sign(t, '{') && nesting == 0) {
            advance(s);
            read_table(s, path, depth);
            continue;
        }
        nesting += is_sign(t, '(') || is_sign(t, '{');
        nesting -= is_sign(t, ')') || is_sign(t, '}');
        advance(s);
    }
}

/* Behind the "{" of the table with this path, up to behind its "}". */
static void read_table(struct scan *s, const char *path, int depth)
{
    char field[PATH_MAX_LEN];
    struct names names = {.count = 0};
    unsigned index = 0;
    while (s->next.kind != END) {
        if (is_sign(&s->next, '}')) {
            advance(s);
            return;
        }
        if (is_sign(&s->next, ',') || is_sign(&s->next, ';')) {
            advance(s);
            continue;
        }
        unsigned line = s->next.line;
        if (s->next.kind == NAME && is_followed_by(s, '=')) {
            struct token name = advance(s);
            snprintf(field, sizeof field, "%s%s%.*s", path, *path ? "." : "", (int)name.len, name.at);
            note_name(s, &names, &name, field);
            advance(s);                      /* = */
        } else if (is_sign(&s->next, '[')) { /* its key is a secret, or no list's */
            snprintf(field, sizeof field, "%s[]", path);
            while (s->next.kind != END && !is_sign(&s->next, ']'))
                advance(s);
            advance(s);
            advance(s); /* = */
        } else {
            snprintf(field, sizeof field, "%s[%u]", path, ++index);
        }
        note(s, field, line);
        skip_value(s, field, depth < NESTING_MAX ? depth + 1 : depth);
        if (depth >= NESTING_MAX)
            return;
    }
}

/* "config.proxy_client" before "=": the path below config, into `path`; false: something else. */
static bool read_target(struct scan *s, char *path, size_t cap)
{
    struct token first = advance(s);
    if (first.len != 6 || memcmp(first.at, "config", 6) != 0)
        return false;
    *path = 0;
    while (is_sign(&s->next, '.')) {
        advance(s);
        struct token name = advance(s);
        size_t len = strlen(path);
        snprintf(path + len, cap - len, "%s%.*s", len ? "." : "", (int)name.len, name.at);
    }
    return is_sign(&s->next, '=');
}

static void read_file(struct scan *s)
{
    char path[PATH_MAX_LEN];
    advance(s);
    while (s->next.kind != END) {
        unsigned line = s->next.line;
        if (s->next.kind != NAME) {
            advance(s);
        } else if (read_target(s, path, sizeof path)) {
            note(s, path, line);
            advance(s); /* = */
            if (is_sign(&s->next, '{')) {
                advance(s);
                read_table(s, path, 0);
            }
        }
    }
}

unsigned skt_config_line_of(const char *text, size_t len, const char *where)
{
    struct scan s = {.p = text, .end = text + len, .line = 1, .where = where};
    read_file(&s);
    return s.best_line;
}

void skt_config_lines_twice(const char *text, size_t len, skt_config_lines_twice_fn fn, void *user)
{
    struct scan s = {.p = text, .end = text + len, .line = 1, .where = "", .twice = fn, .twice_user = user};
    read_file(&s);
}
