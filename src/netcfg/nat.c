/* SPDX-License-Identifier: MIT */
/* In the helper: masquerade, by nftables, else by iptables. Each tunnel has a table (nftables)
 * or chains (iptables) of its own, so that nobody else's rules are touched. */
#include "base/err.h"
#include "netcfg/hook.h"
#include "netcfg/internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SCRIPT_MAX = 4096 }; /* what a program gets on stdin */

static const double tool_limit_s = 10;

/* --- nftables --- */

/* "skcptun_skt0"; nft takes letters, digits and a few signs only. */
static void table_name(char name[32], const char *ifname)
{
    snprintf(name, 32, "skcptun_%.15s", ifname);
    for (char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '_' && *c != '-' && *c != '.')
            *c = '_';
}

static bool is_table_name(const char *name)
{
    return skt_netcfg_is_name(name, "skcptun_", "");
}

static int run_nft(const char *script, char text[SKT_HOOK_TEXT_MAX])
{
    static const char *const argv[] = {"nft", "-f", "-", NULL};
    return skt_hook_run(&(struct skt_hook){.argv = argv, .input = script, .limit_s = tool_limit_s}, text);
}

struct script {
    char text[SCRIPT_MAX];
    size_t len;
    bool full;
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

static bool has_family(const struct skt_ipnet *from, size_t n, uint8_t family)
{
    for (size_t i = 0; i < n; i++)
        if (from[i].family == family)
            return true;
    return false;
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

static int nat_by_nft(struct skt_netcfg_helper *h, const struct skt_ipnet *from, size_t n,
                      char text[SKT_HOOK_TEXT_MAX])
{
    struct script s = {.len = 0};
    char name[32];
    table_name(name, h->ifname);
    if (n == 0 || has_family(from, n, 4))
        add_nft_table(&s, h, name, 4, from, n);
    if (has_family(from, n, 6))
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

int skt_netcfg_undo_nft(struct skt_netcfg_helper *h, const char *rest)
{
    char name[32], text[SKT_HOOK_TEXT_MAX];
    struct script s = {.len = 0};
    int err = SKT_OK;
    if (sscanf(rest, "%31s", name) != 1 || !is_table_name(name))
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

/* --- iptables --- */

struct tables {
    const char *program, *chain;
    char *text;
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
    return skt_hook_run(&(struct skt_hook){.argv = argv, .limit_s = tool_limit_s}, t->text);
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

static int nat_by_iptables(struct skt_netcfg_helper *h, uint8_t family, const struct skt_ipnet *from,
                           size_t n, char text[SKT_HOOK_TEXT_MAX])
{
    char name[32];
    struct tables t = {family == 4 ? "iptables" : "ip6tables", name, text};
    table_name(name, h->ifname);
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

int skt_netcfg_undo_iptables(struct skt_netcfg_helper *h, const char *rest)
{
    char program[16], name[32], text[SKT_HOOK_TEXT_MAX];
    (void)h;
    if (sscanf(rest, "%15s %31s", program, name) == 2 && is_table_name(name))
        clear_iptables(&(struct tables){program, name, text});
    return SKT_OK;
}

/* Does the FORWARD chain drop what it does not know (as where Docker runs)? */
static bool forward_drops(char text[SKT_HOOK_TEXT_MAX])
{
    char rules[2048];
    static const char *const argv[] = {"iptables", "-w", "-S", "FORWARD", NULL};
    struct skt_hook hook = {
        .argv = argv, .limit_s = tool_limit_s, .output = rules, .output_cap = sizeof rules};
    return skt_hook_run(&hook, text) == SKT_OK && !strstr(rules, "-P FORWARD ACCEPT");
}

/* nftables' own table can't let through what another one drops. */
static void open_foreign_forward(struct skt_netcfg_helper *h)
{
    char name[32], text[SKT_HOOK_TEXT_MAX];
    struct tables t = {"iptables", name, text};
    table_name(name, h->ifname);
    if (forward_drops(text) && !skt_journal_add(&h->journal, "iptables %s", name))
        (void)open_forward(&t, h->ifname);
}

/* --- the whole --- */

static bool nft_has(const char *family, const char *name)
{
    char text[SKT_HOOK_TEXT_MAX];
    const char *argv[] = {"nft", "list", "table", family, name, NULL};
    /* What can't be asked now is not missing. */
    int err = skt_hook_run(&(struct skt_hook){.argv = argv, .limit_s = tool_limit_s}, text);
    return err == SKT_OK || err == SKT_ERR_NOMEM;
}

static bool line_is_there(const struct skt_netcfg_helper *h, const char *line)
{
    char program[16], name[32], text[SKT_HOOK_TEXT_MAX];
    const struct skt_netcfg_watch *w = &h->watch;
    if (sscanf(line, "%15s %31s", program, name) != 2)
        return true;
    if (strcmp(program, "nft") == 0)
        return (w->from_count > 0 && !has_family(w->from, w->from_count, 4)) ||
               nft_has("ip", name); /* a flush takes both families' */
    if (strcmp(program, "iptables") != 0 && strcmp(program, "ip6tables") != 0)
        return true;
    struct tables t = {program, name, text};
    int err = iptables(&t, "-t filter -C FORWARD -j %s", name);
    return err == SKT_OK || err == SKT_ERR_NOMEM;
}

bool skt_netcfg_nat_is_there(struct skt_netcfg_helper *h)
{
    for (size_t i = 0; i < h->journal.count; i++)
        if (!line_is_there(h, h->journal.lines[i]))
            return false;
    return true;
}

bool skt_netcfg_needs_looking(const struct skt_netcfg_helper *h)
{
    return skt_journal_find(&h->journal, "iptables ") >= 0 ||
           skt_journal_find(&h->journal, "ip6tables ") >= 0 ||
           (h->watch.rules < 0 && skt_journal_find(&h->journal, "nft ") >= 0) ||
           (h->watch.file < 0 && skt_journal_find(&h->journal, "dns-file ") >= 0);
}

int skt_netcfg_do_nat(struct skt_netcfg_helper *h, const struct skt_ipnet *from, size_t n)
{
    char text[SKT_HOOK_TEXT_MAX] = "";
    (void)skt_netcfg_undo_all(h, "nft ");
    (void)skt_netcfg_undo_all(h, "ip");
    if (n > SKT_NETCFG_FROM_MAX)
        return skt_netcfg_say(h, SKT_ERR_ARG, "NAT: more than %d networks", SKT_NETCFG_FROM_MAX);
    if (n > 0)
        memmove(h->watch.from, from, n * sizeof *from);
    h->watch.from_count = n;
    bool v4 = n == 0 || has_family(from, n, 4), v6 = has_family(from, n, 6);
    int err = skt_netcfg_do_forward(h, v4, v6);
    if (err)
        return err;
    err = nat_by_nft(h, from, n, text);
    if (err == SKT_OK) {
        open_foreign_forward(h);
        return SKT_OK;
    }
    if (h->again.passing) /* the same once more, and not another way */
        return skt_netcfg_say(h, err, "NAT: %s", text);
    if (!skt_hook_exists("iptables"))
        return skt_netcfg_say(h, err, "NAT needs nft or iptables: %s", text);
    err = v4 ? nat_by_iptables(h, 4, from, n, text) : SKT_OK;
    if (!err && v6)
        err = nat_by_iptables(h, 6, from, n, text);
    return err ? skt_netcfg_say_tool(h, err, "NAT", text) : SKT_OK;
}
