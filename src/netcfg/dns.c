/* SPDX-License-Identifier: MIT */
/* In the helper: name servers. Through systemd-resolved or resolvconf where one of them owns the file, else
 * by writing the file itself, the original kept beside it, so that it also outlasts a power cut. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "base/err.h"
#include "io/statefile.h"
#include "netcfg/hook.h"
#include "netcfg/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PATH_LEN_MAX = 256,
    FILE_LEN_MAX = 65536, /* a longer one is none of ours to replace */
};

static const double tool_limit_s = 10;

/* --- files --- */

/* The file's text (to be freed), or NULL with errno. */
static char *read_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *text = fd < 0 ? NULL : malloc(FILE_LEN_MAX + 1);
    ssize_t got = text ? read(fd, text, FILE_LEN_MAX) : -1;
    int error = got == FILE_LEN_MAX ? EFBIG : errno;
    if (fd >= 0)
        close(fd);
    if (got < 0 || got == FILE_LEN_MAX) {
        free(text);
        errno = error;
        return NULL;
    }
    text[got] = '\0';
    return text;
}

/* Over what is there, for a file that can't be replaced. Not emptied first: what fits in the blocks that it
 * has can be put back even where the disk is full. */
static int overwrite(const char *path, const char *text, const char *old)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    size_t len = strlen(text);
    if (fd < 0)
        return SKT_ERR_IO;
    int err = skt_statefile_write(fd, text, len) && ftruncate(fd, (off_t)len) == 0 && fsync(fd) == 0
                  ? SKT_OK
                  : SKT_ERR_IO;
    int error = errno;
    if (err && old && lseek(fd, 0, SEEK_SET) == 0) {
        (void)skt_statefile_write(fd, old, strlen(old));
        (void)!ftruncate(fd, (off_t)strlen(old));
    }
    close(fd);
    errno = error;
    return err;
}

/* Gives a file another text: whoever reads it, and a machine that stops meanwhile, finds the old one or the
 * new one. A link stays, and the file at its end is replaced. A mount point (a container's) can't be. */
static int write_file(const char *path, const char *text)
{
    char real[PATH_MAX], why[SKT_STATEFILE_WHY_MAX];
    struct stat st;
    char *old = read_file(path);
    int err = SKT_ERR_IO;
    bool is_there = realpath(path, real) && stat(real, &st) == 0;
    unsigned mode = is_there ? st.st_mode & 0777 : 0644;
    if (!is_there && errno == ENOENT)
        is_there = snprintf(real, sizeof real, "%s", path) < (int)sizeof real;
    if (is_there)
        err = skt_statefile_replace(real, text, strlen(text), mode, why);
    bool is_full = err == SKT_ERR_IO && (errno == ENOSPC || errno == EDQUOT);
    if (err && old && !is_full)
        err = overwrite(path, text, old);
    int error = errno;
    free(old);
    errno = error;
    return err;
}

static void backup_path(char path[PATH_LEN_MAX], const char *file)
{
    snprintf(path, PATH_LEN_MAX, "%.200s.skcptun", file);
}

/* The first line of what we write; it names the journal, so that its owner knows it again. */
static void marker(char line[PATH_LEN_MAX + 128], const struct skt_netcfg_helper *h)
{
    char backup[PATH_LEN_MAX];
    backup_path(backup, h->resolv_conf);
    snprintf(line, PATH_LEN_MAX + 128, "# written by skcptun (%.100s); what was here is in %.200s\n",
             h->journal.path, backup);
}

/* --- the file itself --- */

/* "dns-file PATH": what is in the backup goes back, unless somebody else has written the file since. A
 * backup that is empty stands for no file. */
int skt_netcfg_undo_dns_file(struct skt_netcfg_helper *h, const char *rest)
{
    char path[PATH_LEN_MAX], backup[PATH_LEN_MAX];
    if (sscanf(rest, "%255s", path) != 1 || strcmp(path, h->resolv_conf) != 0)
        return SKT_OK; /* no line of ours */
    backup_path(backup, path);
    errno = 0;
    char *old = read_file(backup);
    /* What can't be read now must not be lost with its backup. */
    int err = old || errno == ENOENT ? SKT_OK : SKT_ERR_IO;
    char *now = err ? NULL : read_file(path);
    if (!err && !now && errno != ENOENT)
        err = SKT_ERR_IO;
    if (err)
        skt_netcfg_say_errno(h, err, "%s: putting back what is in %s", path, backup);
    if (old && now && strncmp(now, "# written by skcptun", 20) == 0) {
        err = *old ? write_file(path, old) : unlink(path) ? SKT_ERR_IO : SKT_OK;
        if (err)
            skt_netcfg_say_errno(h, err, "%s: putting back what is in %s", path, backup);
    }
    if (!err)
        (void)unlink(backup);
    free(old);
    free(now);
    return err;
}

