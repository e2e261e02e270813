/* SPDX-License-Identifier: MIT */
#include "link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void link_settings_init(struct link_settings *s)
{
    memset(s, 0, sizeof *s);
    s->mtu = 1500;
    s->buffer_ns = 100 * LINK_NS_PER_MS;
    s->queue_bytes = 500000;
}

void link_settings_dispose(struct link_settings *s)
{
    link_trace_free(s->trace);
    s->trace = NULL;
}

/* A number at *text, which moves behind it. */
static bool number(const char **text, double *out)
{
    char *end;
    *out = strtod(*text, &end);
    bool ok = end != *text && *out >= 0 && *out < 1e15;
    *text = end;
    return ok;
}

static bool share(const char **text, double *out)
{
    return number(text, out) && *out <= 1;
}

/* A time: "20", "20ms", "500us", "1.5s". */
static bool duration(const char **text, int64_t *ns)
{
    double v;
    if (!number(text, &v))
        return false;
    double unit = LINK_NS_PER_MS;
    if (strncmp(*text, "ms", 2) == 0) {
        *text += 2;
    } else if (strncmp(*text, "us", 2) == 0) {
        *text += 2;
        unit = 1000;
    } else if (**text == 's') {
        *text += 1;
        unit = LINK_NS_PER_SEC;
    }
    *ns = (int64_t)(v * unit);
    return true;
}

static bool comma(const char **text)
{
    return *(*text)++ == ',';
}

static bool set_burst(struct link_settings *s, const char **v)
{
    s->burst_loss = 1;
    if (!share(v, &s->burst_enter) || !comma(v) || !share(v, &s->burst_leave))
        return false;
    return **v != ',' || (comma(v) && share(v, &s->burst_loss));
}

static bool set_rate(struct link_settings *s, const char **v)
{
    double mbit;
    if (!number(v, &mbit))
        return false;
    s->ns_per_byte = mbit > 0 ? 8000 / mbit : 0;
    return true;
}

static bool set_mtu(struct link_settings *s, const char **v)
{
    double mtu;
    if (!number(v, &mtu) || mtu < 68 || mtu > 65535)
        return false;
    s->mtu = (unsigned)mtu;
    return true;
}

static bool set_port(unsigned *port, const char **v)
{
    double n;
    if (!number(v, &n) || n > 65535)
        return false;
    *port = (unsigned)n;
    return true;
}

static bool set_queue(uint64_t *bytes, const char **v)
{
    double n;
    if (!number(v, &n))
        return false;
    *bytes = (uint64_t)n;
    return true;
}

/* A file, or "none". */
static bool set_trace(struct link_settings *s, const char **v, const char **why)
{
    s->trace = strcmp(*v, "none") == 0 ? NULL : link_trace_read(*v, why);
    *v += strlen(*v);
    return !*why;
}

static bool set_walk(struct link_settings *s, const char **v)
{
    double seed;
    if (!number(v, &seed))
        return false;
    s->trace = link_trace_walk((uint64_t)seed);
    return s->trace != NULL;
}

static bool set_flag(bool *flag, const char **v)
{
    double on;
    if (!number(v, &on))
        return false;
    *flag = on != 0;
    return true;
}

/* *why: set where the key is unknown, or more can be said than that the value is bad. */
static bool parse(struct link_settings *s, const char *key, const char **v, const char **why)
{
    if (strcmp(key, "delay") == 0)
        return duration(v, &s->delay_ns);
    if (strcmp(key, "jitter") == 0)
        return duration(v, &s->jitter_ns);
    if (strcmp(key, "buffer") == 0)
        return duration(v, &s->buffer_ns);
    if (strcmp(key, "loss") == 0)
        return share(v, &s->loss);
    if (strcmp(key, "dup") == 0)
        return share(v, &s->dup);
    if (strcmp(key, "burst") == 0)
        return set_burst(s, v);
    if (strcmp(key, "reorder") == 0) {
        s->reorder_ns = s->reorder_ns ? s->reorder_ns : 10 * LINK_NS_PER_MS;
        return share(v, &s->reorder) && (**v != ',' || (comma(v) && duration(v, &s->reorder_ns)));
    }
    if (strcmp(key, "rate") == 0)
        return set_rate(s, v);
    if (strcmp(key, "mtu") == 0)
        return set_mtu(s, v);
    if (strcmp(key, "block") == 0)
        return set_port(&s->block, v);
    if (strcmp(key, "icmp") == 0)
        return set_flag(&s->icmp, v);
    if (strcmp(key, "down") == 0)
        return set_flag(&s->down, v);
    if (strcmp(key, "queue-bytes") == 0)
        return set_queue(&s->queue_bytes, v);
    if (strcmp(key, "walk") == 0)
        return set_walk(s, v);
    if (strcmp(key, "trace") == 0)
        return set_trace(s, v, why);
    *why = "no such setting";
    return false;
}

const char *link_settings_set(struct link_settings *s, const char *key, const char *value)
{
    static char message[192];
    char name[32];
    snprintf(name, sizeof name, "%.31s", key);
    char *dash = strrchr(name, '-');
    if (dash && (strcmp(dash, "-ms") == 0 || strcmp(dash, "-mbit") == 0))
        *dash = '\0';
    struct link_settings next = *s;
    const char *at = value, *why = NULL;
    bool good = parse(&next, name, &at, &why) && !*at;
    if (next.trace != s->trace)
        link_trace_free(good ? s->trace : next.trace);
    if (!good) {
        snprintf(message, sizeof message, "%s: %.30s=%.90s", why ? why : "bad value", key, value);
        return message;
    }
    *s = next;
    return NULL;
}
