/* SPDX-License-Identifier: MIT */
#include "tools/help.h"

#include <string.h>

#define SECRET_HELP                                                                                          \
    "The secret that both ends share comes from a file, or from the environment, never from\n"               \
    "the command line, which others can read:\n"                                                             \
    "  --key-file FILE       a key in base64 (skcptun keygen --key); or SKCPTUN_KEY\n"                       \
    "  --password-file FILE  a password; or SKCPTUN_PASSWORD\n"

static const char client_help[] =
    "\n"
    "Listens for TCP connections and carries each through the tunnel to the server, which\n"
    "connects it to its target. For more than that write a configuration.\n"
    "\n"
    "  --server HOST:PORT    the server; the port may be a range, 4000-4010\n"
    "  --listen [ADDR:]PORT  where to listen (default address 127.0.0.1; \":PORT\" is every one)\n"
    "\n" SECRET_HELP "\n"
    "Options:\n"
    "  --server-key KEY      the server's public key, which pins the server\n"
    "  --ticket-file FILE    the ticket of 32 characters, where the server has a list of them;\n"
    "                        or SKCPTUN_TICKET\n"
    "  --name NAME           names the status socket (default client-PORT)\n"
    "  --help                this text\n";

static const char server_help[] =
    "\n"
    "Listens for the clients' UDP packets and connects what they carry to one target. For\n"
    "more than that write a configuration.\n"
    "\n"
    "  --listen [ADDR:]PORT  where to listen (default address 0.0.0.0; \":PORT\" is every one,\n"
    "                        IPv6 too); the port may be a range, 4000-4010\n"
    "  --target HOST:PORT    the TCP service that connections go to\n"
    "\n" SECRET_HELP "\n"
    "Options:\n"
    "  --private-key-file FILE\n"
    "                        the private key that belongs to the clients' --server-key;\n"
    "                        or SKCPTUN_PRIVATE_KEY\n"
    "  --name NAME           names the status socket (default server-PORT)\n"
    "  --help                this text\n";

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
    } helps[] = {
        {"check", check_help}, {"client", client_help}, {"server", server_help}, {"status", status_help}};
    for (size_t i = 0; i < sizeof helps / sizeof *helps; i++)
        if (strcmp(helps[i].name, name) == 0)
            return helps[i].text;
    return NULL;
}
