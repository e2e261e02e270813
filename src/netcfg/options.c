/* SPDX-License-Identifier: MIT */
#include "netcfg/options.h"

#include "base/err.h"
#include "base/log.h"
#include "netcfg/request.h"
#include "netcfg/say.h"
#include "netcfg/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const double default_limit_s = 10; /* of a script: it sets a rule or tells a daemon */

static int set_path(char path[SKT_NETCFG_PATH_MAX], const char *value)
{
    size_t len = strlen(value);
    if (len == 0 || len >= SKT_NETCFG_PATH_MAX)
        return SKT_ERR_ARG;
    memcpy(path, value, len + 1);
    return SKT_OK;
}

/* One line of what the configuration wants. */
static int on_option(struct skt_netcfg_helper *h, char *line, char journal[SKT_NETCFG_PATH_MAX])
{
    char *rest = line + strcspn(line, " ");
    if (*rest)
        *rest++ = '\0';
    if (strcmp(line, "journal") == 0)
        return set_path(journal, rest);
    if (strcmp(line, "log") == 0) {
        (void)skt_log_open(rest); /* or stderr */
        return SKT_OK;
    }
    if (strcmp(line, "resolv-conf") == 0)
        return set_path(h->dns.resolv_conf, rest);
    if (strcmp(line, "down") == 0)
        return set_path(h->scripts.paths[0], rest);
    if (strcmp(line, "up") == 0)
        return set_path(h->scripts.paths[1], rest);
    if (strcmp(line, "address") == 0)
        return skt_netcfg_interface_address(h, rest);
    if (strcmp(line, "shut") == 0)
        return skt_netcfg_nets_add(&h->shut, rest);
    if (strcmp(line, "limit-ms") == 0) {
        h->scripts.limit_s = (double)strtoul(rest, NULL, 10) / 1000;
        return SKT_OK;
    }
    return skt_netcfg_may_add(&h->may, line, rest);
}

static int read_lines(struct skt_netcfg_helper *h, char journal[SKT_NETCFG_PATH_MAX])
{
    char line[SKT_NETCFG_REQUEST_MAX];
    size_t len = 0;
    for (;;) {
        char c;
        ssize_t got = read(h->fd, &c, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0 || len == sizeof line)
            return SKT_ERR_CLOSED;
        if (c != '\n') {
            line[len++] = c;
            continue;
        }
        if (len == sizeof line)
            return SKT_ERR_CLOSED;
        line[len] = '\0';
        len = 0;
        if (strcmp(line, "begin") == 0)
            return SKT_OK;
        int err = on_option(h, line, journal);
        if (err)
            return skt_netcfg_say(h, err, "the helper process does not take \"%.100s\"", line);
    }
}

int skt_netcfg_options_read(struct skt_netcfg_helper *h, char journal[SKT_NETCFG_PATH_MAX])
{
    int err = read_lines(h, journal);
    if (!h->dns.resolv_conf[0])
        (void)set_path(h->dns.resolv_conf, "/etc/resolv.conf");
    if (h->scripts.limit_s <= 0)
        h->scripts.limit_s = default_limit_s;
    return err;
}
