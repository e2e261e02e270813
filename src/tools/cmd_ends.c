/* SPDX-License-Identifier: MIT */
/* `skcptun client` and `skcptun server`: one end of a tunnel from flags, without a file. The flags become the
 * text of a configuration, so that there is one way in which anything is run. */
#include "base/wipe.h"
#include "cli/cli.h"
#include "cli/run_text.h"
#include "tools/lua_text.h"
#include "tools/place.h"
#include "tools/secret.h"

#include <stdio.h>
#include <stdlib.h>
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

/* A flag that names a place, and the fields that it becomes. */
struct place_flag {
    const char *flag;
    const char *default_host; /* of a port alone; NULL: the host has to be given */
    const char *every_host;   /* what ":PORT" stands for; NULL: it has no meaning here */
    const char *host_field, *port_field;
};

/* Where the two commands differ. */
struct end {
    const char *mode, *entries;
    struct place_flag entry; /* in UDP: the fields of an entry */
    struct place_flag tcp;   /* the fields of the mode */
    const char *secret_flag, *secret_field, *secret_variable;
    const char *server_key_flag; /* NULL: none */
    const char *ticket;          /* where no secret of its own is given; NULL: none */
};

static const struct end client_end = {
    .mode = "proxy_client",
    .entries = "skcp_remote_servers",
    .entry = {"server", NULL, NULL, "address", "port"},
    .tcp = {"listen", "127.0.0.1", "0.0.0.0", "tcp_listen_addr", "tcp_listen_port"},
    .secret_flag = "ticket-file",
    .secret_field = "ticket",
    .secret_variable = "SKCPTUN_TICKET",
    .server_key_flag = "server-key",
    .ticket = SKT_LUA_ANY_TICKET,
};

static const struct end server_end = {
    .mode = "proxy_server",
    .entries = "skcp_servers",
    .entry = {"listen", "0.0.0.0", "*", "address", "port"},
    .tcp = {"target", NULL, "127.0.0.1", "tcp_target_addr", "tcp_target_port"},
    .secret_flag = "private-key-file",
    .secret_field = "private_key",
    .secret_variable = "SKCPTUN_PRIVATE_KEY",
};

/* What was given on the command line; NULL: not. */
struct given {
    const char *entry, *tcp, *name, *server_key;
    const char *key_file, *password_file, *secret_file;
};

struct text {
    char buf[SKT_RUN_TEXT_MAX];
    size_t len;
    bool cut; /* something found no room */
};

static void add(struct text *t, const char *text)
{
    size_t len = strlen(text);
    if (len >= sizeof t->buf - t->len) {
        t->cut = true;
        return;
    }
    memcpy(t->buf + t->len, text, len + 1);
    t->len += len;
}

/* name = "value", with every byte as a decimal escape: nothing in it can end the string. */
static void add_string(struct text *t, const char *name, const char *value)
{
    char escape[8];
    add(t, name);
    add(t, " = \"");
    for (; *value; value++) {
        snprintf(escape, sizeof escape, "\\%03d", (unsigned char)*value);
        add(t, escape);
    }
    add(t, "\", ");
}

static int need_place(const struct skt_command *self, const struct place_flag *f, const char *value,
                      struct skt_place *out)
{
    const char *form = f->default_host ? "[ADDR:]PORT" : "HOST:PORT";
    if (!value)
        return skt_cli_usage_error(self, "--%s %s is needed", f->flag, form);
    if (!skt_place_read(value, f->default_host, f->every_host, out))
        return skt_cli_usage_error(self, "--%s: expected %s, got \"%s\"", f->flag, form, value);
    return SKT_EXIT_OK;
}

static void add_place(struct text *t, const struct place_flag *f, const struct skt_place *place)
{
    add_string(t, f->host_field, place->host);
    if (strchr(place->port, '-')) {
        add_string(t, f->port_field, place->port);
        return;
    }
    char line[64];
    snprintf(line, sizeof line, "%s = %ld, ", f->port_field, strtol(place->port, NULL, 10));
    add(t, line);
}

/* Adds a secret from where it was given; SKT_EXIT_OK with *found false where it was not. */
static int add_secret(struct text *t, const char *field, const char *file, const char *variable, bool *found)
{
    char secret[SKT_SECRET_MAX];
    int status = skt_secret_read(file, variable, secret, found);
    if (status == SKT_EXIT_OK && *found)
        add_string(t, field, secret);
    skt_wipe(secret, sizeof secret);
    return status;
}

