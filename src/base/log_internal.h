/* SPDX-License-Identifier: MIT */
/* The inside of the log, for log*.c only. */
#ifndef SKT_BASE_LOG_INTERNAL_H
#define SKT_BASE_LOG_INTERNAL_H

#include "base/log.h"

/* A line with its end: in one write, so that lines of several processes do not mix, and no more than a pipe
 * takes whole or not at all (PIPE_BUF: 4096 on Linux; 512 on macOS, where a longer line may be cut). */
enum { SKT_LOG_LINE_MAX = 1024 };

/* Does the sink want "<priority>" instead of time and level? */
bool skt_log_sink_is_journal(void);

/* Writes a line without waiting; len with its '\n'. What can't be written is lost, and told before the next
 * line that can. */
void skt_log_sink_write(const char *line, size_t len);

/* Time and level, or the priority; returns the length. */
size_t skt_log_prefix(char *line, size_t cap, enum skt_log_level level);

/* Writes a finished text as a line. */
void skt_log_line(enum skt_log_level level, const char *text);

/* The time that limits go by (skt_log_set_clock). */
skt_us skt_log_now(void);

/* Debug lines: says what is left out and was not told yet; forgets everything, for another clock. */
void skt_log_debug_finish(void);
void skt_log_debug_reset(void);

#endif
