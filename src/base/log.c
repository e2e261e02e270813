/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static enum skt_log_level log_level = SKT_LOG_INFO;
static FILE *log_file; /* NULL: stderr */

static const char *const level_names[] = {"error", "warn", "info", "debug"};

void skt_log_set_level(enum skt_log_level level)
{
    log_level = level;
}

enum skt_log_level skt_log_get_level(void)
{
    return log_level;
}

int skt_log_level_of(const char *name)
{
    for (int i = 0; i <= SKT_LOG_DEBUG; i++)
        if (strcmp(name, level_names[i]) == 0)
            return i;
    return SKT_ERR_ARG;
}

int skt_log_open(const char *path)
{
    FILE *f = NULL;
    if (path) {
        f = fopen(path, "ae");
        if (!f)
            return SKT_ERR_IO;
        setvbuf(f, NULL, _IOLBF, 0);
    }
    if (log_file)
        fclose(log_file);
    log_file = f;
    return SKT_OK;
}

void skt_log(enum skt_log_level level, const char *fmt, ...)
{
    if (level > log_level)
        return;
    char line[1024];
    struct timespec ts;
    struct tm tm;
    clock_gettime(CLOCK_REALTIME, &ts);
    localtime_r(&ts.tv_sec, &tm);
    size_t n = strftime(line, sizeof line, "%Y-%m-%d %H:%M:%S", &tm);
    n +=
        (size_t)snprintf(line + n, sizeof line - n, ".%03ld %-5s ", ts.tv_nsec / 1000000, level_names[level]);
    va_list ap;
    va_start(ap, fmt);
    int m = vsnprintf(line + n, sizeof line - n - 1, fmt, ap);
    va_end(ap);
    if (m > 0)
        n += (size_t)m < sizeof line - n - 1 ? (size_t)m : sizeof line - n - 2;
    for (size_t i = 0; i < n; i++) /* nothing that steers a terminal; a traceback may have lines */
        if (((unsigned char)line[i] < 0x20 && line[i] != '\n' && line[i] != '\t') || line[i] == 0x7f)
            line[i] = '?';
    /* One write for the line and its end, so that lines of several processes do not mix. */
    line[n++] = '\n';
    FILE *out = log_file ? log_file : stderr;
    (void)!fwrite(line, 1, n, out);
    fflush(out);
}

bool skt_log_allow(struct skt_log_throttle *t, skt_us now, skt_us interval, unsigned *suppressed)
{
    if (now < t->next) {
        t->suppressed++;
        return false;
    }
    *suppressed = t->suppressed;
    t->suppressed = 0;
    t->next = now + interval;
    return true;
}
