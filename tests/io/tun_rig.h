/* SPDX-License-Identifier: MIT */
/* What the tests of TUNs share: a namespace of their own, a loop a test, interfaces that are up. */
#ifndef SKT_TESTS_IO_TUN_RIG_H
#define SKT_TESTS_IO_TUN_RIG_H

#include "io/netns.h"

#include "base/check.h"
#include "base/err.h"
#include "io/run_for.h"
#include "io/tun.h"

#include <arpa/inet.h>
#include <sys/socket.h>

static bool can_run;

static struct skt_loop *loop;

static inline struct skt_tun *open_tun(const char *name, bool plain, const char *address)
{
    char err[SKT_TUN_ERROR_MAX] = "";
    struct skt_tun *tun = NULL;
    struct skt_ipnet net;
    int result =
        skt_tun_open(&tun, loop, &(struct skt_tun_options){.name = name, .plain = plain}, err, sizeof err);
    if (result)
        fail_msg("%s", err);
    assert_int_equal(skt_ipnet_parse(&net, address), SKT_OK);
    assert_int_equal(skt_tun_set_address(tun, &net, NULL), SKT_OK);
    assert_int_equal(skt_tun_set_up(tun), SKT_OK);
    return tun;
}

static inline int begin(void **state)
{
    (void)state;
    return can_run ? skt_loop_new(&loop) : 0;
}

static inline int end(void **state)
{
    (void)state;
    if (can_run)
        skt_loop_free(loop);
    return 0;
}

#define NEEDS_ROOT()                                                                                         \
    do {                                                                                                     \
        if (!can_run)                                                                                        \
            skip();                                                                                          \
    } while (0)

static inline int udp_to(const char *ip, uint16_t port)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, ip, &to.sin_addr);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

#endif
