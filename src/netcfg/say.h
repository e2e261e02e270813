/* SPDX-License-Identifier: MIT */
/* In the helper: what goes with an answer. One line for people, and whether the cause of a failure passes:
 * such a change is tried again (owed.h). */
#ifndef SKT_NETCFG_SAY_H
#define SKT_NETCFG_SAY_H

struct skt_netcfg_helper;

/* Before an attempt: nothing was said, and nothing has failed. */
void skt_netcfg_say_nothing(struct skt_netcfg_helper *h);

/* Sets the answer's text; returns err. SKT_ERR_NOMEM passes. */
int skt_netcfg_say(struct skt_netcfg_helper *h, int err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for a system call that failed, with errno's text at the end; errno tells whether it passes. */
int skt_netcfg_say_errno(struct skt_netcfg_helper *h, int err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for a program that was run (netcfg/hook.h), by its error and what it said. */
int skt_netcfg_say_tool(struct skt_netcfg_helper *h, int err, const char *what, const char *text);

#endif
