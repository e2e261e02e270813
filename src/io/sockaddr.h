/* SPDX-License-Identifier: MIT */
/* Between struct skt_addr and the system's socket addresses. */
#ifndef SKT_IO_SOCKADDR_H
#define SKT_IO_SOCKADDR_H

#include "base/addr.h"

#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

/* An address in the system's form; sa says which of the others it is. */
union skt_sockaddr {
    struct sockaddr sa;     /* its family */
    struct sockaddr_in v4;  /* AF_INET */
    struct sockaddr_in6 v6; /* AF_INET6 */
};

/* Writes the system's form; its length, or 0 for an address of no family. */
socklen_t skt_sockaddr_of(union skt_sockaddr *out, const struct skt_addr *addr);

/* Reads the system's form; family 0 for what is neither IPv4 nor IPv6. An IPv4-mapped IPv6 address becomes
 * IPv4. */
void skt_sockaddr_read(struct skt_addr *out, const struct sockaddr *sa);

/* Makes a descriptor non-blocking and closed on exec. SKT_ERR_IO. */
int skt_fd_prepare(int fd);

#endif
