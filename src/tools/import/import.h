/* SPDX-License-Identifier: MIT */
/* Settings of kcptun and of kcptun-libev, and the configuration here that they come to. Three steps, each a
 * file: read (what was given), translate (what it means), print (a file to use, with the reasons). */
#ifndef SKT_TOOLS_IMPORT_IMPORT_H
#define SKT_TOOLS_IMPORT_IMPORT_H

#include "cli/cli.h"
#include "tools/place.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    SKT_IMPORT_SETTINGS =
        64, /* kcptun has 33 and kcptun-libev 26; the same one may come as a flag and in a file */
    SKT_IMPORT_TEXT = 1024, /* room for a value, the end included: paths and secrets */
};

enum skt_import_end { SKT_IMPORT_UNKNOWN, SKT_IMPORT_CLIENT, SKT_IMPORT_SERVER };

/* One setting as it was given. */
struct skt_import_setting {
    char name[32]; /* without dashes; of an object within the object "kcp.mtu" */
    char value[SKT_IMPORT_TEXT];
    bool is_text; /* false: a number, true or false, in JSON's spelling */
};

struct skt_import_settings {
    struct skt_import_setting list[SKT_IMPORT_SETTINGS];
    size_t count;
    enum skt_import_end end; /* as far as the command line says it */
    const char *source;      /* how the output calls where they came from: a file's name, or "flags" */
};

/* Reads a whole file, "-" for stdin, into text with its end. An exit status; a mistake has been reported. */
enum { SKT_IMPORT_FILE = 65536 }; /* kcptun-libev's own limit; kcptun's files are a few hundred bytes */
int skt_import_read_text(const struct skt_command *self, const char *path, char text[SKT_IMPORT_FILE]);

/* Reads the settings from a JSON text (path names it in messages), or from kcptun's flags in argv[1..argc-1];
 * -c FILE among them is read, too, and counts for more than the flags, as in kcptun. Replaces none of several
 * with one name. An exit status; a mistake has been reported. */
int skt_import_read_json(const struct skt_command *self, const char *path, const char *text,
                         struct skt_import_settings *out);
int skt_import_read_flags(const struct skt_command *self, int argc, char **argv,
                          struct skt_import_settings *out);

/* The value of the last setting with that name; NULL: not given. */
const char *skt_import_value(const struct skt_import_settings *s, const char *name);

/* What a setting came to for which no field stands in the output. */
struct skt_import_note {
    const struct skt_import_setting *setting;
    const char *why; /* static */
};

/* What the output says. Texts point into the settings. */
struct skt_import_plan {
    const char *program; /* "kcptun" or "kcptun-libev" */
    enum skt_import_end end;
    struct skt_place tcp; /* client: where it listens; server: its target */
    const char *tcp_from; /* the setting's text; NULL: that program's default */
    struct skt_place udp; /* client: the server; server: where it listens */
    const char *udp_from;
    const char *password, *key; /* one of them, or neither: none was given */
    bool default_password;      /* kcptun's own, which all the world knows */
    int speed_mode;             /* -1: no word of it */
    const char *mode_from;
    const char *log_file;
    const char *log_level;
    const char *log_level_from;
    const char *user;
    double max_rate_mbit; /* 0: none */
    struct skt_import_note notes[SKT_IMPORT_SETTINGS];
    size_t note_count;
};

/* An exit status; a mistake has been reported. What is odd but no obstacle is warned of on stderr. */
int skt_import_translate(const struct skt_command *self, struct skt_import_settings *s,
                         struct skt_import_plan *out);

/* Prints the configuration to stdout. */
void skt_import_print(const struct skt_import_plan *plan, const char *source);

/* Is it a skcptun:// URI (tools/uri.h), white space before it aside? */
bool skt_import_is_uri(const char *text);

/* Prints the client's configuration that a URI stands for. An exit status; a mistake has been reported. */
int skt_import_print_uri(const struct skt_command *self, const char *text);

#endif
