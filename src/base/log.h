/* SPDX-License-Identifier: MIT */
/* The process's log: one line per call with time and level, to stderr or a file. The only global state. */
#ifndef SKT_BASE_LOG_H
#define SKT_BASE_LOG_H

#include "base/clock.h"

enum skt_log_level { SKT_LOG_ERROR, SKT_LOG_WARN, SKT_LOG_INFO, SKT_LOG_DEBUG };

/* Sets what is written: this level and those before it. Default SKT_LOG_INFO. */
void skt_log_set_level(enum skt_log_level level);
enum skt_log_level skt_log_get_level(void);

/* The level of a name ("error", "warn", "info", "debug"), or SKT_ERR_ARG. */
int skt_log_level_of(const char *name);

/* Appends to the file at path from now on (NULL: stderr). SKT_ERR_IO with errno; the log stays where it was.
 */
int skt_log_open(const char *path);

void skt_log(enum skt_log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define skt_error(...) skt_log(SKT_LOG_ERROR, __VA_ARGS__)
#define skt_warn(...)  skt_log(SKT_LOG_WARN, __VA_ARGS__)
#define skt_info(...)  skt_log(SKT_LOG_INFO, __VA_ARGS__)
#define skt_debug(...) skt_log(SKT_LOG_DEBUG, __VA_ARGS__)

/* A throttle for messages that packets can provoke: zero-initialised, one per message. */
struct skt_log_throttle {
    skt_us next;         /* nothing before this */
    unsigned suppressed; /* messages left out since the last one */
};

/* May a message be written now? At most one each interval; *suppressed is how many were left out before it.
 */
bool skt_log_allow(struct skt_log_throttle *t, skt_us now, skt_us interval, unsigned *suppressed);

#endif