static int add_shared_secret(const struct skt_command *self, struct text *t, const struct given *f)
{
    bool key = false, password = false;
    int status = add_secret(t, "key", f->key_file, f->password_file ? NULL : "SKCPTUN_KEY", &key);
    if (status == SKT_EXIT_OK)
        status = add_secret(t, "password", f->password_file, key ? NULL : "SKCPTUN_PASSWORD", &password);
    if (status == SKT_EXIT_OK && key && password)
        return skt_cli_usage_error(self, "a key and a password exclude each other");
    if (status == SKT_EXIT_OK && !key && !password)
        return skt_cli_usage_error(self,
                                   "no secret: --key-file, --password-file, SKCPTUN_KEY or SKCPTUN_PASSWORD");
    return status;
}

static int add_secrets(const struct skt_command *self, struct text *t, const struct end *end,
                       const struct given *f)
{
    bool found = false;
    int status = add_shared_secret(self, t, f);
    if (status == SKT_EXIT_OK)
        status = add_secret(t, end->secret_field, f->secret_file, end->secret_variable, &found);
    if (status == SKT_EXIT_OK && !found && end->ticket)
        add_string(t, end->secret_field, end->ticket);
    return status;
}

/* The configuration that the flags stand for. */
static int write_config(const struct skt_command *self, struct text *t, const struct end *end,
                        const struct given *f, const struct skt_place *entry, const struct skt_place *tcp)
{
    add(t, "config = { ");
    add_string(t, "mode", end->mode);
    add(t, end->mode);
    add(t, " = { ");
    add_place(t, &end->tcp, tcp);
    add(t, end->entries);
    add(t, " = { { ");
    add_place(t, &end->entry, entry);
    int status = add_secrets(self, t, end, f);
    if (f->server_key)
        add_string(t, "server_key", f->server_key);
    add(t, "} } } }\n");
    if (status == SKT_EXIT_OK && t->cut)
        return skt_cli_usage_error(self, "the values are too long");
    return status;
}

static bool is_name(const char *name)
{
    return !name || (*name && strlen(name) < 48 && !strchr(name, '/') && name[0] != '.');
}

static int run_end(const struct skt_command *self, const struct end *end, int argc, char **argv)
{
    struct given f = {0};
    const struct skt_option options[] = {
        {end->entry.flag, SKT_OPTION_TEXT, &f.entry, 0, 0},
        {end->tcp.flag, SKT_OPTION_TEXT, &f.tcp, 0, 0},
        {"key-file", SKT_OPTION_TEXT, &f.key_file, 0, 0},
        {"password-file", SKT_OPTION_TEXT, &f.password_file, 0, 0},
        {end->secret_flag, SKT_OPTION_TEXT, &f.secret_file, 0, 0},
        {"name", SKT_OPTION_TEXT, &f.name, 0, 0},
        {end->server_key_flag, SKT_OPTION_TEXT, &f.server_key, 0, 0}, /* the last: its name may be NULL */
        {0},
    };
    int status;
    if (skt_cli_parse(self, options, argc, argv, 0, &status) < 0)
        return status;
    if (!is_name(f.name))
        return skt_cli_usage_error(self, "--name: expected a file's name, got \"%s\"", f.name);
    struct skt_place entry, tcp;
    if ((status = need_place(self, &end->entry, f.entry, &entry)) != SKT_EXIT_OK ||
        (status = need_place(self, &end->tcp, f.tcp, &tcp)) != SKT_EXIT_OK)
        return status;
    char default_name[64];
    snprintf(default_name, sizeof default_name, "%s-%s", self->name,
             end->tcp.default_host ? tcp.port : entry.port); /* of the place where it listens */
    static struct text t;
    status = write_config(self, &t, end, &f, &entry, &tcp);
    if (status == SKT_EXIT_OK)
        status = skt_run_text_exec(f.name ? f.name : default_name, t.buf, t.len);
    skt_wipe(&t, sizeof t);
    return status;
}

static int run_client(const struct skt_command *self, int argc, char **argv)
{
    return run_end(self, &client_end, argc, argv);
}

static int run_server(const struct skt_command *self, int argc, char **argv)
{
    return run_end(self, &server_end, argc, argv);
}

const struct skt_command skt_cmd_client = {
    .name = "client",
    .arguments = "--server HOST:PORT --listen [ADDR:]PORT [...]",
    .help = client_help,
    .run = run_client,
};

const struct skt_command skt_cmd_server = {
    .name = "server",
    .arguments = "--listen [ADDR:]PORT --target HOST:PORT [...]",
    .help = server_help,
    .run = run_server,
};
