/* SPDX-License-Identifier: MIT */
#include "cli/json.h"
#include "tools/import/import.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct skt_import_setting *add(const struct skt_command *self, struct skt_import_settings *s)
{
    if (s->count == SKT_IMPORT_SETTINGS) {
        (void)skt_cli_usage_error(self, "more than %d settings", SKT_IMPORT_SETTINGS);
        return NULL;
    }
    s->list[s->count] = (struct skt_import_setting){.is_text = true};
    return &s->list[s->count++];
}

static int add_value(const struct skt_command *self, struct skt_import_settings *s, const char *prefix,
                     const char *name, struct skt_json value)
{
    struct skt_import_setting *set = add(self, s);
    if (!set)
        return SKT_EXIT_USAGE;
    int len = snprintf(set->name, sizeof set->name, "%s%s", prefix, name);
    if (len < 0 || (size_t)len >= sizeof set->name)
        return skt_cli_usage_error(self, "%s: a name of %d letters: \"%s\"", s->source, len, set->name);
    set->is_text = *value.p == '"';
    if (set->is_text && !skt_json_string(value, set->value, sizeof set->value))
        return skt_cli_usage_error(self, "%s: \"%s\": a text that is too long, or has a zero byte in it",
                                   s->source, set->name);
    if (set->is_text)
        return SKT_EXIT_OK;
    size_t value_len = (size_t)(value.end - value.p);
    if (*value.p == '[' || value_len >= sizeof set->value)
        return skt_cli_usage_error(self, "%s: \"%s\": expected a text, a number, true or false", s->source,
                                   set->name);
    memcpy(set->value, value.p, value_len);
    set->value[value_len] = 0;
    return SKT_EXIT_OK;
}

/* An object's members; of an object in it (kcptun-libev's "kcp", "tcp" and "udp") with its name before
 * theirs. */
static int add_members(const struct skt_command *self, struct skt_import_settings *s, const char *prefix,
                       struct skt_json object)
{
    struct skt_json pos = {0}, value;
    char name[24];
    int status = SKT_EXIT_OK;
    while (status == SKT_EXIT_OK && skt_json_next_member(object, &pos, name, sizeof name, &value)) {
        if (*value.p == '{' && !*prefix) {
            char inner[sizeof name + 1];
            snprintf(inner, sizeof inner, "%s.", name);
            status = add_members(self, s, inner, value);
        } else if (*value.p != 'n') { /* null: as if it were not there */
            status = add_value(self, s, prefix, name, value);
        }
    }
    return status;
}

int skt_import_read_text(const struct skt_command *self, const char *path, char text[SKT_IMPORT_FILE])
{
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *file = is_stdin ? stdin : fopen(path, "rb");
    if (!file)
        return skt_cli_usage_error(self, "%s: %s", path, strerror(errno));
    size_t len = fread(text, 1, SKT_IMPORT_FILE, file);
    bool failed = ferror(file);
    if (!is_stdin)
        fclose(file);
    if (failed || len == SKT_IMPORT_FILE)
        return skt_cli_usage_error(self, "%s: %s", path,
                                   failed ? "can't be read" : "too long for a configuration");
    text[len] = 0;
    if (strlen(text) < len)
        return skt_cli_usage_error(self, "%s: not a text", path);
    return SKT_EXIT_OK;
}

int skt_import_read_json(const struct skt_command *self, const char *path, const char *text,
                         struct skt_import_settings *out)
{
    static const char mark[] = "\xef\xbb\xbf"; /* some editors put it before a text */
    if (strncmp(text, mark, sizeof mark - 1) == 0)
        text += sizeof mark - 1;
    out->source = path;
    struct skt_json value = skt_json_of(text, strlen(text));
    if (!value.p || *value.p != '{')
        return skt_cli_usage_error(self, "%s: not a JSON object (a comma too many, a quote missing?)", path);
    return add_members(self, out, "", value);
}

/* Flags without a value. */
static bool is_switch(const char *name)
{
    static const char *const names[] = {"nocomp", "acknodelay", "quiet", "tcp", "pprof", "QPP"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* The flags' short names. -l is the client's localaddr, and the server's listen: that is found out later. */
static const char *long_name(const char *name)
{
    static const char *const names[][2] = {
        {"r", "remoteaddr"}, {"t", "target"}, {"ds", "datashard"}, {"ps", "parityshard"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i][0]) == 0)
            return names[i][1];
    return name;
}

/* Takes the flag at argv[*i], and its value. */
static int add_flag(const struct skt_command *self, struct skt_import_settings *s, int argc, char **argv,
                    int *i, const char **file)
{
    const char *flag = argv[*i] + strspn(argv[*i], "-");
    size_t len = strcspn(flag, "=");
    struct skt_import_setting *set = add(self, s);
    if (!set)
        return SKT_EXIT_USAGE;
    if (argv[*i][0] != '-' || len == 0 || len >= sizeof set->name)
        return skt_cli_usage_error(self, "\"%s\" is not a flag of kcptun", argv[*i]);
    memcpy(set->name, flag, len);
    const char *full = long_name(set->name);
    if (full != set->name)
        strcpy(set->name, full);
    const char *value = flag[len] ? flag + len + 1 : NULL;
    if (!value && is_switch(set->name))
        value = "true";
    else if (!value && *i + 1 < argc)
        value = argv[++*i];
    if (!value)
        return skt_cli_usage_error(self, "--%s needs a value", set->name);
    if (strlen(value) >= sizeof set->value)
        return skt_cli_usage_error(self, "--%s: the value is too long", set->name);
    strcpy(set->value, value);
    if (strcmp(set->name, "c") == 0) {
        *file = value;
        s->count--;
    }
    return SKT_EXIT_OK;
}

int skt_import_read_flags(const struct skt_command *self, int argc, char **argv,
                          struct skt_import_settings *out)
{
    const char *file = NULL;
    int status = SKT_EXIT_OK;
    for (int i = 1; i < argc && status == SKT_EXIT_OK; i++)
        status = add_flag(self, out, argc, argv, &i, &file);
    static char text[SKT_IMPORT_FILE];
    if (status == SKT_EXIT_OK && file)
        status = skt_import_read_text(self, file, text);
    if (status == SKT_EXIT_OK && file)
        status = skt_import_read_json(self, file, text, out);
    return status;
}

const char *skt_import_value(const struct skt_import_settings *s, const char *name)
{
    for (size_t i = s->count; i-- > 0;)
        if (strcmp(s->list[i].name, name) == 0)
            return s->list[i].value;
    return NULL;
}
