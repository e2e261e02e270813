/* SPDX-License-Identifier: MIT */
#include "netcfg/nft.h"

#include "base/err.h"
#include "netcfg/rules.h"
#include "netcfg/say.h"
#include "netcfg/state.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What nft gets on stdin: more than a pipe holds would block (hook.h). */
enum { SCRIPT_MAX = 4096 };

static int run_nft(const char *script, char text[SKT_HOOK_TEXT_MAX])
{
    static const char *const argv[] = {"nft", "-f", "-", NULL};
    return skt_hook_run(&(struct skt_hook){.argv = argv, .input = script, .limit_s = SKT_HOOK_TOOL_LIMIT_S},
                        text);
}

struct script {
    char text[SCRIPT_MAX]; /* what was added */
    size_t len;            /* of it */
    bool full;             /* something did not fit */
};

static void add(struct script *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add(struct script *s, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(s->text + s->len, sizeof s->text - s->len, fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof s->text - s->len)
        s->full = true;
    else
        s->len += (size_t)n;
}

/* One family's table, which replaces an older one of the name. Without `from`: all that leaves by the tunnel.
 */
static void add_nft_table(struct script *s, const struct skt_netcfg_helper *h, const char *name,
                          uint8_t family, const struct skt_ipnet *from, size_t n)
{
    const char *ip = family == 4 ? "ip" : "ip6";
    char text[SKT_IPNET_TEXT_MAX];
    add(s, "add table %s %s\ndelete table %s %s\n", ip, name, ip, name);
    add(s, "table %s %s {\n chain postrouting {\n  type nat hook postrouting priority 100;\n", ip, name);
    if (n == 0)
        add(s, "  oifname \"%s\" masquerade\n", h->ifname);
    for (size_t i = 0; i < n; i++) {
        struct skt_ipnet net = skt_ipnet_masked(&from[i]);
        if (net.family == family)
            add(s, "  %s saddr %s oifname != \"%s\" masquerade\n", ip, skt_ipnet_text(&net, true, text),
                h->ifname);
    }
    add(s, " }\n}\n");
}

int skt_netcfg_nft_set(struct skt_netcfg_helper *h, const struct skt_ipnet *from, size_t n,
                       char text[SKT_HOOK_TEXT_MAX])
{
    struct script s = {.len = 0};
    char name[SKT_NETCFG_RULES_NAME_MAX];
    skt_netcfg_rules_name(name, h->ifname);
    if (n == 0 || skt_netcfg_rules_have(from, n, 4))
        add_nft_table(&s, h, name, 4, from, n);
    if (skt_netcfg_rules_have(from, n, 6))
        add_nft_table(&s, h, name, 6, from, n);
    if (s.full) {
        snprintf(text, SKT_HOOK_TEXT_MAX, "too many networks");
        return SKT_ERR_FULL;
    }
    int err = skt_netcfg_record(h, "nft %s", name);
    if (err) {
        snprintf(text, SKT_HOOK_TEXT_MAX, "%s", h->text);
        return err;
    }
    err = run_nft(s.text, text);
    if (err)
        (void)skt_netcfg_say_tool(h, err, "NAT", text);
    if (err) {
        char line[64];
        snprintf(line, sizeof line, "nft %s", name);
        (void)skt_netcfg_undo_line(h, line);
    }
    return err;
}

int skt_netcfg_nft_undo(struct skt_netcfg_helper *h, const char *rest)
{
    char name[SKT_NETCFG_RULES_NAME_MAX], text[SKT_HOOK_TEXT_MAX];
    struct script s = {.len = 0};
    int err = SKT_OK;
    if (sscanf(rest, "%31s", name) != 1 || !skt_netcfg_rules_is_name(name))
        return SKT_OK; /* no line of ours */
    static const char *const families[] = {"ip", "ip6"};
    for (size_t i = 0; i < 2; i++) {
        s = (struct script){.len = 0};
        add(&s, "add table %s %s\ndelete table %s %s\n", families[i], name, families[i], name);
        int one = run_nft(s.text, text);
        if (one == SKT_ERR_NOTFOUND || (i == 1 && access("/proc/sys/net/ipv6", F_OK) != 0))
            one = SKT_OK; /* nft is gone, or there never was IPv6 */
        if (one)
            err = skt_netcfg_say_tool(h, one, "removing NAT", text);
    }
    return err;
}

static bool has_table(const char *family, const char *name)
{
    char text[SKT_HOOK_TEXT_MAX];
    const char *argv[] = {"nft", "list", "table", family, name, NULL};
    /* What can't be asked now is not missing. */
    int err = skt_hook_run(&(struct skt_hook){.argv = argv, .limit_s = SKT_HOOK_TOOL_LIMIT_S}, text);
    return err == SKT_OK || err == SKT_ERR_NOMEM;
}

bool skt_netcfg_nft_is_missing(const struct skt_netcfg_helper *h, const char *line)
{
    char name[SKT_NETCFG_RULES_NAME_MAX];
    if (sscanf(line, "nft %31s", name) != 1)
        return false;
    /* A flush takes both families' tables: the one that there is in nearly all cases is enough to ask for. */
    bool has_ipv4 = h->nat.n == 0 || skt_netcfg_rules_have(h->nat.from, h->nat.n, 4);
    return has_ipv4 && !has_table("ip", name);
}
