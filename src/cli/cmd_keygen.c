/* SPDX-License-Identifier: MIT */
#include "base/wipe.h"
#include "cli/cli.h"
#include "crypto/crypto.h"

#include <stdio.h>

static const char help[] = "\n"
                           "Prints new random keys as lines to paste into the configurations:\n"
                           "\n"
                           "  key          the secret that both ends share, in place of a password\n"
                           "  private_key  the server's own secret, for its entry only\n"
                           "  server_key   the public half of it, for the clients' entries: it pins the\n"
                           "               server, so that others who know the key can't pose as it\n"
                           "\n"
                           "Options:\n"
                           "  --key     the shared key alone, bare (for a key file, or a script)\n"
                           "  --server  the server's pair alone\n"
                           "  --help    this text\n";

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

static int run(const struct skt_command *self, int argc, char **argv)
{
    bool only_key = false, only_pair = false;
    const struct skt_option options[] = {
        {"key", SKT_OPTION_FLAG, &only_key, 0, 0},
        {"server", SKT_OPTION_FLAG, &only_pair, 0, 0},
        {0},
    };
    int status;
    if (skt_cli_parse(self, options, argc, argv, 0, &status) < 0)
        return status;
    if (only_key && only_pair)
        return skt_cli_usage_error(self, "--key and --server exclude each other");
    const struct skt_crypto *crypto = skt_crypto_openssl();
    if (!crypto)
        return skt_cli_failure("keygen: the OpenSSL library here lacks an algorithm that is needed");
    status = SKT_EXIT_OK;
    if (!only_pair)
        status = print_key(crypto, only_key);
    if (status == SKT_EXIT_OK && !only_key)
        status = print_pair(crypto);
    if (status == SKT_EXIT_OK && fflush(stdout) != 0)
        status = skt_cli_failure("keygen: writing failed");
    skt_crypto_cleanup();
    return status;
}

const struct skt_command skt_cmd_keygen = {
    .name = "keygen",
    .arguments = "[--key|--server]",
    .summary = "print new random keys",
    .help = help,
    .run = run,
};
