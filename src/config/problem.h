/* SPDX-License-Identifier: MIT */
/* How a mistake is noted, and how the reading goes on behind it. A reader that fails ends by lua_error, which
 * skt_config_try catches. */
#ifndef SKT_CONFIG_PROBLEM_H
#define SKT_CONFIG_PROBLEM_H

#include "config/read.h"

/* One mistake. */
struct config_problem {
    unsigned line; /* in the file, from 1; 0: nobody knows */
    char *where;   /* "proxy_client.skcp_remote_servers[2].port" */
    char *text;    /* "<file>: <where>: expected ..., got ..."; NULL: said by another one */
};

/* Calls fn with the value on top of the stack as its own; the stack is as it was afterwards. False: it
 * failed, and what is wrong was noted. */
bool skt_config_try(struct config_reader *r, void (*fn)(struct config_reader *r, void *arg), void *arg);

/* Notes "<file>: <where>: <text>", unless something was said of this place or of one inside it already (it
 * would be the same mistake again), and ends the reading of this value. */
void skt_config_fail(struct config_reader *r, const char *fmt, ...)
    __attribute__((noreturn, format(printf, 2, 3)));

/* What is wrong at this place was said at another one. */
void skt_config_note_silently(struct config_reader *r);

/* Ends it with "expected <what>, got <the value on top of the stack>". */
void skt_config_fail_got(struct config_reader *r, const struct config_field *f, const char *what)
    __attribute__((noreturn));
void skt_config_fail_memory(struct config_reader *r) __attribute__((noreturn));

/* Hands on what was found, in the order of the file: the first in why, all of them in `problems` (may be
 * NULL), and forgets it. */
void skt_config_report(struct config_reader *r, char *why, size_t why_cap,
                       struct skt_config_strings *problems);

/* Adds a line to the list; line 0: nobody knows. Without memory it is left out. */
void skt_config_add_problem(struct skt_config_strings *problems, const char *text, unsigned line);

#endif
