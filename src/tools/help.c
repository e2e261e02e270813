/* SPDX-License-Identifier: MIT */
#include "tools/help.h"

#include <string.h>

static const char status_help[] =
    "\n"
    "Shows what a running instance is doing: that of CONFIG (a file, or for `skcptun client`\n"
    "and `server` the name), or the only one there is. It answers to its own user and to root.\n"
    "\n"
    "Options:\n"
    "  --kick CID  end this session; only the instance's user and root may. Its client comes\n"
    "              back unless its ticket or key is taken away\n"
    "  --debug  also each stream of each session: numbers, windows, queues, what holds it\n"
    "           (doc/trace.md); with --json at most 4096 streams, else 40 of a session\n"
    "  --json   the raw numbers, one JSON document\n"
    "  --watch  again every second, until Ctrl-C: Mbit/s of that second, the busiest first\n"
    "  --help   this text\n";

static const char check_help[] =
    "\n"
    "Reads a configuration and says whether it is right; starts nothing. Each mistake is\n"
    "a line on stderr that names the file, the field, what was found, what is expected,\n"
    "and the line; the exit status is 2 then. Warnings go to stderr too.\n"
    "\n"
    "Options:\n"
    "  --help  this text\n";

const char *skt_help_of(const char *name)
{
    static const struct {
        const char *name, *text;
    } helps[] = {{"check", check_help}, {"status", status_help}};
    for (size_t i = 0; i < sizeof helps / sizeof *helps; i++)
        if (strcmp(helps[i].name, name) == 0)
            return helps[i].text;
    return NULL;
}
