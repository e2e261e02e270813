/* SPDX-License-Identifier: MIT */
/* A run as a service of systemd's, or of another manager with its protocol: ready, reloading, stopping, how
 * it goes, and that it still turns. Does nothing where no manager asked. */
#ifndef SKT_CLI_SERVICE_H
#define SKT_CLI_SERVICE_H

#include "io/loop.h"

#include <stddef.h>

/* It listens: READY=1. From here on a status line every 10 s where it has changed, which describe writes, and
 * the watchdog's sign of life as often as the manager wants it. */
void skt_service_start(struct skt_loop *loop, void (*describe)(void *user, char *buf, size_t cap),
                       void *user);

/* SIGHUP: the configuration is being read again; and it has been, or was refused. */
void skt_service_reloading(void);
void skt_service_reloaded(void);

/* It has been told to end. */
void skt_service_stopping(void);

/* It has ended, or could not start; no timer is left. */
void skt_service_stop(void);

#endif
