/* SPDX-License-Identifier: MIT */
#include "cli/status_table.h"

#include <math.h>

const char *skt_format_bytes(double bytes, char buf[SKT_FORMAT_MAX])
{
    static const char units[] = "kMGTP";
    if (!(bytes >= 1000)) {
        snprintf(buf, SKT_FORMAT_MAX, "%.0f B", bytes > 0 ? bytes : 0.0);
        return buf;
    }
    int unit = -1;
    /* 999.95 would be printed as 1000.0. */
    while ((bytes >= 999.95 || unit < 0) && units[unit + 1]) {
        bytes /= 1000;
        unit++;
    }
    snprintf(buf, SKT_FORMAT_MAX, bytes < 99.95 ? "%.1f %cB" : "%.0f %cB", bytes, units[unit]);
    return buf;
}

const char *skt_format_duration(double seconds, char buf[SKT_FORMAT_MAX])
{
    long s = seconds > 0 && seconds < 1e9 ? lround(seconds) : 0;
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

static double number(struct skt_json value, const char *path)
{
    return skt_json_number(skt_json_get(value, path), 0);
}

static const char *text(struct skt_json value, const char *path, char *buf, size_t cap)
{
    return skt_json_text(skt_json_get(value, path), buf, cap);
}

static void print_session(FILE *out, struct skt_json s)
{
    char state[16], peer[72], name[64], loss[24];
    char rtt[SKT_FORMAT_MAX] = "-", age[SKT_FORMAT_MAX], sent[SKT_FORMAT_MAX], got[SKT_FORMAT_MAX];
    double rtt_ms = number(s, "rtt_ms.smoothed");
    if (rtt_ms > 0)
        snprintf(rtt, sizeof rtt, "%.1f ms", rtt_ms);
    snprintf(loss, sizeof loss, "%.1f/%.1f %%", 100 * number(s, "loss_tx"), 100 * number(s, "loss_rx"));
    fprintf(out, "%10.0f  %-10s %-22s %6s %9s %12s %5.0f %8s %8s %7.0f  %s\n", number(s, "cid"),
            text(s, "state", state, sizeof state), text(s, "peer", peer, sizeof peer),
            skt_format_duration(number(s, "age_s"), age), rtt, loss, number(s, "mtu"),
            skt_format_bytes(number(s, "bytes_tx"), sent), skt_format_bytes(number(s, "bytes_rx"), got),
            number(s, "streams"), text(s, "name", name, sizeof name));
}

static void print_sessions(FILE *out, struct skt_json sessions)
{
    struct skt_json pos = {0}, item;
    if (!skt_json_next(sessions, &pos, &item)) {
        fputs("no session\n", out);
        return;
    }
    fprintf(out, "%10s  %-10s %-22s %6s %9s %12s %5s %8s %8s %7s  %s\n", "cid", "state", "peer", "age", "rtt",
            "loss out/in", "mtu", "sent", "received", "streams", "name");
    do {
        print_session(out, item);
    } while (skt_json_next(sessions, &pos, &item));
}

void skt_status_table_print(FILE *out, struct skt_json status)
{
    char version[32], mode[64], up[SKT_FORMAT_MAX], rss[SKT_FORMAT_MAX];
    fprintf(out, "skcptun %s  %s  pid %.0f  up %s  memory %s\n",
            text(status, "version", version, sizeof version), text(status, "mode", mode, sizeof mode),
            number(status, "pid"), skt_format_duration(number(status, "uptime_s"), up),
            skt_format_bytes(number(status, "rss_bytes"), rss));
    print_sessions(out, skt_json_get(status, "sessions"));
    fprintf(out, "tcp: %.0f open, %.0f accepted, %.0f refused, %.0f closed\n", number(status, "tcp.open"),
            number(status, "tcp.accepted"), number(status, "tcp.refused"), number(status, "tcp.closed"));
    fprintf(out, "packets dropped: %.0f not authentic, %.0f replayed, %.0f malformed, %.0f overload\n",
            number(status, "drops.auth"), number(status, "drops.replay"), number(status, "drops.malformed"),
            number(status, "drops.overload"));
}
