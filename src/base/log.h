/* SPDX-License-Identifier: MIT */
/* The process's log: one line per call with time and level, to stderr or a file. The only global state; for
 * the loop's thread. Nothing here ever waits: a line that can't be written now is lost, and counted. */
#ifndef SKT_BASE_LOG_H
#define SKT_BASE_LOG_H

#include "base/clock.h"

#include <fcntl.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum skt_log_level { SKT_LOG_ERROR, SKT_LOG_WARN, SKT_LOG_INFO, SKT_LOG_DEBUG };

/* Sets what is written: this level and those before it. Default SKT_LOG_INFO. */
void skt_log_set_level(enum skt_log_level level);

/* "error", "warn", "info", "debug"; and the level of such a name, or SKT_ERR_ARG. */
const char *skt_log_level_str(enum skt_log_level level);
int skt_log_level_of(const char *name);

/* Appends to the file at path from now on (NULL: stderr), as skt_log_open_file opens it. SKT_ERR_IO with
 * errno, SKT_ERR_NOMEM; the log stays where it was. A service manager that reads stderr as its journal's
 * (JOURNAL_STREAM) gets "<priority>" instead of time and level. */
int skt_log_open(const char *path);

/* Opens the file at a log's path for appending, making it where there is none; never for long where a reader
 * stands still, and over no link, symbolic or hard, in a folder that others may write. The descriptor, or -1
 * with errno. */
int skt_log_open_file(const char *path);

/* Whether it would, as far as that can be told without doing it: 0 or an errno. */
int skt_log_check_file(const char *path);

/* errno of these in words; static, or strerror's. */
const char *skt_log_file_error(int error);

/* The same for a descriptor that somebody else has opened at that path; it is the log's from now on.
 * SKT_ERR_NOMEM. */
int skt_log_use(const char *path, int fd);

/* In a child that closes what it has inherited, before it does so: the log's descriptor is forgotten, and the
 * first line opens it anew. */
void skt_log_after_fork(void);

/* Writes a line, whatever bytes the arguments have: controls are escaped here, and only here. */
void skt_log(enum skt_log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

extern enum skt_log_level skt_log_level_now; /* for the next line only */
#define skt_log_is_on(level) ((level) <= skt_log_level_now)

#define skt_error(...) skt_log(SKT_LOG_ERROR, __VA_ARGS__)
#define skt_warn(...)  skt_log(SKT_LOG_WARN, __VA_ARGS__)
#define skt_info(...)  skt_log(SKT_LOG_INFO, __VA_ARGS__)

/* The story of connections and handshakes. Costs a comparison when it is off; the arguments are evaluated
 * only for what is written. All such lines together are bounded, and each source has its fair share, so that
 * a flood of one kind of line hides no other; what is left out is counted. The source is the place in the
 * program (skt_debug), or whose story it is (skt_debug_of, by skt_log_key): only for what a peer has proved
 * to be its own, or a flood of forged peers would take the places of the true ones. */
#define skt_debug_of(key, ...)                                                                               \
    do {                                                                                                     \
        if (skt_log_is_on(SKT_LOG_DEBUG) && skt_log_debug_allowed(key))                                      \
            skt_log(SKT_LOG_DEBUG, __VA_ARGS__);                                                             \
    } while (0)

#define skt_debug(...)                                                                                       \
    do {                                                                                                     \
        static const char skt_place_;                                                                        \
        skt_debug_of((uintptr_t)&skt_place_, __VA_ARGS__);                                                   \
    } while (0)

/* May this source write a debug line now? Counts it as written, or as left out. */
bool skt_log_debug_allowed(uint64_t source);

/* --- lines that a peer, a link, a target or a script can cause --- */

/* Said at once, then counted, and said again at intervals that grow, with a text and the count. What
 * is counted is told later also when it does not happen any more. All such lines together are one a second
 * at most (some more at first), whatever causes them; those left out for that wait for their turn. */
enum skt_log_pace {
    SKT_LOG_RARE,   /* a trouble that lasts: again after 10 s, 1 min, 5 min, 30 min */
    SKT_LOG_NEWS,   /* what is new each time (a session began): the first six of a minute at once */
    SKT_LOG_STEADY, /* what is worth a line only when it has gone on for 5 s (else it is forgotten); then as
                       RARE */
    SKT_LOG_SCRIPT, /* a script's own lines: fifty at once, then one a second; apart from the one a second of
                       all */
};

struct skt_log_site {
    enum skt_log_pace pace; /* how often it may be said */
};

/* key: whose trouble it is (skt_log_key), so that one peer's lines do not hide another's; 0: anybody's. True:
 * it was said now. */
bool skt_log_limited(const struct skt_log_site *site, enum skt_log_level level, uint64_t key, const char *fmt,
                     ...) __attribute__((format(printf, 4, 5)));

#define SKT_LOG_LIMITED(pace_, level, key, ...)                                                              \
    do {                                                                                                     \
        static const struct skt_log_site skt_site_ = {pace_};                                                \
        if (skt_log_is_on(level))                                                                            \
            (void)skt_log_limited(&skt_site_, level, key, __VA_ARGS__);                                      \
    } while (0)

#define skt_error_rarely(key, ...) SKT_LOG_LIMITED(SKT_LOG_RARE, SKT_LOG_ERROR, key, __VA_ARGS__)
#define skt_warn_rarely(key, ...)  SKT_LOG_LIMITED(SKT_LOG_RARE, SKT_LOG_WARN, key, __VA_ARGS__)
#define skt_info_rarely(key, ...)  SKT_LOG_LIMITED(SKT_LOG_RARE, SKT_LOG_INFO, key, __VA_ARGS__)
#define skt_info_steady(key, ...)  SKT_LOG_LIMITED(SKT_LOG_STEADY, SKT_LOG_INFO, key, __VA_ARGS__)
#define skt_info_news(key, ...)    SKT_LOG_LIMITED(SKT_LOG_NEWS, SKT_LOG_INFO, key, __VA_ARGS__)

/* A key from some bytes (a ticket, an address, a name); `more` goes in too. Never 0. */
uint64_t skt_log_key(const void *bytes, size_t len, uint64_t more);

/* When skt_log_expire has something to say; SKT_NEVER. */
skt_us skt_log_expiry(void);
void skt_log_expire(skt_us now);

/* Is told when skt_log_expiry has become earlier, to set a timer; NULL: nobody. */
void skt_log_set_waker(void (*wake)(void *user), void *user);

/* Says what is still counted; at the end. */
void skt_log_finish(void);

/* Another clock for limits, in tests; NULL: the monotonic one. */
void skt_log_set_clock(skt_us (*now)(void));

#endif
