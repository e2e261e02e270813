/* SPDX-License-Identifier: MIT */
/* The demo's parts: pattern, web server, link. */
#include "base/check.h"
#include "base/err.h"
#include "cli/cli.h"
#include "demo/http.h"
#include "demo/link.h"
#include "demo/pattern.h"
#include "demo/report.h"
#include "io/sockaddr.h"
#include "io/tcp.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void pattern_is_the_same_in_any_pieces(void **state)
{
    (void)state;
    static uint8_t whole[4096], pieces[4096];
    const uint64_t base = UINT64_C(123456789013);
    skt_demo_pattern(whole, sizeof whole, base);
    for (size_t step = 1; step < 40; step++) {
        for (size_t at = 0; at < sizeof pieces; at += step) {
            size_t n = sizeof pieces - at < step ? sizeof pieces - at : step;
            skt_demo_pattern(pieces + at, n, base + at);
        }
        assert_memory_equal(pieces, whole, sizeof whole);
    }
    skt_demo_pattern(pieces, sizeof pieces, base + 8);
    assert_memory_not_equal(pieces, whole, 64);
}

/* --- the web server --- */

static pid_t server_pid;
static struct skt_addr server_addr;

static struct skt_addr loopback(uint16_t port)
{
    struct skt_addr addr;
    assert_int_equal(skt_addr_parse(&addr, "127.0.0.1", port), SKT_OK);
    return addr;
}

static int start_server(void **state)
{
    (void)state;
    struct skt_addr any = loopback(0);
    int fd = skt_tcp_listen(&any, 16);
    if (fd < 0 || skt_tcp_local(fd, &server_addr) < 0)
        return -1;
    server_pid = fork();
    if (server_pid == 0)
        skt_demo_http_serve(fd);
    close(fd);
    return 0;
}

static int end_server(void **state)
{
    (void)state;
    kill(server_pid, SIGKILL);
    return waitpid(server_pid, NULL, 0) == server_pid ? 0 : -1;
}

static int connect_to_server(void)
{
    union skt_sockaddr sa;
    const struct timeval limit = {2, 0};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    assert_int_equal(connect(fd, &sa.sa, skt_sockaddr_of(&sa, &server_addr)), 0);
    return fd;
}

/* Sends all of a request and reads what comes until the end (or 2 s); the length. */
static size_t ask(const char *request, char *buf, size_t cap)
{
    int fd = connect_to_server();
    size_t got = 0;
    assert_int_equal(write(fd, request, strlen(request)), strlen(request));
    for (ssize_t n; (n = read(fd, buf + got, cap - 1 - got)) > 0;)
        got += (size_t)n;
    buf[got] = 0;
    close(fd);
    return got;
}

static void serves_page_and_bytes(void **state)
{
    (void)state;
    static char buf[300000];
    static uint8_t expected[200001];
    ask("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", buf, sizeof buf);
    assert_int_equal(strncmp(buf, "HTTP/1.1 200 OK\r\n", 17), 0);
    assert_non_null(strstr(buf, "It works."));

    size_t n = ask("GET /bytes/200001 HTTP/1.0\r\n\r\n", buf, sizeof buf);
    char *body = strstr(buf, "\r\n\r\n") + 4;
    assert_non_null(strstr(buf, "\r\nContent-Length: 200001\r\n"));
    assert_int_equal(n - (size_t)(body - buf), 200001);
    skt_demo_pattern(expected, sizeof expected, 0);
    assert_memory_equal(body, expected, sizeof expected);

    n = ask("HEAD /bytes/99 HTTP/1.0\r\n\r\n", buf, sizeof buf);
    assert_non_null(strstr(buf, "\r\nContent-Length: 99\r\n"));
    assert_string_equal(buf + n - 4, "\r\n\r\n");
}

static void keeps_connections_for_more(void **state)
{
    (void)state;
    static char buf[20000];
    /* Two at once, and the second half of the second later would be the client's own business. */
    ask("GET /ping HTTP/1.1\r\nHost: x\r\n\r\nGET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        buf, sizeof buf);
    char *first = strstr(buf, "pong\n");
    assert_non_null(first);
    assert_non_null(strstr(first + 1, "pong\n"));
}

static void refuses_in_words(void **state)
{
    (void)state;
    static const struct {
        const char *request, *status;
    } cases[] = {
        {"GET /nothing HTTP/1.0\r\n\r\n", "404"},
        {"GET /bytes/ HTTP/1.0\r\n\r\n", "404"},
        {"GET /bytes/12x HTTP/1.0\r\n\r\n", "404"},
        {"GET /bytes/-1 HTTP/1.0\r\n\r\n", "404"},
        {"POST / HTTP/1.1\r\n\r\n", "405"},
        {"nonsense\r\n\r\n", "400"},
        {"\r\n\r\n", "400"},
    };
    char buf[4096];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ask(cases[i].request, buf, sizeof buf);
        if (strncmp(buf, "HTTP/1.1 ", 9) != 0 || strncmp(buf + 9, cases[i].status, 3) != 0)
            fail_msg("%s: %s", cases[i].request, buf);
    }
    /* A header without end is given up. */
    static char endless[20000];
    memset(endless, 'x', sizeof endless - 1);
    assert_int_equal(ask(endless, buf, sizeof buf), 0);
    ask("GET /ping HTTP/1.0\r\n\r\n", buf, sizeof buf);
    assert_non_null(strstr(buf, "pong"));
}

/* --- the link --- */

struct line {
    pid_t pid;
    int client_fd, server_fd; /* the two ends */
    int report_fd;
};

