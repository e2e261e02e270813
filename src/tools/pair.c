/* SPDX-License-Identifier: MIT */
#include "tools/pair.h"

#include "base/err.h"
#include "base/wipe.h"
#include "cli/cli.h"
#include "tools/lua_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct secrets {
    char key[SKT_KEY_TEXT_LEN + 1];
    char private_key[SKT_KEY_TEXT_LEN + 1];
    char server_key[SKT_KEY_TEXT_LEN + 1];
    char ticket[SKT_TICKET_LEN + 1];
};

int skt_ticket_make(const struct skt_crypto *crypto, char ticket[SKT_TICKET_LEN + 1])
{
    uint8_t bytes[SKT_TICKET_LEN / 2];
    if (crypto->random(bytes, sizeof bytes) < 0)
        return SKT_ERR_CRYPTO;
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(ticket + 2 * i, 3, "%02x", bytes[i]);
    skt_wipe(bytes, sizeof bytes);
    return SKT_OK;
}

static int make_secrets(const struct skt_crypto *crypto, struct secrets *s)
{
    uint8_t key[SKT_KEY_LEN], priv[SKT_KEY_LEN], pub[SKT_KEY_LEN];
    int err = crypto->random(key, sizeof key) < 0 ? SKT_ERR_CRYPTO : skt_ticket_make(crypto, s->ticket);
    if (err == SKT_OK)
        err = skt_crypto_keypair(crypto, priv, pub);
    if (err == SKT_OK) {
        skt_crypto_key_to_text(key, s->key);
        skt_crypto_key_to_text(priv, s->private_key);
        skt_crypto_key_to_text(pub, s->server_key);
    }
    skt_wipe(key, sizeof key);
    skt_wipe(priv, sizeof priv);
    return err;
}

/* Of an entry's table and of the mode's. */
static const char inner[] = "                ", outer[] = "        ";

/* A line of a table; comment: what stands behind it, NULL for nothing. */
static void write_text(FILE *f, const char *indent, const char *field, const char *text, const char *comment)
{
    skt_lua_text(f, indent, field, text);
    fprintf(f, comment ? " -- %s\n" : "\n", comment);
}

static void write_port(FILE *f, const char *indent, const char *field, const char *port, const char *comment)
{
    skt_lua_port(f, indent, field, port);
    fprintf(f, comment ? " -- %s\n" : "\n", comment);
}

static void begin(FILE *f, const char *mode)
{
    fprintf(f, "config = {\n    mode = \"%s\",\n    %s = {\n", mode, mode);
}

static void end(FILE *f)
{
    fputs("            },\n        },\n    },\n}\n", f);
}

static void write_server(FILE *f, const struct skt_pair *p, const struct secrets *s)
{
    fputs("-- The server's end, as `skcptun keygen --pair` made it. There are secrets in it: mode 600.\n"
          "-- skcptun_config_sample.lua has all the other fields.\n",
          f);
    begin(f, p->tun ? "tun_server" : "proxy_server");
    if (p->tun) {
        write_text(f, outer, "tun_ip", SKT_LUA_TUN_SERVER, NULL);
        write_text(f, outer, "tun_mask", SKT_LUA_TUN_MASK, NULL);
        fputs("        -- nat = true, -- lets clients out into the internet, under this machine's address\n",
              f);
    } else {
        fputs("        -- where connections go to\n", f);
        write_text(f, outer, "tcp_target_addr", p->target.host, NULL);
        write_port(f, outer, "tcp_target_port", p->target.port, NULL);
    }
    fprintf(f,
            "        tickets = { -- who gets in: one line for each client\n"
            "            [\"%s\"] = { name = \"first\"%s },\n        },\n"
            "        skcp_servers = {\n            {\n",
            s->ticket, p->tun ? ", tun_ip = \"" SKT_LUA_TUN_CLIENT "\"" : "");
    write_text(f, inner, "address", "*", "every address of this machine");
    write_port(f, inner, "port", p->server.port, "UDP: let it through the firewall");
    write_text(f, inner, "key", s->key, NULL);
    write_text(f, inner, "private_key", s->private_key, "never leaves this machine");
    end(f);
}

static void write_client(FILE *f, const struct skt_pair *p, const struct secrets *s)
{
    fputs("-- A client's end, as `skcptun keygen --pair` made it. There are secrets in it: mode 600. For a\n"
          "-- second client make another ticket (`skcptun keygen --ticket`) and name it in the server's "
          "file.\n",
          f);
    begin(f, p->tun ? "tun_client" : "proxy_client");
    if (p->tun) {
        write_text(f, outer, "tun_ip", SKT_LUA_TUN_CLIENT, NULL);
        write_text(f, outer, "tun_mask", SKT_LUA_TUN_MASK, NULL);
        fputs("        -- routes = { \"0.0.0.0/0\" }, -- what goes through the tunnel; the server needs nat "
              "then\n",
              f);
    } else {
        fputs("        -- where programs connect to\n", f);
        write_text(f, outer, "tcp_listen_addr", p->listen.host, NULL);
        write_port(f, outer, "tcp_listen_port", p->listen.port, NULL);
    }
    fputs("        skcp_remote_servers = {\n            {\n", f);
    write_text(f, inner, "address", p->server.host, NULL);
    write_port(f, inner, "port", p->server.port, NULL);
    write_text(f, inner, "key", s->key, NULL);
    write_text(f, inner, "server_key", s->server_key, "nobody else can pose as the server");
    write_text(f, inner, "ticket", s->ticket, NULL);
    end(f);
}

/* Creates folder/name; an exit status. */
static int write_file(const struct skt_pair *p, const struct secrets *s, const char *name,
                      void (*write)(FILE *f, const struct skt_pair *p, const struct secrets *s))
{
    char path[4096];
    int len = snprintf(path, sizeof path, "%s/%s", p->folder, name);
    if (len < 0 || (size_t)len >= sizeof path)
        return skt_cli_failure("keygen: the folder's name is too long");
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!f) {
        int error = errno;
        if (fd >= 0) {
            close(fd);
            unlink(path);
        }
        return skt_cli_failure("keygen: %s: %s%s", path, strerror(error),
                               error == EEXIST ? ": it stays as it is; name another folder with --folder"
                                               : "");
    }
    write(f, p, s);
    bool failed = ferror(f);
    if (fclose(f) != 0 || failed) {
        int error = errno;
        unlink(path);
        return skt_cli_failure("keygen: %s: %s", path, strerror(error));
    }
    return SKT_EXIT_OK;
}

static int write_both(const struct skt_pair *p, const struct secrets *s)
{
    char path[4096];
    int status = write_file(p, s, "server.lua", write_server);
    if (status != SKT_EXIT_OK)
        return status;
    status = write_file(p, s, "client.lua", write_client);
    if (status != SKT_EXIT_OK && snprintf(path, sizeof path, "%s/server.lua", p->folder) > 0)
        unlink(path); /* half a pair is of no use, and would be in the way of the next try */
    return status;
}

int skt_pair_write(const struct skt_crypto *crypto, const struct skt_pair *pair)
{
    struct secrets s;
    int status = make_secrets(crypto, &s) < 0 ? skt_cli_failure("keygen: the system gives no random numbers")
                                              : write_both(pair, &s);
    skt_wipe(&s, sizeof s);
    if (status == SKT_EXIT_OK)
        printf("%s/server.lua: for the server; its port %s must be open for UDP. There: skcptun server.lua\n"
               "%s/client.lua: for the client; take it there by a way that nobody reads, scp say. There: "
               "skcptun "
               "client.lua\n",
               pair->folder, pair->server.port, pair->folder);
    return status;
}
