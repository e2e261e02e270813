/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "link.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Room in the device for what arrives between two turns of the loop; the modelled buffer is the link's own.
 */
enum { DEVICE_QUEUE = 4096 };

bool link_dev_parse(struct link_dev_spec *spec, const char *text)
{
    memset(spec, 0, sizeof *spec);
    const char *colon = strchr(text, ':');
    if (!colon || (size_t)(colon - text) >= sizeof spec->netns)
        return false;
    memcpy(spec->netns, text, (size_t)(colon - text));
    const char *name = colon + 1;
    size_t n = strcspn(name, ",");
    if (n == 0 || n >= sizeof spec->name)
        return false;
    memcpy(spec->name, name, n);
    if (name[n] == '\0')
        return true;
    char addr[INET_ADDRSTRLEN + 1];
    const char *slash = strchr(name + n + 1, '/');
    size_t addr_len = slash ? (size_t)(slash - (name + n + 1)) : 0;
    if (addr_len == 0 || addr_len >= sizeof addr)
        return false;
    memcpy(addr, name + n + 1, addr_len);
    addr[addr_len] = '\0';
    char *end;
    unsigned long prefix = strtoul(slash + 1, &end, 10);
    struct in_addr in;
    if (*end || end == slash + 1 || prefix < 1 || prefix > 32 || inet_pton(AF_INET, addr, &in) != 1)
        return false;
    spec->addr = in.s_addr;
    spec->prefix = (unsigned)prefix;
    return true;
}

static int enter(const char *netns)
{
    char path[160];
    snprintf(path, sizeof path, netns[0] == '/' ? "%s" : "/run/netns/%s", netns);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int err = setns(fd, CLONE_NEWNET);
    close(fd);
    return err;
}

/* No address of its own for IPv6, so that the device sends nothing unasked. */
static void hush_ipv6(const char *name)
{
    char path[96];
    snprintf(path, sizeof path, "/proc/sys/net/ipv6/conf/%s/addr_gen_mode", name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)!write(fd, "1", 1);
    close(fd);
}

static void set_addr(struct ifreq *r, uint32_t addr)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = addr};
    memcpy(&r->ifr_addr, &in, sizeof in);
}

/* Sizes, address and the up flag. NULL, or the step that failed. */
static const char *configure(const struct link_dev_spec *spec, int sock)
{
    struct ifreq r;
    memset(&r, 0, sizeof r);
    memcpy(r.ifr_name, spec->name, sizeof spec->name);
    r.ifr_mtu = (int)spec->mtu;
    if (ioctl(sock, SIOCSIFMTU, &r) < 0)
        return "SIOCSIFMTU";
    r.ifr_qlen = DEVICE_QUEUE;
    if (ioctl(sock, SIOCSIFTXQLEN, &r) < 0)
        return "SIOCSIFTXQLEN";
    hush_ipv6(spec->name);
    if (spec->addr) {
        set_addr(&r, spec->addr);
        if (ioctl(sock, SIOCSIFADDR, &r) < 0)
            return "SIOCSIFADDR";
        set_addr(&r, htonl(spec->prefix == 32 ? UINT32_MAX : ~(UINT32_MAX >> spec->prefix)));
        if (ioctl(sock, SIOCSIFNETMASK, &r) < 0)
            return "SIOCSIFNETMASK";
    }
    if (ioctl(sock, SIOCGIFFLAGS, &r) < 0)
        return "SIOCGIFFLAGS";
    r.ifr_flags |= IFF_UP;
    return ioctl(sock, SIOCSIFFLAGS, &r) < 0 ? "SIOCSIFFLAGS" : NULL;
}

static int make_tun(const struct link_dev_spec *spec)
{
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        perror("skt-link: /dev/net/tun");
        return -1;
    }
    struct ifreq r;
    memset(&r, 0, sizeof r);
    memcpy(r.ifr_name, spec->name, sizeof spec->name);
    r.ifr_flags = IFF_TUN | IFF_NO_PI;
    int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const char *failed = ioctl(fd, TUNSETIFF, &r) < 0 ? "TUNSETIFF" : configure(spec, sock);
    if (failed) {
        fprintf(stderr, "skt-link: %s: ", spec->name);
        perror(failed);
        close(fd);
        fd = -1;
    }
    close(sock);
    return fd;
}

int link_dev_open(const struct link_dev_spec *spec)
{
    int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (home < 0 || (spec->netns[0] && enter(spec->netns) < 0)) {
        fprintf(stderr, "skt-link: namespace %s: ", spec->netns);
        perror(NULL);
        if (home >= 0)
            close(home);
        return -1;
    }
    int fd = make_tun(spec);
    if (setns(home, CLONE_NEWNET) < 0) {
        perror("skt-link: setns");
        if (fd >= 0)
            close(fd);
        fd = -1;
    }
    close(home);
    return fd;
}
