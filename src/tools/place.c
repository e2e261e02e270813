/* SPDX-License-Identifier: MIT */
#include "tools/place.h"

#include <string.h>

static bool is_port(const char *port)
{
    return *port && strspn(port, "0123456789-") == strlen(port);
}

bool skt_place_read(const char *text, const char *default_host, const char *every_host, struct skt_place *out)
{
    const char *colon = strrchr(text, ':');
    const char *port = colon ? colon + 1 : text;
    const char *host = colon ? text : default_host;
    size_t host_len = colon ? (size_t)(colon - text) : host ? strlen(host) : 0;
    if (!host)
        return false;
    if (host_len >= 2 && host[0] == '[' && host[host_len - 1] == ']') {
        host++;
        host_len -= 2;
    } else if (colon && memchr(host, ':', host_len)) {
        return false; /* IPv6 without brackets: where would the port begin? */
    }
    if (host_len == 0) {
        host = every_host;
        host_len = host ? strlen(host) : 0;
    }
    if (!host || host_len >= sizeof out->host || strlen(port) >= sizeof out->port || !is_port(port))
        return false;
    memcpy(out->host, host, host_len);
    out->host[host_len] = 0;
    strcpy(out->port, port);
    return true;
}
