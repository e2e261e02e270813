/* SPDX-License-Identifier: MIT */
#include "config/text.h"

#include "base/err.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool begins(const char *text, size_t len, const char *with, size_t with_len)
{
    return len >= with_len && memcmp(text, with, with_len) == 0;
}

int skt_config_text_begin(const char *path, const char **text, size_t *len, char *why, size_t why_cap)
{
    const char *p = *text, *end = p + *len;
    if (begins(p, *len, "\xff\xfe", 2) || begins(p, *len, "\xfe\xff", 2)) {
        snprintf(why, why_cap, "%s: the file is in UTF-16: save it as UTF-8", path);
        return SKT_ERR_ARG;
    }
    if (begins(p, *len, "\xef\xbb\xbf", 3))
        p += 3;
    if (begins(p, (size_t)(end - p), "#!", 2)) {
        while (p < end && *p != '\n')
            p++;
    }
    *text = p;
    *len = (size_t)(end - p);
    while (p < end && isspace((unsigned char)*p))
        p++;
    if (p < end && *p == '{') {
        snprintf(why, why_cap,
                 "%s: this looks like JSON: a configuration is a Lua file that sets config = { ... }, see "
                 "skcptun_config_sample.lua",
                 path);
        return SKT_ERR_ARG;
    }
    return SKT_OK;
}

/* The line of the first typographic quote (U+2018 to U+201F), 0: there is none. */
static unsigned line_of_quote(const char *text, size_t len)
{
    unsigned line = 1;
    for (size_t i = 0; i + 2 < len; i++) {
        line += text[i] == '\n';
        if (memcmp(text + i, "\xe2\x80", 2) == 0 && (unsigned char)text[i + 2] >= 0x98 &&
            (unsigned char)text[i + 2] <= 0x9f)
            return line;
    }
    return 0;
}

static const char *absent_function(const char *message)
{
    static const char *const names[] = {"dofile", "require",      "loadfile", "load", "print",
                                        "io",     "execute",      "popen",    "open", "pcall",
                                        "rawget", "setmetatable", NULL};
    for (const char *const *name = names; *name; name++) {
        char quoted[32];
        snprintf(quoted, sizeof quoted, "'%s'", *name);
        if (strstr(message, "nil value") && strstr(message, quoted))
            return *name;
    }
    return NULL;
}

/* The text of a line, counted from 1, without its indent. */
static size_t line_of_text(const char *text, size_t len, unsigned number, const char **line)
{
    const char *p = text, *end = text + len;
    for (; number > 1 && p < end; p++)
        number -= *p == '\n';
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    *line = p;
    const char *stop = memchr(p, '\n', (size_t)(end - p));
    return (size_t)((stop ? stop : end) - p);
}

static bool is_word_char(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* What people write who come from other formats, by the line that Lua stumbles over. */
static const char *foreign(const char *text, size_t len, unsigned number)
{
    const char *line;
    size_t n = line_of_text(text, len, number, &line), i = 0;
    if (begins(line, n, "#", 1) || begins(line, n, "//", 2) || begins(line, n, "/*", 2))
        return "a comment begins with --";
    if (begins(line, n, "[", 1))
        return "a configuration is a Lua file that sets config = { ... }, see skcptun_config_sample.lua";
    while (i < n && (is_word_char(line[i]) || line[i] == '"'))
        i++;
    while (i < n && line[i] == ' ')
        i++;
    return i > 0 && i < n && line[i] == ':' ? "a field is written name = value" : NULL;
}

/* Lua tells the line at which it could not go on, and what stands before may be the reason. */
static const char *foreign_near(const char *path, const char *message, const char *text, size_t len)
{
    unsigned line = 0;
    if (strstr(message, "malformed number"))
        return "a text stands in quotes";
    if (strstr(message, "'}' expected (to close"))
        return "is a comma missing before it?";
    if (sscanf(message + strlen(path), ":%u:", &line) != 1 || line == 0)
        return NULL;
    const char *from, *what = foreign(text, len, line);
    size_t n = line_of_text(text, len, line, &from);
    /* As what Lua takes for a call of a method goes on. */
    if (strstr(message, "<name> expected") && memchr(from, ':', n))
        return "a field is written name = value";
    return what || line == 1 ? what : foreign(text, len, line - 1);
}

const char *skt_config_text_why_nothing(const char *text, size_t len, unsigned line)
{
    const char *from, getenv[] = "os.getenv";
    size_t n = line_of_text(text, len, line, &from);
    for (size_t i = 0; i + sizeof getenv - 1 <= n; i++)
        if (memcmp(from + i, getenv, sizeof getenv - 1) == 0)
            return "is the variable of os.getenv in the environment?";
    return NULL;
}

const char *skt_config_text_why_unset(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (i > 0 && text[i - 1] != '\n')
            continue;
        if (begins(text + i, len - i, "local config", 12))
            return "expected a global: leave out the word `local` before it";
        if (begins(text + i, len - i, "return {", 8) || begins(text + i, len - i, "return{", 7))
            return "expected it to be set: write `config = {` instead of `return {`";
    }
    return NULL;
}

void skt_config_text_explain(const char *path, const char *text, size_t len, const char *message, char *why,
                             size_t why_cap)
{
    size_t n = strlen(path);
    bool named =
        strncmp(message, path, n) == 0 && message[n] == ':'; /* as Lua's messages about the chunk are */
    const char *absent = absent_function(message);
    unsigned line = line_of_quote(text, len);
    int one_line = (int)strcspn(message, "\n");
    const char *dots = named ? "" : ": ";
    const char *what = named ? foreign_near(path, message, text, len) : NULL;
    if (absent)
        snprintf(why, why_cap, "%s%s%.*s (a configuration has string, table, math and os.getenv, and no %s)",
                 named ? "" : path, dots, one_line, message, absent);
    else if (line && !strstr(message, "too long"))
        snprintf(why, why_cap, "%s%s%.*s (typographic quotes in line %u: write \" instead)",
                 named ? "" : path, dots, one_line, message, line);
    else if (what && !strstr(message, "too long"))
        snprintf(why, why_cap, "%s%.*s (%s)", dots, one_line, message, what);
    else
        snprintf(why, why_cap, "%s%s%.*s", named ? "" : path, dots, one_line, message);
}
