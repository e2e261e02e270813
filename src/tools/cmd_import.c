/* SPDX-License-Identifier: MIT */
/* `skcptun import`: a configuration from what kcptun or kcptun-libev was run with. */
#include "base/wipe.h"
#include "cli/cli.h"
#include "tools/import/import.h"

#include <stdio.h>
#include <string.h>

static const char help[] =
    "\n"
    "Prints the configuration for the same end of the tunnel, from the settings of kcptun or\n"
    "kcptun-libev: each line with the setting that it stands for, and those that need nothing\n"
    "here with the reason. A file with a skcptun:// URI becomes that client's configuration.\n"
    "Nothing is run or changed. \"-\" is the standard input.\n"
    "\n"
    "  skcptun import client.json > client.lua\n"
    "  skcptun import kcptun-server -l :29900 -t 127.0.0.1:8388 --mode fast3 > server.lua\n"
    "\n"
    "In the second form kcptun's own command line follows, with its program or without; a\n"
    "secret is better left to KCPTUN_KEY or to the file that -c names, since others can read\n"
    "command lines. Import both ends: the two programs do not understand each other.\n"
    "\n"
    "Options, before all else:\n"
    "  --client, --server  which end it is, where the settings do not tell\n"
    "  --help              this text\n";

/* The arguments that say which end it is, or nothing; *i moved behind them. False: --help. */
static bool read_own(int argc, char **argv, int *i, enum skt_import_end *end)
{
    for (; *i < argc; (*i)++) {
        const char *arg = argv[*i];
        if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0)
            return false;
        if (strcmp(arg, "--client") == 0)
            *end = SKT_IMPORT_CLIENT;
        else if (strcmp(arg, "--server") == 0)
            *end = SKT_IMPORT_SERVER;
        else if (strcmp(arg, "--") != 0)
            break;
    }
    return true;
}

/* kcptun's programs are called kcptun-client, client_linux_amd64, and the like. */
static enum skt_import_end end_of_program(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    return strstr(name, "client")   ? SKT_IMPORT_CLIENT
           : strstr(name, "server") ? SKT_IMPORT_SERVER
                                    : SKT_IMPORT_UNKNOWN;
}

/* kcptun's command line, from argv[i] on. */
static int read_flags(const struct skt_command *self, int argc, char **argv, int i,
                      struct skt_import_settings *s)
{
    if (argv[i][0] != '-') { /* its program */
        if (s->end == SKT_IMPORT_UNKNOWN)
            s->end = end_of_program(argv[i]);
        i++;
    }
    return skt_import_read_flags(self, argc - i + 1, argv + i - 1, s);
}

static int print_settings(const struct skt_command *self, struct skt_import_settings *s)
{
    static struct skt_import_plan plan;
    int status = skt_import_translate(self, s, &plan);
    if (status != SKT_EXIT_OK)
        return status;
    skt_import_print(&plan, s->source);
    if (plan.default_password)
        fputs("skcptun: import: warning: no key was given: kcptun's own is no secret, change it\n", stderr);
    return SKT_EXIT_OK;
}

static int import_file(const struct skt_command *self, const char *path, struct skt_import_settings *s)
{
    static char text[SKT_IMPORT_FILE];
    int status = skt_import_read_text(self, path, text);
    if (status == SKT_EXIT_OK && skt_import_is_uri(text)) {
        status = skt_import_print_uri(self, text);
    } else if (status == SKT_EXIT_OK) {
        status = skt_import_read_json(self, path, text, s);
        if (status == SKT_EXIT_OK)
            status = print_settings(self, s);
    }
    skt_wipe(text, sizeof text);
    return status;
}

static int run(const struct skt_command *self, int argc, char **argv)
{
    static struct skt_import_settings settings;
    int i = 1, status;
    settings.source = "its flags";
    if (!read_own(argc, argv, &i, &settings.end)) {
        skt_cli_print_help(self);
        return SKT_EXIT_OK;
    }
    if (i == argc)
        return skt_cli_usage_error(self, "a file, or kcptun's flags, are needed");
    if (i + 1 == argc && (argv[i][0] != '-' || !argv[i][1])) {
        status = import_file(self, argv[i], &settings);
    } else {
        status = read_flags(self, argc, argv, i, &settings);
        if (status == SKT_EXIT_OK)
            status = print_settings(self, &settings);
    }
    if (fflush(stdout) != 0)
        status = skt_cli_failure("import: writing failed");
    skt_wipe(&settings, sizeof settings);
    return status;
}

const struct skt_command skt_cmd_import = {
    .name = "import",
    .arguments = "FILE | kcptun's command line",
    .help = help,
    .run = run,
};
