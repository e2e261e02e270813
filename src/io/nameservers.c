/* SPDX-License-Identifier: MIT */
#include "io/nameservers.h"

#include "base/err.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { LINE_LEN_MAX = 256, PATH_LEN_MAX = 256, PORT = 53 };

/* "nameserver fe80::1%eth0": one with a scope is left out, as it is on the link and never in the tunnel. */
static bool read_line(const char *line, struct skt_addr *addr)
{
    char ip[64];
    return sscanf(line, "nameserver %63s", ip) == 1 && skt_addr_parse(addr, ip, PORT) == SKT_OK;
}

static bool is_loopback(const struct skt_addr *a)
{
    static const uint8_t v6[16] = {[15] = 1};
    return a->family == 4 ? a->ip[0] == 127 : memcmp(a->ip, v6, sizeof v6) == 0;
}

/* Appends those of a file that are elsewhere; *ours: its first line says that it is one of ours. */
static size_t read_file(const char *path, struct skt_addr *out, size_t n, bool *ours)
{
    char line[LINE_LEN_MAX];
    FILE *f = fopen(path, "re");
    *ours = false;
    for (bool first = true; f && fgets(line, sizeof line, f); first = false) {
        struct skt_addr addr;
        *ours = *ours || (first && strncmp(line, "# written by skcptun", 20) == 0);
        if (n < SKT_NAMESERVERS_MAX && read_line(line, &addr) && !is_loopback(&addr))
            out[n++] = addr;
    }
    if (f)
        fclose(f);
    return n;
}

size_t skt_nameservers_read(const char *resolv_conf, struct skt_addr out[SKT_NAMESERVERS_MAX])
{
    /* What systemd-resolved and OpenWrt's dnsmasq ask. */
    static const char *const upstreams[] = {"/run/systemd/resolve/resolv.conf",
                                            "/tmp/resolv.conf.d/resolv.conf.auto", "/tmp/resolv.conf.auto"};
    char backup[PATH_LEN_MAX];
    bool ours;
    const char *path = resolv_conf ? resolv_conf : "/etc/resolv.conf";
    size_t n = read_file(path, out, 0, &ours);
    if (ours) {
        snprintf(backup, sizeof backup, "%.200s.skcptun", path);
        n = read_file(backup, out, 0, &ours);
    }
    for (size_t i = 0; n == 0 && i < sizeof upstreams / sizeof upstreams[0]; i++)
        n = read_file(upstreams[i], out, 0, &ours);
    return n;
}
