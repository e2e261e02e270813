/* SPDX-License-Identifier: MIT */
#include "cli/service.h"

#include "io/notify.h"

#include <stdio.h>
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
    void (*describe)(void *user, char *buf, size_t cap);
    void *user;
    char said[LINE_MAX_LEN]; /* the last status line */
} service;

static void tell_status(void)
{
    char line[LINE_MAX_LEN] = "STATUS=";
    service.describe(service.user, line + strlen(line), sizeof line - strlen(line));
    if (strcmp(line, service.said) != 0)
        skt_notify(line);
    memcpy(service.said, line, sizeof line);
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

void skt_service_start(struct skt_loop *loop, void (*describe)(void *user, char *buf, size_t cap), void *user)
{
    if (!skt_notify_is_wanted())
        return;
    service.loop = loop;
    service.describe = describe;
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
