/* SPDX-License-Identifier: MIT */
#include "base/check.h"
#include "base/err.h"
#include "io/tcp.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static struct skt_addr address(const char *ip, uint16_t port)
{
    struct skt_addr a;
    assert_int_equal(skt_addr_parse(&a, ip, port), SKT_OK);
    return a;
}

static void wait_for(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};
    assert_int_equal(poll(&p, 1, 60000), 1);
}

/* A connected pair over loopback. */
static void connect_pair(const char *ip, int *client, int *server, int *listener)
{
    struct skt_addr any = address(ip, 0), at, from, own;
    *listener = skt_tcp_listen(&any, 16);
    check_that(*listener, >=, 0);
    assert_int_equal(skt_tcp_local(*listener, &at), SKT_OK);
    assert_int_equal(skt_tcp_accept(*listener, &from), SKT_ERR_AGAIN);
    *client = skt_tcp_connect(&at);
    check_that(*client, >=, 0);
    wait_for(*client, POLLOUT);
    assert_int_equal(skt_tcp_connect_result(*client), SKT_OK);
    wait_for(*listener, POLLIN);
    *server = skt_tcp_accept(*listener, &from);
    check_that(*server, >=, 0);
    assert_int_equal(skt_tcp_local(*client, &own), SKT_OK);
    assert_true(skt_addr_equal(&own, &from));
    assert_int_equal(skt_tcp_peer(*client, &own), SKT_OK);
    assert_true(skt_addr_equal(&own, &at));
}

static void close_all(int a, int b, int c)
{
    close(a);
    close(b);
    close(c);
}

static void connects_and_carries_bytes(void **state)
{
    (void)state;
    static const char *const ips[] = {"127.0.0.1", "::1"};
    for (size_t i = 0; i < 2; i++) {
        int client, server, listener;
        char buf[8] = "";
        connect_pair(ips[i], &client, &server, &listener);
        assert_true(fcntl(server, F_GETFL) & O_NONBLOCK);
        assert_true(fcntl(client, F_GETFL) & O_NONBLOCK);
        assert_true(fcntl(server, F_GETFD) & FD_CLOEXEC);
        assert_int_equal(write(client, "hello", 5), 5);
        wait_for(server, POLLIN);
        assert_int_equal(read(server, buf, sizeof buf), 5);
        assert_string_equal(buf, "hello");
        close_all(client, server, listener);
    }
}

static void a_refused_connect_is_told(void **state)
{
    (void)state;
    struct skt_addr any = address("127.0.0.1", 0), at;
    int listener = skt_tcp_listen(&any, 1);
    assert_int_equal(skt_tcp_local(listener, &at), SKT_OK);
    close(listener);
    int fd = skt_tcp_connect(&at);
    if (fd < 0) {
        assert_int_equal(fd, SKT_ERR_IO);
        assert_int_equal(errno, ECONNREFUSED);
        return;
    }
    wait_for(fd, POLLOUT);
    assert_int_equal(skt_tcp_connect_result(fd), SKT_ERR_IO);
    assert_int_equal(errno, ECONNREFUSED);
    close(fd);
}

static void a_listener_tells_a_taken_port(void **state)
{
    (void)state;
    struct skt_addr any = address("127.0.0.1", 0), at, none = {0};
    int listener = skt_tcp_listen(&any, 1);
    assert_int_equal(skt_tcp_local(listener, &at), SKT_OK);
    assert_int_equal(skt_tcp_listen(&at, 1), SKT_ERR_IO);
    assert_int_equal(errno, EADDRINUSE);
    assert_int_equal(skt_tcp_listen(&none, 1), SKT_ERR_ARG);
    close(listener);
}

static void a_reset_is_a_reset(void **state)
{
    (void)state;
    int client, server, listener;
    char buf[8];
    connect_pair("127.0.0.1", &client, &server, &listener);
    assert_int_equal(skt_tcp_state(client), SKT_TCP_OPEN);
    skt_tcp_reset(server);
    wait_for(client, POLLIN);
    assert_int_equal(skt_tcp_state(client), SKT_TCP_DEAD);
    assert_int_equal(read(client, buf, sizeof buf), -1);
    assert_int_equal(errno, ECONNRESET);
    close(client);
    close(listener);
}

static void a_half_closed_peer_is_not_dead(void **state)
{
    (void)state;
    int client, server, listener;
    connect_pair("127.0.0.1", &client, &server, &listener);
    assert_int_equal(write(server, "x", 1), 1);
    assert_int_equal(shutdown(server, SHUT_WR), 0);
    wait_for(client, POLLIN);
#ifdef POLLRDHUP
    assert_int_equal(skt_tcp_state(client), SKT_TCP_HALF_CLOSED);
#endif
    /* Both directions ended, with a byte still to be read: closed, but not dead. */
    assert_int_equal(shutdown(client, SHUT_WR), 0);
    assert_int_not_equal(skt_tcp_state(client), SKT_TCP_DEAD);
    close_all(client, server, listener);
}

static void options_are_set(void **state)
{
    (void)state;
    int client, server, listener, value = 0;
    socklen_t len = sizeof value;
    connect_pair("127.0.0.1", &client, &server, &listener);
    assert_int_equal(skt_tcp_set_nodelay(client), SKT_OK);
    assert_int_equal(getsockopt(client, IPPROTO_TCP, TCP_NODELAY, &value, &len), 0);
    assert_int_not_equal(value, 0);
    assert_int_equal(skt_tcp_set_keepalive(client, 60, 10, 3), SKT_OK);
    assert_int_equal(getsockopt(client, SOL_SOCKET, SO_KEEPALIVE, &value, &len), 0);
    assert_int_not_equal(value, 0);
    assert_int_equal(getsockopt(client, IPPROTO_TCP, TCP_KEEPCNT, &value, &len), 0);
    assert_int_equal(value, 3);
    close_all(client, server, listener);
}

static void running_out_of_descriptors_is_told(void **state)
{
    (void)state;
    struct skt_addr any = address("127.0.0.1", 0), at;
    int listener = skt_tcp_listen(&any, 4);
    assert_int_equal(skt_tcp_local(listener, &at), SKT_OK);
    int client = skt_tcp_connect(&at);
    check_that(client, >=, 0);
    wait_for(listener, POLLIN);
    struct rlimit before, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 3;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int result = skt_tcp_accept(listener, NULL);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(result, SKT_ERR_FULL);
    int server = skt_tcp_accept(listener, NULL);
    check_that(server, >=, 0);
    close_all(client, server, listener);
}

CHECK_GROUP(tcp)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connects_and_carries_bytes),         cmocka_unit_test(a_refused_connect_is_told),
        cmocka_unit_test(a_listener_tells_a_taken_port),      cmocka_unit_test(a_reset_is_a_reset),
        cmocka_unit_test(a_half_closed_peer_is_not_dead),     cmocka_unit_test(options_are_set),
        cmocka_unit_test(running_out_of_descriptors_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
