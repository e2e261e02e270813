/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "netcfg/dns_file.h"

#include "base/err.h"
#include "io/statefile.h"
#include "netcfg/say.h"
#include "netcfg/state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PATH_LEN_MAX = 256,   /* of the file; it is /etc/resolv.conf */
    FILE_LEN_MAX = 65536, /* a longer one is none of ours to replace */
};

/* --- files --- */

char *skt_netcfg_dns_file_read(const char *path)
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

/* Writes over the text of a file that can't be replaced by another file. Not emptied first: what fits in the
 * blocks that it has can be put back even where the disk is full. */
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
    char *old = skt_netcfg_dns_file_read(path);
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
    backup_path(backup, h->dns.resolv_conf);
    snprintf(line, PATH_LEN_MAX + 128, "# written by skcptun (%.100s); what was here is in %.200s\n",
             h->journal.path, backup);
}

/* --- ours and theirs --- */

int skt_netcfg_dns_file_undo(struct skt_netcfg_helper *h, const char *rest)
{
    char path[PATH_LEN_MAX], backup[PATH_LEN_MAX];
    if (sscanf(rest, "%255s", path) != 1 || strcmp(path, h->dns.resolv_conf) != 0)
        return SKT_OK; /* no line of ours */
    backup_path(backup, path);
    errno = 0;
    char *old = skt_netcfg_dns_file_read(backup);
    /* What can't be read now must not be lost with its backup. */
    int err = old || errno == ENOENT ? SKT_OK : SKT_ERR_IO;
    char *now = err ? NULL : skt_netcfg_dns_file_read(path);
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

void skt_netcfg_dns_file_recover(struct skt_netcfg_helper *h)
{
    char line[PATH_LEN_MAX + 128];
    marker(line, h);
    char *now = skt_netcfg_dns_file_read(h->dns.resolv_conf);
    if (now && strncmp(now, line, strlen(line)) == 0)
        (void)skt_netcfg_dns_file_undo(h, h->dns.resolv_conf);
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

int skt_netcfg_dns_file_set(struct skt_netcfg_helper *h, const struct skt_ipnet *servers, size_t n)
{
    const char *path = h->dns.resolv_conf;
    char backup[PATH_LEN_MAX];
    backup_path(backup, path);
    char *original = skt_netcfg_dns_file_read(path);
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
    char *now = skt_netcfg_dns_file_read(path), *text = NULL;
    int err = 0;
    if (!now && errno != ENOENT)
        return skt_netcfg_say_errno(h, SKT_ERR_IO, "%.200s", path);
    if (!now || strncmp(now, line, strlen(line)) != 0) {
        char *original = now ? strdup(now) : skt_netcfg_dns_file_read(backup);
        bool known = original || (!now && errno == ENOENT);
        if (known)
            text = new_text(h, original ? original : "", h->dns.servers, h->dns.n);
        err = text && (!now || write_file(backup, now) == SKT_OK) && write_file(path, text) == SKT_OK
                  ? 1
                  : skt_netcfg_say_errno(h, SKT_ERR_IO, "%.200s", path);
        free(original);
    }
    free(now);
    free(text);
    return err;
}

int skt_netcfg_dns_file_restore(struct skt_netcfg_helper *h)
{
    char path[PATH_LEN_MAX];
    long i = skt_journal_find(&h->journal, "dns-file ");
    if (i < 0 || sscanf(h->journal.lines[i], "dns-file %255s", path) != 1 ||
        strcmp(path, h->dns.resolv_conf) != 0)
        return 0;
    return rewrite(h, path);
}
