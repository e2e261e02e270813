/* SPDX-License-Identifier: MIT */
/* Runs a program and waits for its end, with a time limit: for the helper process of netcfg/netcfg.h, which
 * may block. Never call it from the loop. */
#ifndef SKT_NETCFG_HOOK_H
#define SKT_NETCFG_HOOK_H

#include <stdbool.h>
#include <stddef.h>

enum {
    SKT_HOOK_TEXT_MAX = 512,    /* bytes of what is wrong: one line, as an answer's */
    SKT_HOOK_TOOL_LIMIT_S = 10, /* for nft and the like, which take some ms; at worst they wait for a lock */
};

struct skt_hook {
    const char *const *argv; /* argv[0]: a path, or a name that is looked for in PATH and the sbin folders */
    const char *const *env;  /* "NAME=value" beside PATH, which is always set; NULL: none */
    const char *input;       /* what it gets on stdin, up to 4 KiB; NULL: nothing */
    double limit_s;          /* then it and its children are ended */
    char *output;            /* takes the end of what it wrote; NULL: not wanted */
    size_t output_cap;       /* bytes of `output` */
};

/* 0: it ended with status 0. SKT_ERR_NOTFOUND: no such program; SKT_ERR_AGAIN: the time limit; SKT_ERR_ARG:
 * another status or a signal; SKT_ERR_NOMEM: it was not started, for want of memory, processes or
 * descriptors; SKT_ERR_IO. text: what is wrong in one line, with the last line that it wrote.
 */
int skt_hook_run(const struct skt_hook *hook, char text[SKT_HOOK_TEXT_MAX]);

/* Is there such a program? */
bool skt_hook_exists(const char *name);

#endif