void skt_netcfg_dns_recover(struct skt_netcfg_helper *h)
{
    char line[PATH_LEN_MAX + 128];
    marker(line, h);
    char *now = read_file(h->resolv_conf);
    if (now && strncmp(now, line, strlen(line)) == 0)
        (void)skt_netcfg_undo_dns_file(h, h->resolv_conf);
    free(now);
}

/* Lines of the original that are not about servers stay: search, options, sortlist. */
static void keep_others(FILE *out, const char *original)
{
    while (*original) {
        size_t len = strcspn(original, "\n");
        if (strncmp(original, "search", 6) == 0 || strncmp(original, "domain", 6) == 0 ||
            strncmp(original, "options", 7) == 0 || strncmp(original, "sortlist", 8) == 0)
            fprintf(out, "%.*s\n", (int)len, original);
        original += len + (original[len] == '\n');
    }
}

static char *new_text(struct skt_netcfg_helper *h, const char *original, const struct skt_ipnet *servers,
                      size_t n)
{
    char line[PATH_LEN_MAX + 128], ip[SKT_IPNET_TEXT_MAX];
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return NULL;
    marker(line, h);
    fputs(line, out);
    for (size_t i = 0; i < n; i++)
        fprintf(out, "nameserver %s\n", skt_ipnet_text(&servers[i], false, ip));
    keep_others(out, original);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

static int replace_file(struct skt_netcfg_helper *h, const struct skt_ipnet *servers, size_t n)
{
    const char *path = h->resolv_conf;
    char backup[PATH_LEN_MAX];
    backup_path(backup, path);
    char *original = read_file(path);
    if (!original && errno == ENOENT)
        original = strdup("");
    if (!original)
        return skt_netcfg_say_errno(h, SKT_ERR_IO, "%s", path);
    if (strncmp(original, "# written by skcptun", 20) == 0) {
        free(original);
        return skt_netcfg_say(h, SKT_ERR_FULL, "%s: another skcptun has changed it already", path);
    }
    char *text = new_text(h, original, servers, n);
    int err = text ? SKT_OK : SKT_ERR_NOMEM;
    if (err)
        skt_netcfg_say(h, err, "%s: %s", path, skt_err_str(err));
    if (!err && (err = write_file(backup, original)) != SKT_OK)
        skt_netcfg_say_errno(h, err, "%s", backup);
    if (!err)
        err = skt_netcfg_record(h, "dns-file %s", path);
    if (!err && (err = write_file(path, text)) != SKT_OK)
        skt_netcfg_say_errno(h, err, "%s", path);
    free(original);
    free(text);
    return err;
}

/* Who writes the file (a DHCP client) has new servers of the network to tell: they are kept beside it, for
 * the end, and ours written again. */
static int rewrite(struct skt_netcfg_helper *h, const char *path)
{
    char backup[PATH_LEN_MAX], line[PATH_LEN_MAX + 128];
    backup_path(backup, path);
    marker(line, h);
    char *now = read_file(path), *text = NULL;
    int result = 0;
    if (!now && errno != ENOENT)
        return skt_netcfg_say_errno(h, SKT_ERR_IO, "%.200s", path);
    if (!now || strncmp(now, line, strlen(line)) != 0) {
        char *original = now ? strdup(now) : read_file(backup);
        bool known = original || (!now && errno == ENOENT);
        if (known)
            text = new_text(h, original ? original : "", h->servers, h->server_count);
        result = text && (!now || write_file(backup, now) == SKT_OK) && write_file(path, text) == SKT_OK
                     ? 1
                     : skt_netcfg_say_errno(h, SKT_ERR_IO, "%.200s", path);
        free(original);
    }
    free(now);
    free(text);
    return result;
}

int skt_netcfg_restore_dns(struct skt_netcfg_helper *h)
{
    char path[PATH_LEN_MAX];
    long i = skt_journal_find(&h->journal, "dns-file ");
    if (i < 0 || sscanf(h->journal.lines[i], "dns-file %255s", path) != 1 ||
        strcmp(path, h->resolv_conf) != 0)
        return 0;
    return rewrite(h, path);
}

/* --- systemd-resolved --- */

static int run(const char *const *argv, const char *input, struct skt_netcfg_helper *h)
{
    char text[SKT_HOOK_TEXT_MAX];
    int err = skt_hook_run(&(struct skt_hook){.argv = argv, .input = input, .limit_s = tool_limit_s}, text);
    return err ? skt_netcfg_say_tool(h, err, "dns", text) : err;
}

int skt_netcfg_undo_dns_resolved(struct skt_netcfg_helper *h, const char *rest)
{
    char dev[16];
    if (sscanf(rest, "%15s", dev) != 1 || !skt_netcfg_is_ifname(dev) || skt_net_ifindex(dev) == 0)
        return SKT_OK; /* it forgets with the interface */
    const char *argv[] = {"resolvectl", "revert", dev, NULL};
    return run(argv, NULL, h);
}

static int by_resolved(struct skt_netcfg_helper *h, const struct skt_ipnet *servers, size_t n)
{
    char ips[SKT_NETCFG_DNS_MAX][SKT_IPNET_TEXT_MAX];
    const char *dns[SKT_NETCFG_DNS_MAX + 4] = {"resolvectl", "dns", h->ifname};
    const char *domain[] = {"resolvectl", "domain", h->ifname, "~.", NULL};
    for (size_t i = 0; i < n; i++)
        dns[3 + i] = skt_ipnet_text(&servers[i], false, ips[i]);
    int err = skt_netcfg_record(h, "dns-resolved %s", h->ifname);
    if (!err)
        err = run(dns, NULL, h);
    return err ? err : run(domain, NULL, h); /* all names, before other interfaces' servers */
}

/* --- resolvconf --- */

int skt_netcfg_undo_dns_resolvconf(struct skt_netcfg_helper *h, const char *rest)
{
    char name[40];
    if (sscanf(rest, "%39s", name) != 1 || !skt_netcfg_is_name(name, "tun.", ".skcptun"))
        return SKT_OK; /* no line of ours */
    const char *argv[] = {"resolvconf", "-d", name, NULL};
    return run(argv, NULL, h);
}

static int by_resolvconf(struct skt_netcfg_helper *h, const struct skt_ipnet *servers, size_t n)
{
    char name[40], input[SKT_NETCFG_DNS_MAX * (SKT_IPNET_TEXT_MAX + 16)] = "", ip[SKT_IPNET_TEXT_MAX];
    size_t len = 0;
    snprintf(name, sizeof name, "tun.%s.skcptun", h->ifname); /* tun*: before others in its usual order */
    for (size_t i = 0; i < n; i++)
        len += (size_t)snprintf(input + len, sizeof input - len, "nameserver %s\n",
                                skt_ipnet_text(&servers[i], false, ip));
    const char *argv[] = {"resolvconf", "-a", name, NULL};
    int err = skt_netcfg_record(h, "dns-resolvconf %s", name);
    return err ? err : run(argv, input, h);
}

/* --- which of them --- */

enum owner { OWNER_NONE, OWNER_RESOLVED, OWNER_RESOLVCONF, OWNER_UNKNOWN };

/* Who writes the file is told by where it leads, or by its first line. OWNER_UNKNOWN with errno: it can't be
 * read now. */
static enum owner find_owner(const char *path)
{
    char target[PATH_LEN_MAX] = "", start[128] = "";
    ssize_t n = readlink(path, target, sizeof target - 1);
    if (n > 0 && strstr(target, "systemd/resolve") && skt_hook_exists("resolvectl"))
        return OWNER_RESOLVED;
    char *text = read_file(path);
    if (!text && skt_err_is_passing(errno))
        return OWNER_UNKNOWN;
    if (text)
        snprintf(start, sizeof start, "%s", text);
    free(text);
    bool resolvconf = (n > 0 && strstr(target, "resolvconf")) || strstr(start, "enerated by resolvconf");
    return resolvconf && skt_hook_exists("resolvconf") ? OWNER_RESOLVCONF : OWNER_NONE;
}

int skt_netcfg_do_dns(struct skt_netcfg_helper *h, const struct skt_ipnet *servers, size_t n)
{
    if (n > SKT_NETCFG_DNS_MAX)
        return skt_netcfg_say(h, SKT_ERR_ARG, "more than %d name servers", SKT_NETCFG_DNS_MAX);
    memcpy(h->servers, servers, n * sizeof *servers);
    h->server_count = n;
    int err = skt_netcfg_undo_all(h, "dns-");
    if (err || n == 0)
        return err;
    switch (find_owner(h->resolv_conf)) {
    case OWNER_RESOLVED:
        err = by_resolved(h, servers, n);
        break;
    case OWNER_UNKNOWN:
        return skt_netcfg_say_errno(h, SKT_ERR_IO, "%s", h->resolv_conf);
    case OWNER_RESOLVCONF:
        err = by_resolvconf(h, servers, n);
        break;
    default:
        err = replace_file(h, servers, n);
        break;
    }
    if (err) {
        char why[SKT_NETCFG_TEXT_MAX];
        memcpy(why, h->text, sizeof why);
        (void)skt_netcfg_undo_all(h, "dns-");
        memcpy(h->text, why, sizeof why);
    }
    return err;
}