static int bind_udp(struct skt_addr *bound)
{
    union skt_sockaddr sa;
    struct skt_addr any = loopback(0);
    socklen_t len = skt_sockaddr_of(&sa, &any);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(bind(fd, &sa.sa, len), 0);
    assert_int_equal(getsockname(fd, &sa.sa, &len), 0);
    skt_sockaddr_read(bound, &sa.sa);
    int size = 4 << 20;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    return fd;
}

static struct line start_line(struct skt_demo_link_conf conf)
{
    struct line l;
    struct skt_addr server, front;
    union skt_sockaddr sa;
    int ends[2];
    l.server_fd = bind_udp(&server);
    conf.client_fd = bind_udp(&front);
    conf.server_port = server.port;
    assert_int_equal(pipe(ends), 0);
    conf.report_fd = ends[1];
    l.report_fd = ends[0];
    l.pid = fork();
    if (l.pid == 0)
        skt_demo_link_run(&conf);
    close(conf.client_fd);
    close(ends[1]);
    l.client_fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(connect(l.client_fd, &sa.sa, skt_sockaddr_of(&sa, &front)), 0);
    return l;
}

static void end_line(struct line *l)
{
    kill(l->pid, SIGKILL);
    waitpid(l->pid, NULL, 0);
    close(l->client_fd);
    close(l->server_fd);
    close(l->report_fd);
}

/* How many of n datagrams sent at 1 a ms arrive at the server; *first_bits: which of the first 64. */
static int pass(struct line *l, int n, uint64_t *first_bits)
{
    int arrived = 0;
    *first_bits = 0;
    for (int sent = 0, silent = 0; sent < n || !silent;) {
        if (sent < n) {
            assert_int_equal(send(l->client_fd, &sent, sizeof sent, 0), sizeof sent);
            sent++;
        }
        struct pollfd p = {l->server_fd, POLLIN, 0};
        silent = poll(&p, 1, sent < n ? 0 : 200) == 0;
        int number;
        while (recv(l->server_fd, &number, sizeof number, MSG_DONTWAIT) > 0) {
            arrived++;
            if (number < 64)
                *first_bits |= UINT64_C(1) << number;
        }
        if (sent % 16 == 0)
            usleep(1000);
    }
    return arrived;
}

static void link_loses_what_the_seed_says(void **state)
{
    (void)state;
    uint64_t bits[3];
    int arrived[3];
    for (int i = 0; i < 3; i++) {
        struct line l = start_line((struct skt_demo_link_conf){.line = {.loss = 0.1, .seed = i < 2 ? 7 : 8}});
        arrived[i] = pass(&l, 2000, &bits[i]);
        end_line(&l);
    }
    assert_in_range(arrived[0], 1740, 1860); /* 10 %, and 4.5 standard deviations */
    assert_int_equal(arrived[0], arrived[1]);
    check_that(bits[0], ==, bits[1]);
    check_that(bits[0], !=, bits[2]);
}

static void link_delays_both_ways(void **state)
{
    (void)state;
    struct line l = start_line((struct skt_demo_link_conf){.line = {.delay_s = 0.03, .seed = 1}});
    char buf[8];
    struct sockaddr_in from;
    socklen_t len = sizeof from;
    double start = skt_cli_now();
    send(l.client_fd, "ping", 4, 0);
    assert_int_equal(recvfrom(l.server_fd, buf, sizeof buf, 0, (struct sockaddr *)&from, &len), 4);
    double there = skt_cli_now() - start;
    sendto(l.server_fd, "pong!", 5, 0, (struct sockaddr *)&from, len);
    assert_int_equal(recv(l.client_fd, buf, sizeof buf, 0), 5);
    double back = skt_cli_now() - start;
    end_line(&l);
    assert_true(there >= 0.03 && back >= 0.06);
}

static void link_limits_the_rate(void **state)
{
    (void)state;
    /* 1000 bytes and 28 of headers at 8.224 Mbit/s: one a ms. A burst of 300: 100 ms of them fit its buffer,
     * and more only as far as time passes meanwhile. */
    struct line l = start_line((struct skt_demo_link_conf){.line = {.rate_mbit = 8.224, .seed = 1}});
    char buf[1000] = {0};
    double start = skt_cli_now(), last = start;
    for (int i = 0; i < 300; i++)
        send(l.client_fd, buf, sizeof buf, 0);
    int arrived = 0;
    struct pollfd p = {l.server_fd, POLLIN, 0};
    while (poll(&p, 1, 300) > 0 && recv(l.server_fd, buf, sizeof buf, 0) > 0) {
        arrived++;
        last = skt_cli_now();
    }
    /* And it says so. */
    struct skt_demo_report report = {0}, latest = {0};
    while (latest.count < 300 && read(l.report_fd, &report, sizeof report) == (ssize_t)sizeof report)
        latest = report;
    end_line(&l); /* before anything can fail: it would outlive the test */
    double passed_ms = (last - start) * 1000;
    assert_true(arrived >= 100 && arrived <= passed_ms + 1);
    assert_int_equal(latest.kind, SKT_DEMO_LINE);
    assert_int_equal(latest.count, 300);
    assert_int_equal(latest.lost, 300 - arrived);
}

CHECK_GROUP(demo)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pattern_is_the_same_in_any_pieces),
        cmocka_unit_test_setup_teardown(serves_page_and_bytes, start_server, end_server),
        cmocka_unit_test_setup_teardown(keeps_connections_for_more, start_server, end_server),
        cmocka_unit_test_setup_teardown(refuses_in_words, start_server, end_server),
        cmocka_unit_test(link_loses_what_the_seed_says),
        cmocka_unit_test(link_delays_both_ways),
        cmocka_unit_test(link_limits_the_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
