/* SPDX-License-Identifier: MIT */
#include "tools/import/import.h"
#include "tools/lua_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A setting's value within a comment: no line may end in it. */
static void print_value(const char *text, bool quoted)
{
    if (quoted)
        skt_lua_string(stdout, text);
    else
        printf("%.60s", text);
}

/* "-- NAME "VALUE"" where the setting was given, and what to say where the other program's default holds. */
static void print_from(const char *name, const char *value, const char *otherwise)
{
    printf(" -- %s ", name);
    if (value)
        skt_lua_string(stdout, value);
    else
        printf("(%s)", otherwise);
    putchar('\n');
}

static void print_secret(const struct skt_import_plan *p)
{
    static const char indent[] = "                ";
    if (p->key) {
        skt_lua_text(stdout, indent, "key", p->key);
        puts(" -- psk");
    } else if (p->password) {
        skt_lua_text(stdout, indent, "password", p->password);
        puts(p->default_password ? " -- kcptun's own, which everybody knows: change it on both ends"
                                 : " -- the secret of both ends; better: a key from `skcptun keygen`");
    } else {
        printf("%skey = os.getenv(\"SKCPTUN_KEY\"), -- there was no secret; here is always one: "
               "`skcptun keygen --key`\n",
               indent);
    }
}

static void print_entry(const struct skt_import_plan *p)
{
    static const char indent[] = "                ";
    bool server = p->end == SKT_IMPORT_SERVER;
    printf("        %s = {\n            {\n", server ? "skcp_servers" : "skcp_remote_servers");
    skt_lua_text(stdout, indent, "address", p->udp.host);
    print_from(server ? "the UDP address to listen on:" : "the server:", p->udp_from, "by default");
    skt_lua_port(stdout, indent, "port", p->udp.port);
    putchar('\n');
    print_secret(p);
    if (!server)
        printf("%sticket = \"" SKT_LUA_ANY_TICKET "\", -- who this client is; any will do where the "
               "server has no list of them\n",
               indent);
    if (p->speed_mode >= 0) {
        printf("%sskcp_speed_mode = %d,", indent, p->speed_mode);
        print_from("mode", p->mode_from, "");
    }
    if (p->max_rate_mbit > 0)
        printf("%smax_rate_mbit = %.3f, -- ratelimit, which is in bytes a second\n", indent,
               p->max_rate_mbit);
    puts("            },\n        },");
}

static void print_mode(const struct skt_import_plan *p)
{
    bool server = p->end == SKT_IMPORT_SERVER;
    printf("    %s = {\n", server ? "proxy_server" : "proxy_client");
    skt_lua_text(stdout, "        ", server ? "tcp_target_addr" : "tcp_listen_addr", p->tcp.host);
    print_from(server ? "the target:" : "where programs connect to:", p->tcp_from, "by default");
    skt_lua_port(stdout, "        ", server ? "tcp_target_port" : "tcp_listen_port", p->tcp.port);
    putchar('\n');
    print_entry(p);
    puts("    },");
}

static void print_process(const struct skt_import_plan *p)
{
    printf("    log_level = \"%s\",", p->log_level ? p->log_level : "info");
    if (p->log_level)
        print_from(strcmp(p->program, "kcptun") == 0 ? "quiet" : "loglevel", p->log_level_from, "");
    else
        putchar('\n');
    if (p->log_file) {
        skt_lua_text(stdout, "    ", "log_file", p->log_file);
        puts(" -- log; SIGHUP opens it anew");
    }
    if (p->user) {
        skt_lua_text(stdout, "    ", "user", p->user);
        puts(" -- user");
    }
}

static void print_notes(const struct skt_import_plan *p)
{
    if (p->note_count)
        puts("\n-- These need nothing here:");
    for (size_t i = 0; i < p->note_count; i++) {
        const struct skt_import_note *n = &p->notes[i];
        printf("--   %s = ", n->setting->name);
        print_value(n->setting->value, n->setting->is_text);
        printf(": %s\n", n->why);
    }
}

void skt_import_print(const struct skt_import_plan *plan, const char *source)
{
    printf("-- From %s's settings (", plan->program);
    skt_lua_string(stdout, source);
    puts("). It has a secret in it: keep it with mode 600.\n"
         "-- `skcptun check FILE` looks it over, `skcptun FILE` runs it. Both ends have to change at once.\n"
         "config = {");
    printf("    mode = \"%s\",\n", plan->end == SKT_IMPORT_SERVER ? "proxy_server" : "proxy_client");
    print_process(plan);
    print_mode(plan);
    puts("}");
    print_notes(plan);
}
