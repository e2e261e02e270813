/* SPDX-License-Identifier: MIT */
#include "netcfg/iptables.h"

#include "base/err.h"
#include "netcfg/rules.h"
#include "netcfg/say.h"
#include "netcfg/state.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Whose chains are meant. */
struct tables {
    const char *program; /* "iptables" or "ip6tables" */
    const char *chain;   /* the tunnel's own, in both tables */
    char *text;          /* of SKT_HOOK_TEXT_MAX bytes: takes what went wrong */
};

/* Runs "iptables -w ARGS": the words of args, separated by spaces. */
static int iptables(const struct tables *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int iptables(const struct tables *t, const char *fmt, ...)
{
    char line[256];
    const char *argv[24] = {t->program, "-w"};
    size_t n = 2;
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    char *save = NULL;
    for (char *w = strtok_r(line, " ", &save); w && n < 23; w = strtok_r(NULL, " ", &save))
        argv[n++] = w;
    return skt_hook_run(&(struct skt_hook){.argv = argv, .limit_s = SKT_HOOK_TOOL_LIMIT_S}, t->text);
}

/* Takes out what there is, whatever is missing of it. */
static void clear_iptables(const struct tables *t)
{
    (void)iptables(t, "-t nat -D POSTROUTING -j %s", t->chain);
    (void)iptables(t, "-t nat -F %s", t->chain);
    (void)iptables(t, "-t nat -X %s", t->chain);
    (void)iptables(t, "-t filter -D FORWARD -j %s", t->chain);
    (void)iptables(t, "-t filter -F %s", t->chain);
    (void)iptables(t, "-t filter -X %s", t->chain);
}

static int fill_iptables(const struct tables *t, const char *ifname, uint8_t family,
                         const struct skt_ipnet *from, size_t n)
{
    char text[SKT_IPNET_TEXT_MAX];
    int err = iptables(t, "-t nat -N %s", t->chain);
    if (!err && n == 0)
        err = iptables(t, "-t nat -A %s -o %s -j MASQUERADE", t->chain, ifname);
    for (size_t i = 0; !err && i < n; i++) {
        struct skt_ipnet net = skt_ipnet_masked(&from[i]);
        if (net.family == family)
            err = iptables(t, "-t nat -A %s -s %s ! -o %s -j MASQUERADE", t->chain,
                           skt_ipnet_text(&net, true, text), ifname);
    }
    return err ? err : iptables(t, "-t nat -A POSTROUTING -j %s", t->chain);
}

/* Lets what comes from and goes to the tunnel through a FORWARD chain that drops the rest (as Docker's does).
 */
static int open_forward(const struct tables *t, const char *ifname)
{
    int err = iptables(t, "-t filter -N %s", t->chain);
    if (!err)
        err = iptables(t, "-t filter -A %s -i %s -j ACCEPT", t->chain, ifname);
    if (!err)
        err = iptables(t, "-t filter -A %s -o %s -j ACCEPT", t->chain, ifname);
    return err ? err : iptables(t, "-t filter -I FORWARD -j %s", t->chain);
}

int skt_netcfg_iptables_set(struct skt_netcfg_helper *h, uint8_t family, const struct skt_ipnet *from,
                            size_t n, char text[SKT_HOOK_TEXT_MAX])
{
    char name[SKT_NETCFG_RULES_NAME_MAX];
    struct tables t = {family == 4 ? "iptables" : "ip6tables", name, text};
    skt_netcfg_rules_name(name, h->ifname);
    int err = skt_netcfg_record(h, "%s %s", t.program, name);
    if (err) {
        snprintf(text, SKT_HOOK_TEXT_MAX, "%s", h->text);
        return err;
    }
    err = fill_iptables(&t, h->ifname, family, from, n);
    if (!err)
        err = open_forward(&t, h->ifname);
    if (err) {
        char why[SKT_HOOK_TEXT_MAX], line[64];
        memcpy(why, text, sizeof why);
        snprintf(line, sizeof line, "%s %s", t.program, name);
        (void)skt_netcfg_undo_line(h, line);
        memcpy(text, why, sizeof why);
    }
    return err;
}

static int undo(const char *program, const char *rest)
{
    char name[SKT_NETCFG_RULES_NAME_MAX], text[SKT_HOOK_TEXT_MAX];
    if (sscanf(rest, "%31s", name) == 1 && skt_netcfg_rules_is_name(name))
        clear_iptables(&(struct tables){program, name, text});
    return SKT_OK;
}

int skt_netcfg_iptables_undo(struct skt_netcfg_helper *h, const char *rest)
{
    (void)h;
    return undo("iptables", rest);
}

int skt_netcfg_ip6tables_undo(struct skt_netcfg_helper *h, const char *rest)
{
    (void)h;
    return undo("ip6tables", rest);
}

/* Does the FORWARD chain drop what it does not know (as where Docker runs)? */
static bool forward_drops(char text[SKT_HOOK_TEXT_MAX])
{
    char rules[2048];
    static const char *const argv[] = {"iptables", "-w", "-S", "FORWARD", NULL};
    struct skt_hook hook = {
        .argv = argv, .limit_s = SKT_HOOK_TOOL_LIMIT_S, .output = rules, .output_cap = sizeof rules};
    return skt_hook_run(&hook, text) == SKT_OK && !strstr(rules, "-P FORWARD ACCEPT");
}

void skt_netcfg_iptables_open_forward(struct skt_netcfg_helper *h)
{
    char name[SKT_NETCFG_RULES_NAME_MAX], text[SKT_HOOK_TEXT_MAX];
    struct tables t = {"iptables", name, text};
    skt_netcfg_rules_name(name, h->ifname);
    if (forward_drops(text) && !skt_journal_add(&h->journal, "iptables %s", name))
        (void)open_forward(&t, h->ifname);
}

bool skt_netcfg_iptables_is_missing(const char *line)
{
    char program[16], name[SKT_NETCFG_RULES_NAME_MAX], text[SKT_HOOK_TEXT_MAX];
    if (sscanf(line, "%15s %31s", program, name) != 2 ||
        (strcmp(program, "iptables") != 0 && strcmp(program, "ip6tables") != 0))
        return false;
    struct tables t = {program, name, text};
    int err = iptables(&t, "-t filter -C FORWARD -j %s", name);
    return err != SKT_OK && err != SKT_ERR_NOMEM;
}
