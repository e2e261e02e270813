/* SPDX-License-Identifier: MIT */
#include "base/wipe.h"
#include "cli/cli.h"
#include "crypto/crypto.h"
#include "tools/pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "\n"
    "Prints new random keys as lines to paste into the configurations:\n"
    "\n"
    "  key          the secret that both ends share, in place of a password\n"
    "  private_key  the server's own secret, for its entry only\n"
    "  server_key   the public half of it, for the clients' entries: it pins the\n"
    "               server, so that others who know the key can't pose as it\n"
    "\n"
    "Options:\n"
    "  --key              the shared key alone, bare (for a key file, or a script)\n"
    "  --server           the server's pair alone\n"
    "  --ticket           a ticket alone, bare: what a server knows one client by\n"
    "  --pair HOST:PORT   both ends' configurations with all of that in them, written to\n"
    "                     server.lua and client.lua: HOST:PORT is the server as the client\n"
    "                     reaches it, the port may be a range, 4000-4010\n"
    "  --help             this text\n"
    "\n"
    "With --pair:\n"
    "  --target HOST:PORT      TCP mode: where the server connects to\n"
    "  --listen [ADDR:]PORT    TCP mode: where the client listens (default 127.0.0.1:1080)\n"
    "  --tun                   TUN mode instead, with addresses of 10.86.0.0/24\n"
    "  --folder FOLDER         where the files go (default: here); none is overwritten\n";

static int print_key(const struct skt_crypto *crypto, bool bare)
{
    uint8_t key[SKT_KEY_LEN];
    char text[SKT_KEY_TEXT_LEN + 1];
    if (crypto->random(key, sizeof key) < 0)
        return skt_cli_failure("keygen: the system gives no random numbers");
    skt_crypto_key_to_text(key, text);
    if (bare)
        printf("%s\n", text);
    else
        printf("-- both ends, in place of password (secret):\nkey = \"%s\",\n", text);
    skt_wipe(key, sizeof key);
    skt_wipe(text, sizeof text);
    return SKT_EXIT_OK;
}

static int print_pair(const struct skt_crypto *crypto)
{
    uint8_t priv[SKT_KEY_LEN], pub[SKT_KEY_LEN];
    char text[SKT_KEY_TEXT_LEN + 1];
    if (skt_crypto_keypair(crypto, priv, pub) < 0)
        return skt_cli_failure("keygen: making a key pair failed");
    skt_crypto_key_to_text(priv, text);
    printf("-- the server's entry only (secret):\nprivate_key = \"%s\",\n", text);
    skt_crypto_key_to_text(pub, text);
    printf("-- the clients' entries (public, pins the server):\nserver_key = \"%s\",\n", text);
    skt_wipe(priv, sizeof priv);
    skt_wipe(text, sizeof text);
    return SKT_EXIT_OK;
}

static int print_ticket(const struct skt_crypto *crypto)
{
    char ticket[SKT_TICKET_LEN + 1];
    if (skt_ticket_make(crypto, ticket) < 0)
        return skt_cli_failure("keygen: the system gives no random numbers");
    puts(ticket);
    skt_wipe(ticket, sizeof ticket);
    return SKT_EXIT_OK;
}

/* What was asked for. */
struct wanted {
    bool key, server, ticket, tun;
    const char *pair, *target, *listen, *folder;
};

/* Ports from 1 to 65535, a range from its lower end. */
static bool is_sound_port(const char *text, bool may_be_range)
{
    char *end;
    long low = strtol(text, &end, 10), high = low;
    if (*end == '-' && may_be_range)
        high = strtol(end + 1, &end, 10);
    return !*end && low >= 1 && low <= high && high <= 65535;
}

/* A name or an address: it is written into a file between quotes. */
static bool is_sound_host(const char *host)
{
    return strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:") == strlen(host);
}

static int read_place(const struct skt_command *self, const char *flag, const char *text,
                      const char *default_host, const char *every, struct skt_place *out)
{
    if (!skt_place_read(text, default_host, every, out) || !is_sound_host(out->host) ||
        !is_sound_port(out->port, strcmp(flag, "pair") == 0))
        return skt_cli_usage_error(self, "--%s: expected %s, got \"%s\"", flag,
                                   default_host ? "[ADDR:]PORT" : "HOST:PORT", text);
    return SKT_EXIT_OK;
}

static int write_pair(const struct skt_command *self, const struct skt_crypto *crypto, const struct wanted *w)
{
    struct skt_pair pair = {.tun = w->tun, .folder = w->folder ? w->folder : "."};
    if (w->tun && (w->target || w->listen))
        return skt_cli_usage_error(self, "--tun has no --target and no --listen");
    if (!w->tun && !w->target)
        return skt_cli_usage_error(self, "--target HOST:PORT is needed, or --tun");
    int status = read_place(self, "pair", w->pair, NULL, NULL, &pair.server);
    if (status == SKT_EXIT_OK && !w->tun)
        status = read_place(self, "target", w->target, NULL, "127.0.0.1", &pair.target);
    if (status == SKT_EXIT_OK && !w->tun)
        status =
            read_place(self, "listen", w->listen ? w->listen : "1080", "127.0.0.1", "0.0.0.0", &pair.listen);
    return status == SKT_EXIT_OK ? skt_pair_write(crypto, &pair) : status;
}

static int make(const struct skt_command *self, const struct skt_crypto *crypto, const struct wanted *w)
{
    if (w->pair)
        return write_pair(self, crypto, w);
    if (w->ticket)
        return print_ticket(crypto);
    int status = w->server ? SKT_EXIT_OK : print_key(crypto, w->key);
    return status == SKT_EXIT_OK && !w->key ? print_pair(crypto) : status;
}

static int run(const struct skt_command *self, int argc, char **argv)
{
    struct wanted w = {0};
    const struct skt_option options[] = {
        {"key", SKT_OPTION_FLAG, &w.key, 0, 0},
        {"server", SKT_OPTION_FLAG, &w.server, 0, 0},
        {"ticket", SKT_OPTION_FLAG, &w.ticket, 0, 0},
        {"pair", SKT_OPTION_TEXT, &w.pair, 0, 0},
        {"target", SKT_OPTION_TEXT, &w.target, 0, 0},
        {"listen", SKT_OPTION_TEXT, &w.listen, 0, 0},
        {"folder", SKT_OPTION_TEXT, &w.folder, 0, 0},
        {"tun", SKT_OPTION_FLAG, &w.tun, 0, 0},
        {0},
    };
    int status;
    if (skt_cli_parse(self, options, argc, argv, 0, &status) < 0)
        return status;
    if (w.key + w.server + w.ticket + (w.pair != NULL) > 1)
        return skt_cli_usage_error(self, "--key, --server, --ticket and --pair exclude each other");
    if (!w.pair && (w.target || w.listen || w.folder || w.tun))
        return skt_cli_usage_error(self, "--target, --listen, --folder and --tun go with --pair");
    const struct skt_crypto *crypto = skt_crypto_openssl();
    if (!crypto)
        return skt_cli_failure("keygen: the OpenSSL library here lacks an algorithm that is needed");
    status = make(self, crypto, &w);
    if (status == SKT_EXIT_OK && fflush(stdout) != 0)
        status = skt_cli_failure("keygen: writing failed");
    skt_crypto_cleanup();
    return status;
}

const struct skt_command skt_cmd_keygen = {
    .name = "keygen",
    .arguments = "[--key|--server|--ticket|--pair HOST:PORT ...]",
    .help = help,
    .run = run,
};
