/* SPDX-License-Identifier: MIT */
#include "demo/config.h"

#include "base/err.h"
#include "base/wipe.h"
#include "crypto/crypto.h"
#include "proto/wire.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* TMPDIR where that leaves room for a socket's path (104 bytes on macOS, whose TMPDIR is long), else /tmp. */
int skt_demo_folder_make(struct skt_demo_folder *f)
{
    static const char name[] = "skcptun-demo-XXXXXX";
    const char *base = getenv("TMPDIR");
    if (!base || base[0] != '/' || strlen(base) + sizeof name >= sizeof f->path)
        base = "/tmp";
    snprintf(f->path, sizeof f->path, "%s/%s", base, name);
    if (!mkdtemp(f->path))
        return SKT_ERR_IO;
    snprintf(f->server_config, sizeof f->server_config, "%s/server.lua", f->path);
    snprintf(f->server_log, sizeof f->server_log, "%s/server.log", f->path);
    snprintf(f->server_socket, sizeof f->server_socket, "%s/server.sock", f->path);
    snprintf(f->client_config, sizeof f->client_config, "%s/client.lua", f->path);
    snprintf(f->client_log, sizeof f->client_log, "%s/client.log", f->path);
    snprintf(f->client_socket, sizeof f->client_socket, "%s/client.sock", f->path);
    return SKT_OK;
}

void skt_demo_folder_remove(const struct skt_demo_folder *f)
{
    DIR *dir = opendir(f->path);
    if (!dir)
        return;
    struct dirent *entry;
    while ((entry = readdir(dir)))
        (void)unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
    rmdir(f->path);
}

static FILE *create(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return fd >= 0 ? fdopen(fd, "w") : NULL;
}

/* A ticket is 32 bytes; these are hexadecimal digits, which need no quoting in Lua. */
static int random_ticket(const struct skt_crypto *crypto, char text[SKT_TICKET_LEN + 1])
{
    uint8_t random[SKT_TICKET_LEN / 2] = {0};
    int err = crypto->random(random, sizeof random);
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(text + 2 * i, 3, "%02x", random[i]);
    skt_wipe(random, sizeof random);
    return err;
}

struct secrets {
    char key[SKT_KEY_TEXT_LEN + 1];  /* as a configuration has it */
    char ticket[SKT_TICKET_LEN + 1]; /* the only one that the server takes */
};

static int make_secrets(struct secrets *s)
{
    uint8_t key[SKT_KEY_LEN] = {0};
    const struct skt_crypto *crypto = skt_crypto_openssl();
    if (!crypto)
        return SKT_ERR_CRYPTO;
    int err = crypto->random(key, sizeof key);
    skt_crypto_key_to_text(key, s->key);
    skt_wipe(key, sizeof key);
    if (err == SKT_OK)
        err = random_ticket(crypto, s->ticket);
    skt_crypto_cleanup();
    return err;
}

static int write_server(const struct skt_demo_folder *f, const struct skt_demo_ports *ports,
                        const struct secrets *s)
{
    FILE *out = create(f->server_config);
    if (!out)
        return SKT_ERR_IO;
    fprintf(out,
            "config = {\n"
            "    mode = \"proxy_server\",\n"
            "    status_socket = \"%s\",\n"
            "    proxy_server = {\n"
            "        tcp_target_addr = \"127.0.0.1\", tcp_target_port = %u,\n"
            "        skcp_servers = { { address = \"127.0.0.1\", port = %u, key = \"%s\" } },\n"
            "        tickets = { [\"%s\"] = { name = \"demo\" } },\n"
            "    },\n"
            "}\n",
            f->server_socket, ports->target, ports->server, s->key, s->ticket);
    return fclose(out) == 0 ? SKT_OK : SKT_ERR_IO;
}

static int write_client(const struct skt_demo_folder *f, const struct skt_demo_ports *ports,
                        const struct secrets *s)
{
    FILE *out = create(f->client_config);
    if (!out)
        return SKT_ERR_IO;
    fprintf(out,
            "config = {\n"
            "    mode = \"proxy_client\",\n"
            "    status_socket = \"%s\",\n"
            "    proxy_client = {\n"
            "        tcp_listen_addr = \"127.0.0.1\", tcp_listen_port = %u,\n"
            "        skcp_remote_servers = {\n"
            "            { address = \"127.0.0.1\", port = %u, key = \"%s\",\n"
            "              ticket = \"%s\" },\n"
            "        },\n"
            "    },\n"
            "}\n",
            f->client_socket, ports->client, ports->link, s->key, s->ticket);
    return fclose(out) == 0 ? SKT_OK : SKT_ERR_IO;
}

int skt_demo_config_write(const struct skt_demo_folder *f, const struct skt_demo_ports *ports)
{
    struct secrets s;
    int err = make_secrets(&s);
    if (err == SKT_OK)
        err = write_server(f, ports, &s);
    if (err == SKT_OK)
        err = write_client(f, ports, &s);
    skt_wipe(&s, sizeof s);
    return err;
}
