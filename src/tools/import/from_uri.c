/* SPDX-License-Identifier: MIT */
#include "base/wipe.h"
#include "tools/import/import.h"
#include "tools/lua_text.h"
#include "tools/uri.h"

#include <stdio.h>
#include <string.h>

bool skt_import_is_uri(const char *text)
{
    return strncmp(text + strspn(text, " \t\r\n"), "skcptun:", 8) == 0;
}

static void print_line(const char *indent, const char *field, const char *text)
{
    skt_lua_text(stdout, indent, field, text);
    putchar('\n');
}

static void print_port(const char *indent, const char *field, const char *port)
{
    skt_lua_port(stdout, indent, field, port);
    putchar('\n');
}

static void print_mode(const struct skt_uri *u)
{
    static const char indent[] = "        ";
    if (u->tun) {
        print_line(indent, "tun_ip", *u->tun_ip ? u->tun_ip : SKT_LUA_TUN_CLIENT);
        print_line(indent, "tun_mask", *u->tun_mask ? u->tun_mask : SKT_LUA_TUN_MASK);
        return;
    }
    const char *host = *u->listen_host ? u->listen_host : "127.0.0.1",
               *port = *u->listen_port ? u->listen_port : "1080";
    if (!*u->target) {
        print_line(indent, "tcp_listen_addr", host);
        print_port(indent, "tcp_listen_port", port);
        return;
    }
    printf("%slisteners = {\n            {\n", indent);
    print_line("                ", "tcp_listen_addr", host);
    print_port("                ", "tcp_listen_port", port);
    print_line("                ", "target", u->target);
    printf("            },\n%s},\n", indent);
}

static void print_entry(const struct skt_uri *u)
{
    static const char indent[] = "                ";
    print_line(indent, "address", u->host);
    print_port(indent, "port", u->port);
    print_line(indent, *u->key ? "key" : "password", *u->key ? u->key : u->password);
    if (*u->server_key)
        print_line(indent, "server_key", u->server_key);
    print_line(indent, "ticket", *u->ticket ? u->ticket : SKT_LUA_ANY_TICKET);
    if (strcmp(u->speed, "0") == 0)
        printf("%sskcp_speed_mode = 0,\n", indent);
}

int skt_import_print_uri(const struct skt_command *self, const char *text)
{
    static struct skt_uri uri;
    const char *why, *mode;
    if (!skt_uri_read(text, &uri, &why))
        return skt_cli_usage_error(self, "the URI is not right: %s", why);
    mode = uri.tun ? "tun_client" : "proxy_client";
    puts("-- From a skcptun:// URI. There are secrets in it: keep it with mode 600.");
    if (*uri.name) {
        printf("-- It is called ");
        skt_lua_string(stdout, uri.name);
        putchar('\n');
    }
    printf("config = {\n    mode = \"%s\",\n    %s = {\n", mode, mode);
    print_mode(&uri);
    puts("        skcp_remote_servers = {\n            {");
    print_entry(&uri);
    puts("            },\n        },\n    },\n}");
    skt_wipe(&uri, sizeof uri);
    return SKT_EXIT_OK;
}
