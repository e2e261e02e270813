/* SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "base/log_internal.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum skt_log_level skt_log_level_now = SKT_LOG_INFO;

void skt_log_set_level(enum skt_log_level level)
{
    skt_log_level_now = level;
}

const char *skt_log_level_str(enum skt_log_level level)
{
    switch (level) {
    case SKT_LOG_ERROR:
        return "error";
    case SKT_LOG_WARN:
        return "warn";
    case SKT_LOG_INFO:
        return "info";
    case SKT_LOG_DEBUG:
        break;
    }
    return "debug";
}

int skt_log_level_of(const char *name)
{
    for (int i = SKT_LOG_ERROR; i <= SKT_LOG_DEBUG; i++)
        if (strcmp(name, skt_log_level_str((enum skt_log_level)i)) == 0)
            return i;
    return SKT_ERR_ARG;
}

size_t skt_log_prefix(char *line, size_t cap, enum skt_log_level level)
{
    static const int priorities[] = {3, 4, 6, 7}; /* syslog(3) */
    if (skt_log_sink_is_journal())
        return (size_t)snprintf(line, cap, "<%d>", priorities[level]);
    struct timespec ts;
    struct tm tm;
    clock_gettime(CLOCK_REALTIME, &ts);
    localtime_r(&ts.tv_sec, &tm);
    size_t n = strftime(line, cap, "%Y-%m-%d %H:%M:%S", &tm);
    return n + (size_t)snprintf(line + n, cap - n, ".%03ld %-5s ", ts.tv_nsec / 1000000,
                                skt_log_level_str(level));
}

/* Of the UTF-8 sequence at s, len bytes: does it steer a terminal (C1), or the order of what is read? */
static bool is_control(const unsigned char *s, size_t len)
{
    bool c1 = len == 2 && s[0] == 0xc2 && s[1] < 0xa0;
    bool bidi = len == 3 && s[0] == 0xe2 &&
                ((s[1] == 0x80 && s[2] >= 0xa8 && s[2] <= 0xae) || (s[1] == 0x81 && s[2] >= 0xa6));
    return c1 || (bidi && (s[1] == 0x80 || s[2] <= 0xa9));
}

/* Escapes what would steer a terminal or begin a line: controls, C1 controls, what is not UTF-8. Returns the
 * length, at most cap. */
static size_t escape(char *out, size_t cap, const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t n = 0;
    while (*s) {
        size_t len = *s < 0x80 ? 1 : skt_utf8_len(s);
        bool plain = len == 1 ? (*s >= 0x20 && *s != 0x7f) || *s == '\t' : len > 0 && !is_control(s, len);
        char escaped[8];
        if (!plain) {
            int m = snprintf(escaped, sizeof escaped, *s == '\n' ? "\\n" : "\\x%02x", *s);
            if (n + (size_t)m > cap)
                return n;
            memcpy(out + n, escaped, (size_t)m);
            n += (size_t)m;
            s++;
            continue;
        }
        if (n + len > cap)
            return n;
        memcpy(out + n, s, len);
        n += len;
        s += len;
    }
    return n;
}

void skt_log_line(enum skt_log_level level, const char *text)
{
    char line[SKT_LOG_LINE_MAX];
    size_t n = skt_log_prefix(line, sizeof line, level);
    n += escape(line + n, sizeof line - 1 - n, text);
    line[n++] = '\n';
    skt_log_sink_write(line, n);
}

void skt_log(enum skt_log_level level, const char *fmt, ...)
{
    if (!skt_log_is_on(level))
        return;
    char text[SKT_LOG_LINE_MAX];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n >= 0)
        skt_log_line(level, text);
}
