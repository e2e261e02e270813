/* SPDX-License-Identifier: MIT */
/* What the helper can't do for a cause that passes is done later, by itself. In the helper (and nowhere else)
 * the next n calls of some functions fail, as by the linker's --wrap. */
#include "base/check.h"

#if defined(__linux__) && defined(SKT_WRAPPED)
#include "netcfg/hook.h"
#include "netcfg/stage.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

/* How many of the next calls fail; shared with the helper. */
static struct failing {
    atomic_int sends, mallocs, forks;
} * failing;

static pid_t main_pid;

static bool fails(atomic_int *left)
{
    return main_pid && getpid() != main_pid && atomic_load(left) > 0 && atomic_fetch_sub(left, 1) > 0;
}

ssize_t __real_sendto(int fd, const void *data, size_t len, int flags, const struct sockaddr *to,
                      socklen_t to_len);
ssize_t __wrap_sendto(int fd, const void *data, size_t len, int flags, const struct sockaddr *to,
                      socklen_t to_len);
void *__real_malloc(size_t len);
void *__wrap_malloc(size_t len);
pid_t __real_fork(void);
pid_t __wrap_fork(void);

/* The helper sends so to netlink alone. */
ssize_t __wrap_sendto(int fd, const void *data, size_t len, int flags, const struct sockaddr *to,
                      socklen_t to_len)
{
    if (!fails(&failing->sends))
        return __real_sendto(fd, data, len, flags, to, to_len);
    errno = ENOBUFS;
    return -1;
}

void *__wrap_malloc(size_t len)
{
    if (!failing || !fails(&failing->mallocs))
        return __real_malloc(len);
    errno = ENOMEM;
    return NULL;
}

pid_t __wrap_fork(void)
{
    if (!fails(&failing->forks))
        return __real_fork();
    errno = EAGAIN;
    return -1;
}

/* --- */

static bool becomes(const char *command, const char *what, bool there)
{
    for (int i = 0; i < 200; i++) {
        if (says(command, what) == there)
            return true;
        run_for(stage_loop, 50 * SKT_US_PER_MS);
    }
    return false;
}

/* The request is answered by a failure that says that it goes on. */
#define LATER(request_, ...)                                                                                 \
    do {                                                                                                     \
        struct answers a_ = {0};                                                                             \
        assert_int_equal(request_(__VA_ARGS__, on_answer, &a_), SKT_OK);                                     \
        wait_for(&a_, 1);                                                                                    \
        assert_int_equal(a_.failed, 1);                                                                      \
        if (!strstr(a_.text, "it is tried again"))                                                           \
            fail_msg("%s", a_.text);                                                                         \
    } while (0)

static struct skt_netcfg *start_named(void)
{
    stage_needed();
    struct skt_netcfg *nc = start(NULL, NULL);
    OK(skt_netcfg_interface, nc, "sktt");
    return nc;
}

static void routes_and_the_mtu_come_later(void **state)
{
    (void)state;
    struct skt_netcfg *nc = start_named();
    struct skt_ipnet net = network("10.8.0.0/16"), net6 = network("fd08::/32");
    char before[SNAPSHOT_MAX];
    snapshot(before);
    atomic_store(&failing->sends, 5); /* three requests, and twice one more */
    LATER(skt_netcfg_route, nc, &net);
    LATER(skt_netcfg_route, nc, &net6);
    LATER(skt_netcfg_mtu, nc, 1300);
    assert_true(becomes("ip route", "10.8.0.0/16 dev sktt", true));
    assert_true(becomes("ip -6 route", "fd08::/32 dev sktt", true));
    assert_true(becomes("ip link show sktt", "mtu 1300", true));
    atomic_store(&failing->sends, 2); /* the end insists, too */
    skt_netcfg_free(nc);
    expect_original(before);
}

static void what_is_not_wanted_any_more_is_not_tried(void **state)
{
    (void)state;
    struct skt_netcfg *nc = start_named();
    struct skt_ipnet net = network("10.8.0.0/16"), other = network("10.7.0.0/16");
    atomic_store(&failing->sends, 1);
    LATER(skt_netcfg_route, nc, &net);
    OK(skt_netcfg_undo, nc);
    OK(skt_netcfg_route, nc, &other);
    run_for(stage_loop, 500 * SKT_US_PER_MS);
    assert_true(says("ip route", "10.7.0.0/16"));
    assert_false(says("ip route", "10.8.0.0/16"));
    skt_netcfg_free(nc);
}

