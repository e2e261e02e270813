/* SPDX-License-Identifier: MIT */
/* What a service tells the manager that started it (sd_notify(3)): a datagram to the socket that
 * NOTIFY_SOCKET names. Without one, nothing happens. */
#ifndef SKT_IO_NOTIFY_H
#define SKT_IO_NOTIFY_H

#include "base/clock.h"

#include <stdbool.h>

/* Does somebody listen? */
bool skt_notify_is_wanted(void);

/* Sends assignments, one a line ("READY=1\nSTATUS=..."). Never blocks; what can't be sent is lost, as the
 * protocol has it. */
void skt_notify(const char *assignments);

/* How often the manager wants "WATCHDOG=1" from this very process at least (WATCHDOG_USEC, WATCHDOG_PID); 0:
 * it does not. */
skt_us skt_notify_watchdog(void);

#endif
