/* SPDX-License-Identifier: MIT */
/* `skcptun uri`: what a client needs, as one line or a QR code. */
#include "base/err.h"
#include "base/wipe.h"
#include "cli/cli.h"
#include "config/config.h"
#include "crypto/crypto.h"
#include "tools/qr.h"
#include "tools/uri.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "\n"
    "Prints what a client needs as a URI, skcptun://..., to hand on by a message or as a QR\n"
    "code: of a client's configuration one for each server, of a server's one for each ticket.\n"
    "The secrets are in it. `skcptun import FILE` makes a configuration of one.\n"
    "\n"
    "Options:\n"
    "  --host HOST    of a server's configuration: the name or address by which clients reach it\n"
    "  --ticket NAME  of a server's configuration: only that ticket, by the name in `tickets`\n"
    "  --qr           a QR code, too, where the program was built with libqrencode\n"
    "  --help         this text\n";

struct wanted {
    const char *host, *ticket;
    bool qr;
    size_t count; /* printed so far */
};

static void set_text(char *to, size_t cap, const char *text)
{
    snprintf(to, cap, "%s", text ? text : "");
}

static void set_key(char to[48], const struct skt_config_key *key)
{
    if (key->set)
        skt_crypto_key_to_text(key->bytes, to);
}

static void set_ticket(struct skt_uri *uri, const uint8_t ticket[SKT_TICKET_LEN])
{
    memcpy(uri->ticket, ticket, SKT_TICKET_LEN);
}

static void set_entry(struct skt_uri *uri, const struct skt_config_entry *e, const char *host)
{
    set_text(uri->host, sizeof uri->host, host);
    if (e->port.lo == e->port.hi)
        snprintf(uri->port, sizeof uri->port, "%u", e->port.lo);
    else
        snprintf(uri->port, sizeof uri->port, "%u-%u", e->port.lo, e->port.hi);
    set_text(uri->password, sizeof uri->password, e->password);
    set_key(uri->key, &e->key);
    if (e->tuning.speed == SKT_SPEED_NORMAL) /* turbo is the default */
        set_text(uri->speed, sizeof uri->speed, "0");
}

static int print(const struct skt_command *self, struct wanted *w, const struct skt_uri *uri)
{
    char text[SKT_URI_MAX];
    if (memchr(uri->ticket, 0, SKT_TICKET_LEN) && *uri->ticket)
        return skt_cli_failure("uri: a ticket with a zero byte in it has no place in a URI");
    if (!skt_uri_write(uri, text, sizeof text))
        return skt_cli_failure("uri: longer than %d bytes", SKT_URI_MAX);
    (void)self;
    puts(text);
    if (w->qr && !skt_qr_print(stdout, text))
        return skt_cli_failure("uri: too long for a QR code");
    skt_wipe(text, sizeof text);
    w->count++;
    return SKT_EXIT_OK;
}

static int print_remote(const struct skt_command *self, const struct skt_config *conf,
                        const struct skt_config_entry *e, struct wanted *w)
{
    const struct skt_config_mode_table *t = &conf->table;
    struct skt_uri uri = {.tun = conf->mode == SKT_CONFIG_TUN_CLIENT};
    set_entry(&uri, e, e->address);
    set_key(uri.server_key, &e->server_key);
    if (e->ticket.set)
        set_ticket(&uri, e->ticket.bytes);
    if (t->listener_count) {
        set_text(uri.listen_host, sizeof uri.listen_host, t->listeners[0].addr);
        snprintf(uri.listen_port, sizeof uri.listen_port, "%d", (int)t->listeners[0].port);
        set_text(uri.target, sizeof uri.target, t->listeners[0].target);
    }
    set_text(uri.tun_ip, sizeof uri.tun_ip, t->tun_ip);
    set_text(uri.tun_mask, sizeof uri.tun_mask, t->tun_mask);
    int status = print(self, w, &uri);
    skt_wipe(&uri, sizeof uri);
    return status;
}

