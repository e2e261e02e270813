/* SPDX-License-Identifier: MIT */
/* A port of loopback for a test's server. */
#ifndef SKT_TESTS_BASE_FREE_PORT_H
#define SKT_TESTS_BASE_FREE_PORT_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

static inline bool can_bind(int type, uint16_t port)
{
    struct sockaddr_in addr = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, type, 0);
    bool free = fd >= 0 && bind(fd, (const struct sockaddr *)&addr, sizeof addr) == 0;
    if (fd >= 0)
        close(fd);
    return free;
}

/* Free for TCP and UDP now; 0: none found. From below the range that systems give to connections (from 32768
 * on Linux, 49152 on macOS): a port from there could be somebody's before the server has it. Programs that
 * run at the same time begin at different places. */
static inline uint16_t free_port(void)
{
    enum { FIRST = 12000, COUNT = 20000 };
    static unsigned next;
    if (next == 0)
        next = (unsigned)getpid() * 97;
    for (int i = 0; i < COUNT; i++) {
        uint16_t port = (uint16_t)(FIRST + next++ % COUNT);
        if (can_bind(SOCK_STREAM, port) && can_bind(SOCK_DGRAM, port))
            return port;
    }
    return 0;
}

#endif
