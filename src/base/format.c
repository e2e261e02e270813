/* SPDX-License-Identifier: MIT */
#include "base/format.h"

#include <stdio.h>

const char *skt_format_bytes(double bytes, char buf[SKT_FORMAT_MAX])
{
    static const char units[] = "kMGTP";
    if (!(bytes >= 1000)) {
        snprintf(buf, SKT_FORMAT_MAX, "%.0f B", bytes > 0 ? bytes : 0.0);
        return buf;
    }
    int unit = -1;
    /* 999.5 would be printed as 1000. */
    while ((bytes >= 999.5 || unit < 0) && units[unit + 1]) {
        bytes /= 1000;
        unit++;
    }
    snprintf(buf, SKT_FORMAT_MAX, bytes < 99.95 ? "%.1f %cB" : "%.0f %cB", bytes, units[unit]);
    return buf;
}

const char *skt_format_duration(double seconds, char buf[SKT_FORMAT_MAX])
{
    long s = seconds > 0 && seconds < 1e9 ? (long)(seconds + 0.5) : 0;
    if (s < 60)
        snprintf(buf, SKT_FORMAT_MAX, "%lds", s);
    else if (s < 3600)
        snprintf(buf, SKT_FORMAT_MAX, "%ldm%02lds", s / 60, s % 60);
    else if (s < 48 * 3600)
        snprintf(buf, SKT_FORMAT_MAX, "%ldh%02ldm", s / 3600, s / 60 % 60);
    else
        snprintf(buf, SKT_FORMAT_MAX, "%ldd%02ldh", s / 86400, s / 3600 % 24);
    return buf;
}
