/* SPDX-License-Identifier: MIT */
/* A place as people write it on a command line: a host and a port, or a range of ports. */
#ifndef SKT_TOOLS_PLACE_H
#define SKT_TOOLS_PLACE_H

#include <stdbool.h>

struct skt_place {
    char host[256];
    char port[16]; /* digits, or a range "4000-4010" */
};

/* Reads "HOST:PORT" or "[IPV6]:PORT"; where every_host is not NULL also ":PORT", where default_host is not
 * NULL also "PORT" alone: that is the host then. False where the text is none of these; *out is undefined
 * then. */
bool skt_place_read(const char *text, const char *default_host, const char *every_host,
                    struct skt_place *out);

#endif
