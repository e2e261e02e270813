/* SPDX-License-Identifier: MIT */
#include "cli/service.h"

#include "cli/json.h"
#include "io/notify.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A person looks at it, not a program: what changed within some seconds is news. */
static const skt_us status_interval = 10 * SKT_US_PER_SEC;

enum { LINE_MAX_LEN = 200 };

/* One process is one service. */
static struct {
    struct skt_loop *loop; /* NULL: no manager, or not running */
    struct skt_loop_timer status, watchdog;
    skt_us alive_interval; /* how often the watchdog is told; 0: never */
    void (*write_status)(void *user, FILE *out);
    void *user;
    char said[LINE_MAX_LEN]; /* the last status line */
} service;

/* "proxy_client: 1 session up, 1 connecting; 3 connections". */
static void describe(struct skt_json status, char line[LINE_MAX_LEN])
{
    char mode[64], state[16];
    unsigned up = 0, others = 0;
    struct skt_json pos = {0}, session;
    while (skt_json_next(skt_json_get(status, "sessions"), &pos, &session)) {
        bool is_up = strcmp(skt_json_text(skt_json_get(session, "state"), state, sizeof state), "up") == 0;
        up += is_up;
        others += !is_up;
    }
    char rest[32] = "";
    if (others)
        snprintf(rest, sizeof rest, ", %u not", others);
    snprintf(line, LINE_MAX_LEN, "STATUS=%s: %u session%s up%s; %.0f connections",
             skt_json_text(skt_json_get(status, "mode"), mode, sizeof mode), up, up == 1 ? "" : "s", rest,
             skt_json_number(skt_json_get(status, "tcp.open"), 0));
}

static void tell_status(void)
{
    char *json = NULL, line[LINE_MAX_LEN];
    size_t len;
    FILE *out = open_memstream(&json, &len);
    if (!out)
        return;
    service.write_status(service.user, out);
    if (fclose(out) == 0) {
        describe(skt_json_of(json, len), line);
        if (strcmp(line, service.said) != 0)
            skt_notify(line);
        memcpy(service.said, line, sizeof line);
    }
    free(json);
}

static void on_status(struct skt_loop_timer *t, skt_us now)
{
    tell_status();
    skt_loop_timer_set(service.loop, t, now + status_interval);
}

static void on_watchdog(struct skt_loop_timer *t, skt_us now)
{
    skt_notify("WATCHDOG=1");
    skt_loop_timer_set(service.loop, t, now + service.alive_interval);
}

void skt_service_start(struct skt_loop *loop, void (*write_status)(void *user, FILE *out), void *user)
{
    if (!skt_notify_is_wanted())
        return;
    service.loop = loop;
    service.write_status = write_status;
    service.user = user;
    /* Twice as often as it must be: one may be late. */
    service.alive_interval = skt_notify_watchdog() / 2;
    skt_loop_timer_init(&service.status, on_status);
    skt_loop_timer_init(&service.watchdog, on_watchdog);
    skt_notify("READY=1");
    on_status(&service.status, skt_loop_now(loop));
    if (service.alive_interval > 0)
        on_watchdog(&service.watchdog, skt_loop_now(loop));
}

void skt_service_reloading(void)
{
    char text[64];
    struct timespec ts;
    if (!service.loop)
        return;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%lld",
             (long long)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
    skt_notify(text);
}

void skt_service_reloaded(void)
{
    if (service.loop)
        skt_notify("READY=1");
}

void skt_service_stopping(void)
{
    if (service.loop)
        skt_notify("STOPPING=1");
}

void skt_service_stop(void)
{
    if (!service.loop)
        return;
    skt_loop_timer_stop(service.loop, &service.status);
    skt_loop_timer_stop(service.loop, &service.watchdog);
    service.loop = NULL;
}
