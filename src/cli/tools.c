/* SPDX-License-Identifier: MIT */
#include "cli/tools.h"

#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM "skcptun-tools"

const struct skt_tool skt_tools[] = {
    {"client", "run a client from flags, without a configuration"},
    {"demo", "show the tunnel at work on this machine"},
    {"import", "print a configuration from kcptun's settings, or a URI"},
    {"keygen", "print new random keys, or make both ends' files"},
    {"server", "run a server from flags, without a configuration"},
    {"uri", "print what a client needs as one line, or a QR code"},
    {0},
};

static const char *program = "skcptun";

static bool has(char **argv, const char *option)
{
    while (*argv && strcmp(*argv, option) != 0)
        argv++;
    return *argv != NULL;
}

static bool is_listed(const char *name)
{
    for (const struct skt_tool *t = skt_tools; t->name; t++)
        if (strcmp(t->name, name) == 0)
            return true;
    return false;
}

/* The tools, and what is long and rarely looked at: `status --debug` for people. */
static bool is_tool(char **argv)
{
    return is_listed(argv[1]) ||
           (strcmp(argv[1], "status") == 0 && has(argv, "--debug") && !has(argv, "--json"));
}

/* Where it may lie: beside this program (as built, or copied by hand), or where it is installed. */
static void run_beside(char *self, char **argv)
{
    char path[4096];
    const char *slash = strrchr(self, '/');
    int folder = slash ? (int)(slash - self) : 0;
    int len = snprintf(path, sizeof path, "%.*s/" PROGRAM, folder, self);
    argv[0] = self;
    if (len > 0 && (size_t)len < sizeof path)
        execv(path, argv);
    if (errno == ENOENT)
        execv(SKT_LIBEXECDIR "/" PROGRAM, argv);
}

int skt_tools_run(int argc, char **argv)
{
    char self[4096];
    if (argc < 2 || !is_tool(argv))
        return SKT_TOOLS_NONE;
    if (skt_cli_self_path(self, sizeof self) < 0)
        return skt_cli_failure("%s: the path of this program is not known: %s", argv[1], strerror(errno));
    run_beside(self, argv);
    if (errno == ENOENT)
        return skt_cli_failure("%s: it is in the program " PROGRAM
                               ", which is neither beside skcptun nor in %s",
                               argv[1], SKT_LIBEXECDIR);
    return skt_cli_failure("%s: " PROGRAM ": %s", argv[1], strerror(errno));
}

void skt_tools_show_help(const char *name)
{
    char self[4096], copy[64];
    snprintf(copy, sizeof copy, "%s", name);
    char *argv[] = {NULL, copy, "--help", NULL};
    fflush(stdout);
    if (skt_cli_self_path(self, sizeof self) == 0)
        run_beside(self, argv);
    puts("The options are told by " PROGRAM ", which is not installed here, and by skcptun(1).");
}

void skt_tools_set_program(const char *path)
{
    program = path;
}

const char *skt_tools_program(void)
{
    return program;
}