/* The tunnel's own packets must not go in circles meanwhile. */
static void no_route_before_what_stays_outside(void **state)
{
    (void)state;
    struct skt_netcfg *nc = start_named();
    struct skt_ipnet all = network("0.0.0.0/0"), net = network("10.8.0.0/16");
    struct skt_addr server = host("203.0.113.5");
    atomic_store(&failing->sends, 1);
    LATER(skt_netcfg_pin, nc, &server);
    LATER(skt_netcfg_route, nc, &all); /* which holds it */
    OK(skt_netcfg_route, nc, &net);
    assert_true(becomes("ip route", "0.0.0.0/1 dev sktt", true));
    assert_true(says("ip route", "203.0.113.5 via 192.168.77.1"));
    atomic_store(&failing->sends, 1);
    LATER(skt_netcfg_unpin, nc, &server);
    assert_true(becomes("ip route", "203.0.113.5", false));
    skt_netcfg_free(nc);
}

static void name_servers_come_later_and_go_whole(void **state)
{
    (void)state;
    struct skt_netcfg *nc = start_named();
    struct skt_addr dns = host("10.9.0.53");
    char before[SNAPSHOT_MAX], command[160];
    snapshot(before);
    snprintf(command, sizeof command, "cat %s", stage_resolv);
    for (int n = 1; n <= 3; n++) {
        atomic_store(&failing->mallocs, n);
        LATER(skt_netcfg_dns, nc, &dns, 1);
        assert_true(becomes(command, "nameserver 10.9.0.53", true));
        assert_true(says(command, "search example.org"));
        atomic_store(&failing->mallocs, n); /* what it was is not lost then */
        struct answers a = {0};
        assert_int_equal(skt_netcfg_dns(nc, NULL, 0, on_answer, &a), SKT_OK);
        assert_true(becomes(command, "192.168.77.1", true));
        atomic_store(&failing->mallocs, 0);
        wait_for(&a, 1);
    }
    OK(skt_netcfg_dns, nc, &dns, 1);
    atomic_store(&failing->mallocs, 2);
    skt_netcfg_free(nc);
    expect_original(before);
}

static void nat_and_the_script_come_later(void **state)
{
    (void)state;
    stage_needed();
    if (!skt_hook_exists("nft"))
        skip();
    char script[80], text[160], out[80];
    snprintf(script, sizeof script, "%s/up", stage_dir);
    snprintf(out, sizeof out, "%s/out", stage_dir);
    snprintf(text, sizeof text, "#!/bin/sh\necho ran $SKT_TUN >> %s\n", out);
    make_script(script, text);
    struct skt_netcfg *nc = start(script, NULL);
    struct skt_ipnet from = network("10.9.0.0/24");
    OK(skt_netcfg_interface, nc, "sktt");
    atomic_store(&failing->forks, 1);
    LATER(skt_netcfg_nat, nc, &from, 1);
    assert_true(becomes("nft list ruleset", "masquerade", true));
    atomic_store(&failing->forks, 2);
    LATER(skt_netcfg_hook, nc, true, NULL, 0);
    snprintf(text, sizeof text, "cat %s", out);
    assert_true(becomes(text, "ran sktt", true));
    assert_true(file_is(out, "ran sktt\n")); /* once */
    skt_netcfg_free(nc);
    assert_false(says("nft list ruleset", "masquerade"));
}

/* Nobody is left alone with what was taken away, because there was no memory just then. */
static void what_is_taken_away_comes_back_later(void **state)
{
    (void)state;
    struct skt_netcfg *nc = start_named();
    struct skt_ipnet net = network("10.8.0.0/16");
    OK(skt_netcfg_route, nc, &net);
    atomic_store(&failing->sends, 4);
    assert_int_equal(system("ip link set sktt down"), 0);
    assert_true(becomes("ip link show sktt", ",UP", true));
    assert_true(becomes("ip route", "10.8.0.0/16 dev sktt", true));
    assert_int_equal(atomic_load(&failing->sends), 0);
    skt_netcfg_free(nc);
}

CHECK_GROUP(again)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(routes_and_the_mtu_come_later, stage_begin, stage_end),
        cmocka_unit_test_setup_teardown(what_is_not_wanted_any_more_is_not_tried, stage_begin, stage_end),
        cmocka_unit_test_setup_teardown(no_route_before_what_stays_outside, stage_begin, stage_end),
        cmocka_unit_test_setup_teardown(name_servers_come_later_and_go_whole, stage_begin, stage_end),
        cmocka_unit_test_setup_teardown(nat_and_the_script_come_later, stage_begin, stage_end),
        cmocka_unit_test_setup_teardown(what_is_taken_away_comes_back_later, stage_begin, stage_end),
    };
    failing = mmap(NULL, sizeof *failing, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(failing != MAP_FAILED);
    main_pid = getpid();
    stage_enter();
    return stage_leave(cmocka_run_group_tests(tests, NULL, NULL));
}
#else
CHECK_GROUP(again)
{
    return 0;
}
#endif
