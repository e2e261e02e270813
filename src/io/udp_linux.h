/* SPDX-License-Identifier: MIT */
/* For udp_linux.c and udp_send_linux.c: options of UDP sockets that older C libraries do not name
 * (linux/udp.h). */
#ifndef SKT_IO_UDP_LINUX_H
#define SKT_IO_UDP_LINUX_H

#include "io/udp_internal.h"

#include <netinet/udp.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif
#ifndef SOL_UDP
#define SOL_UDP 17
#endif

#endif