/* One of a server's: with a ticket, or NULL where any will do. */
static int print_served(const struct skt_command *self, const struct skt_config *conf,
                        const struct skt_config_entry *e, const struct skt_config_ticket *ticket,
                        struct wanted *w)
{
    struct skt_uri uri = {.tun = conf->mode == SKT_CONFIG_TUN_SERVER};
    struct skt_config_key pub = {.set = e->private_key.set};
    set_entry(&uri, e, w->host);
    if (pub.set && skt_crypto_openssl()->x25519_public(pub.bytes, e->private_key.bytes) < 0)
        return skt_cli_failure("uri: the server's public key can't be computed");
    set_key(uri.server_key, &pub);
    if (ticket) {
        set_ticket(&uri, ticket->ticket);
        set_text(uri.name, sizeof uri.name, ticket->name);
        set_text(uri.tun_ip, sizeof uri.tun_ip, ticket->tun_ip);
        if (ticket->has_targets && ticket->targets.count)
            set_text(uri.target, sizeof uri.target, ticket->targets.items[0]);
    }
    if (uri.tun)
        set_text(uri.tun_mask, sizeof uri.tun_mask, conf->table.tun_mask);
    int status = print(self, w, &uri);
    skt_wipe(&uri, sizeof uri);
    return status;
}

static int print_server(const struct skt_command *self, const struct skt_config *conf,
                        const struct skt_config_entry *e, struct wanted *w)
{
    const struct skt_config_mode_table *t = &conf->table;
    if (!w->host)
        return skt_cli_usage_error(self,
                                   "--host HOST is needed: the name by which clients reach this server");
    if (!t->has_tickets && !w->ticket)
        return print_served(self, conf, e, NULL, w);
    int status = SKT_EXIT_OK;
    for (size_t i = 0; i < t->ticket_count && status == SKT_EXIT_OK; i++) {
        const char *name = t->tickets[i].name ? t->tickets[i].name : "";
        if (!w->ticket || strcmp(w->ticket, name) == 0)
            status = print_served(self, conf, e, &t->tickets[i], w);
    }
    return status;
}

static int print_all(const struct skt_command *self, const struct skt_config *conf, struct wanted *w)
{
    int status = SKT_EXIT_OK;
    if (conf->mode == SKT_CONFIG_CUSTOM)
        return skt_cli_failure("uri: %s: a mode of one's own: what its clients need is not known",
                               conf->path);
    for (size_t i = 0; i < conf->table.entry_count && status == SKT_EXIT_OK; i++) {
        const struct skt_config_entry *e = &conf->table.entries[i];
        status = e->server ? print_server(self, conf, e, w) : print_remote(self, conf, e, w);
    }
    if (status == SKT_EXIT_OK && w->count == 0)
        return skt_cli_failure("uri: %s: no %s", conf->path, w->ticket ? "ticket of that name" : "ticket");
    return status;
}

static int run(const struct skt_command *self, int argc, char **argv)
{
    struct wanted w = {0};
    const struct skt_option options[] = {
        {"host", SKT_OPTION_TEXT, &w.host, 0, 0},
        {"ticket", SKT_OPTION_TEXT, &w.ticket, 0, 0},
        {"qr", SKT_OPTION_FLAG, &w.qr, 0, 0},
        {0},
    };
    int status;
    int count = skt_cli_parse(self, options, argc, argv, 1, &status);
    if (count < 0)
        return status;
    if (count == 0)
        return skt_cli_usage_error(self, "a configuration is needed");
    if (w.qr && !skt_qr_is_there())
        return skt_cli_failure("uri: --qr: this program was built without libqrencode");
    if (!skt_crypto_openssl())
        return skt_cli_failure("uri: the OpenSSL library here lacks an algorithm that is needed");
    struct skt_config *conf;
    char why[SKT_CONFIG_ERROR_MAX] = "";
    int err = skt_config_load(&conf, argv[1], why, sizeof why);
    if (err < 0) {
        fprintf(stderr, "%s\n", err == SKT_ERR_ARG ? why : skt_err_str(err));
        return err == SKT_ERR_ARG ? SKT_EXIT_USAGE : SKT_EXIT_FAILURE;
    }
    status = print_all(self, conf, &w);
    if (status == SKT_EXIT_OK && isatty(STDOUT_FILENO))
        fputs("Whoever sees this gets in: it has the secrets in it.\n", stderr);
    if (fflush(stdout) != 0)
        status = skt_cli_failure("uri: writing failed");
    skt_config_free(conf);
    skt_crypto_cleanup();
    return status;
}

const struct skt_command skt_cmd_uri = {
    .name = "uri",
    .arguments = "CONFIG [--host HOST] [--ticket NAME] [--qr]",
    .help = help,
    .run = run,
};
