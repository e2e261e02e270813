/* SPDX-License-Identifier: MIT */
#ifdef __linux__
#include "netcfg/stage.h"

#include "io/net.h"

#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* All that a client does. */
static void take_over(struct skt_netcfg *nc)
{
    struct skt_addr server = host("203.0.113.5"), server6 = host("2001:db8::5"), dns = host("10.9.0.53");
    struct skt_ipnet all = network("0.0.0.0/0"), all6 = network("::/0"), some = network("172.16.5.1/16");
    OK(skt_netcfg_interface, nc, "sktt");
    OK(skt_netcfg_pin, nc, &server);
    OK(skt_netcfg_pin, nc, &server6);
    OK(skt_netcfg_route, nc, &all);
    OK(skt_netcfg_route, nc, &all6);
    OK(skt_netcfg_route, nc, &some);
    OK(skt_netcfg_dns, nc, &dns, 1);
}

static void expect_taken_over(void)
{
    assert_true(says("ip route get 203.0.113.5", "via 192.168.77.1 dev eth"));
    assert_true(says("ip route get 8.8.8.8", "dev sktt"));
    assert_true(says("ip route get 198.51.100.1", "dev sktt"));
    assert_true(says("ip -6 route get 2001:db8::5", "via fd77::1 dev eth"));
    assert_true(says("ip -6 route get 2001:db8::6", "dev sktt"));
    assert_true(says("ip route", "default via 192.168.77.1 dev eth"));
    assert_true(says("ip route", "172.16.0.0/16 dev sktt"));
    check_that(file_is(stage_resolv, "# written by skcptun"), ==, false);
    char command[128];
    snprintf(command, sizeof command, "cat %s", stage_resolv);
    assert_true(says(command, "nameserver 10.9.0.53\nsearch example.org\n"));
    assert_false(says(command, "192.168.77.1"));
}

static void routes_and_dns_come_and_go(void **state)
{
    (void)state;
    stage_needed();
    char before[SNAPSHOT_MAX];
    snapshot(before);
    struct skt_netcfg *nc = start(NULL, NULL);
    take_over(nc);
    expect_taken_over();
    /* Done again it changes nothing. */
    struct skt_ipnet all = network("0.0.0.0/0");
    OK(skt_netcfg_route, nc, &all);
    expect_taken_over();
    OK(skt_netcfg_dns, nc, NULL, 0);
    assert_true(file_is(stage_resolv, "search example.org\nnameserver 192.168.77.1\n"));
    OK(skt_netcfg_undo, nc);
    expect_original(before);
    take_over(nc);
    skt_netcfg_free(nc);
    expect_original(before);
    assert_int_not_equal(access(stage_journal, F_OK), 0);
}

static void a_killed_process_is_cleaned_up_after(void **state)
{
    (void)state;
    stage_needed();
    char before[SNAPSHOT_MAX];
    snapshot(before);
    /* The process alone: its helper sees that it is gone. */
    pid_t pid = fork();
    if (pid == 0) {
        take_over(start(NULL, NULL));
        expect_taken_over();
        raise(SIGKILL);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    struct skt_netcfg *nc = start(NULL, NULL); /* waits for the helper */
    expect_original(before);
    skt_netcfg_free(nc);

    /* Both, as an out-of-memory killer or a service manager may: the next start does it. */
    pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        take_over(start(NULL, NULL));
        kill(0, SIGKILL);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    usleep(100000);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    expect_taken_over();
    assert_int_equal(access(stage_journal, F_OK), 0);
    nc = start(NULL, NULL);
    expect_original(before);
    skt_netcfg_free(nc);
    assert_int_not_equal(access(stage_journal, F_OK), 0);
}

static void only_what_is_ours_is_removed(void **state)
{
    (void)state;
    stage_needed();
    struct skt_netcfg *nc = start(NULL, NULL);
    struct skt_addr server = host("203.0.113.5");
    struct skt_ipnet net = network("172.20.0.0/16");
    assert_int_equal(
        system("ip route add 203.0.113.5 via 192.168.77.1 && ip route add 172.20.0.0/16 via 192.168.77.9"),
        0);
    OK(skt_netcfg_interface, nc, "sktt");
    OK(skt_netcfg_pin, nc, &server);
    struct answers a = {0};
    assert_int_equal(skt_netcfg_route(nc, &net, on_answer, &a), SKT_OK);
    wait_for(&a, 1);
    assert_string_equal(a.text, "route 172.20.0.0/16: there is one already, which stays");
    skt_netcfg_free(nc);
    assert_true(says("ip route", "203.0.113.5 via 192.168.77.1 dev eth"));
    assert_true(says("ip route", "172.20.0.0/16 via 192.168.77.9 dev eth"));
    assert_int_equal(system("ip route del 203.0.113.5; ip route del 172.20.0.0/16"), 0);
}

/* What is gone already is no error; what changed since is left. */
static void undoing_is_tolerant(void **state)
{
    (void)state;
    stage_needed();
    struct skt_netcfg *nc = start(NULL, NULL);
    take_over(nc);
    assert_int_equal(system("ip route del 203.0.113.5; ip route del 0.0.0.0/1"), 0);
    write_text(stage_resolv, "nameserver 9.9.9.9\n"); /* DHCP, say */
    struct answers a = {0};
    assert_int_equal(skt_netcfg_undo(nc, on_answer, &a), SKT_OK);
    wait_for(&a, 1);
    assert_int_equal(a.failed, 0);
    assert_true(file_is(stage_resolv, "nameserver 9.9.9.9\n"));
    assert_false(says("ip route", "sktt metric"));
    take_over(nc);
    skt_tun_close(stage_tunnel); /* its routes go with it */
    skt_netcfg_free(nc);
    assert_int_not_equal(access(stage_journal, F_OK), 0);
    assert_false(says("ip route", "203.0.113.5"));
    stage_tunnel = stage_open_tun("sktt", "10.9.0.1/24", "fd09::1/64");
}

/* The pin follows when the machine comes into another network. */
static void pins_follow_the_network(void **state)
{
    (void)state;
    stage_needed();
    struct skt_netcfg *nc = start(NULL, NULL);
    take_over(nc);
    assert_int_equal(system("ip route del default; ip route add default via 192.168.77.9 dev eth metric 100"),
                     0);
    for (int i = 0; i < 600 && !says("ip route get 203.0.113.5", "via 192.168.77.9"); i++)
        usleep(100000);
    assert_true(says("ip route get 203.0.113.5", "via 192.168.77.9 dev eth"));
    assert_true(says("ip route get 8.8.8.8", "dev sktt"));
    /* No network for a while, then another interface. */
    assert_int_equal(system("ip link set eth down"), 0);
    usleep(500000);
    struct skt_tun *wlan = stage_open_tun("wlan", "192.168.99.2/24", "fd99::2/64");
    assert_int_equal(system("ip route add default via 192.168.99.1 dev wlan metric 200"), 0);
    for (int i = 0; i < 600 && !says("ip route get 203.0.113.5", "via 192.168.99.1"); i++)
        usleep(100000);
    assert_true(says("ip route get 203.0.113.5", "via 192.168.99.1 dev wlan"));
    skt_netcfg_free(nc);
    assert_false(says("ip route", "203.0.113.5"));
    skt_tun_close(wlan);
}

static void the_most_specific_way_is_found(void **state)
{
    (void)state;
    stage_needed();
    struct skt_net_route r;
    struct skt_ipnet to = network("198.51.100.7"), gateway = network("192.168.77.20");
    assert_int_equal(system("ip route add 198.51.100.0/24 via 192.168.77.20 metric 50;"
                            "ip route add 198.51.100.0/24 via 192.168.77.21 metric 60;"
                            "ip route add 198.51.0.0/16 via 192.168.77.22;"
                            "ip route add blackhole 198.51.100.7/32 table 77;"
                            "ip route add 198.51.100.0/25 dev sktt"),
                     0);
    assert_int_equal(skt_net_route_find(&to, skt_net_ifindex("sktt"), &r), SKT_OK);
    assert_int_equal(r.ifindex, skt_net_ifindex("eth"));
    assert_memory_equal(r.gateway.ip, gateway.ip, 16);
    assert_int_equal(skt_net_route_find(&to, 0, &r), SKT_OK);
    assert_int_equal(r.ifindex, skt_net_ifindex("sktt"));
    to = network("192.168.77.9"); /* on the link */
    assert_int_equal(skt_net_route_find(&to, 0, &r), SKT_OK);
    assert_int_equal(r.gateway.family, 0);
    /* several ways at once */
    assert_int_equal(system("ip route add 198.18.0.0/16 nexthop via 192.168.77.31 nexthop via 192.168.77.32"),
                     0);
    to = network("198.18.1.1");
    gateway = network("192.168.77.31");
    assert_int_equal(skt_net_route_find(&to, 0, &r), SKT_OK);
    assert_memory_equal(r.gateway.ip, gateway.ip, 16);
    /* an IPv6 gateway for IPv4 */
    assert_int_equal(system("ip route add 198.19.0.0/16 via inet6 fd77::9 dev eth"), 0);
    to = network("198.19.1.1");
    assert_int_equal(skt_net_route_find(&to, 0, &r), SKT_OK);
    assert_int_equal(r.gateway.family, 6);
    assert_int_equal(skt_net_route_add(&r), SKT_OK);
    assert_true(says("ip route", "198.19.1.1 via inet6 fd77::9 dev eth"));
    assert_int_equal(skt_net_route_add(&r), SKT_ERR_FULL);
    assert_int_equal(skt_net_route_delete(&r), SKT_OK);
    assert_int_equal(skt_net_route_delete(&r), SKT_ERR_NOTFOUND);
    assert_int_equal(system("ip route flush 198.51.100.0/24; ip route del 198.51.0.0/16;"
                            "ip route del default; ip route flush table 77"),
                     0);
    to = network("8.8.8.8");
    assert_int_equal(skt_net_route_find(&to, 0, &r), SKT_ERR_NOTFOUND);
}

/* No route to the server now: told, and made up for when there is one. */
static void a_pin_waits_for_a_network(void **state)
{
    (void)state;
    stage_needed();
    struct skt_netcfg *nc = start(NULL, NULL);
    struct skt_addr server = host("203.0.113.5");
    struct answers a = {0};
    assert_int_equal(system("ip route del default"), 0);
    OK(skt_netcfg_interface, nc, "sktt");
    assert_int_equal(skt_netcfg_pin(nc, &server, on_answer, &a), SKT_OK);
    wait_for(&a, 1);
    assert_int_equal(a.failed, 1);
    assert_non_null(strstr(a.text, "no route to 203.0.113.5"));
    assert_int_equal(system("ip route add default via 192.168.77.1 dev eth"), 0);
    for (int i = 0; i < 600 && !says("ip route", "203.0.113.5"); i++)
        usleep(100000);
    assert_true(says("ip route", "203.0.113.5 via 192.168.77.1 dev eth"));
    OK(skt_netcfg_unpin, nc, &server);
    assert_false(says("ip route", "203.0.113.5"));
    skt_netcfg_free(nc);
}

/* As after "user" in the configuration. */
static void it_works_after_privileges_are_dropped(void **state)
{
    (void)state;
    stage_needed();
    const struct passwd *pw = getpwnam("nobody");
    if (!pw)
        skip();
    char before[SNAPSHOT_MAX];
    snapshot(before);
    pid_t pid = fork();
    if (pid == 0) {
        struct skt_netcfg *nc = start(NULL, NULL);
        if (setgid(pw->pw_gid) || setuid(pw->pw_uid))
            _exit(1);
        take_over(nc);
        OK(skt_netcfg_mtu, nc, 1311);
        if (!says("ip link show sktt", "mtu 1311") || !says("ip route get 8.8.8.8", "dev sktt"))
            _exit(2);
        skt_netcfg_free(nc);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    expect_original(before);
}

static void name_servers_outlast_a_power_cut(void **state)
{
    (void)state;
    stage_needed();
    struct skt_addr dns[2] = {host("10.9.0.53"), host("fd09::53")};
    pid_t pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        struct skt_netcfg *nc = start(NULL, NULL);
        OK(skt_netcfg_interface, nc, "sktt");
        OK(skt_netcfg_dns, nc, dns, 2);
        kill(0, SIGKILL);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    usleep(100000);
    char command[128];
    snprintf(command, sizeof command, "cat %s", stage_resolv);
    assert_true(says(command, "nameserver 10.9.0.53\nnameserver fd09::53\n"));
    assert_int_equal(unlink(stage_journal), 0); /* /run is empty after a restart */
    struct skt_netcfg *nc = start(NULL, NULL);
    assert_true(file_is(stage_resolv, "search example.org\nnameserver 192.168.77.1\n"));

    /* No such file before: none after. */
    unlink(stage_resolv);
    OK(skt_netcfg_interface, nc, "sktt");
    OK(skt_netcfg_dns, nc, dns, 2);
    assert_int_equal(access(stage_resolv, F_OK), 0);
    skt_netcfg_free(nc);
    assert_int_not_equal(access(stage_resolv, F_OK), 0);
}

static void one_journal_serves_one(void **state)
{
    (void)state;
    stage_needed();
    struct skt_netcfg *nc = start(NULL, NULL), *other = NULL;
    char err[SKT_NETCFG_TEXT_MAX];
    struct skt_netcfg_options options = {.journal = stage_journal};
    assert_int_equal(skt_netcfg_new(&other, stage_loop, &options, err, sizeof err), SKT_ERR_FULL);
    assert_non_null(strstr(err, "another instance uses it"));
    skt_netcfg_free(nc);
    options.journal = "/proc/no/such/folder";
    assert_int_equal(skt_netcfg_new(&other, stage_loop, &options, err, sizeof err), SKT_ERR_IO);
}

static void wrong_requests_are_refused(void **state)
{
    (void)state;
    stage_needed();
    struct skt_netcfg *nc = start(NULL, NULL);
    struct answers a = {0};
    struct skt_ipnet net = network("10.0.0.0/8"), none = {0};
    struct skt_addr nowhere = {0};
    assert_int_equal(skt_netcfg_route(nc, &net, on_answer, &a), SKT_OK); /* which interface? */
    assert_int_equal(skt_netcfg_interface(nc, "no-such-one", on_answer, &a), SKT_OK);
    assert_int_equal(skt_netcfg_interface(nc, "a\nundo", on_answer, &a), SKT_ERR_ARG);
    assert_int_equal(skt_netcfg_pin(nc, &nowhere, on_answer, &a), SKT_ERR_ARG);
    assert_int_equal(skt_netcfg_interface(nc, "sktt", on_answer, &a), SKT_OK);
    assert_int_equal(skt_netcfg_route(nc, &none, on_answer, &a), SKT_OK);
    assert_int_equal(skt_netcfg_mtu(nc, 70000, on_answer, &a), SKT_OK);
    wait_for(&a, 5);
    assert_int_equal(a.failed, 4);
    skt_netcfg_free(nc);
}

/* --- hooks --- */

static void scripts_are_run(void **state)
{
    (void)state;
    stage_needed();
    char up[64], down[64], text[512], command[128];
    snprintf(up, sizeof up, "%s/up", stage_dir);
    snprintf(down, sizeof down, "%s/down", stage_dir);
    snprintf(text, sizeof text,
             "#!/bin/sh\necho \"$SKT_EVENT $SKT_TUN $1 $2 $SKT_TUN_IP [$SKT_TUN_MTU]\" >>%s/log\n",
             stage_dir);
    make_script(up, text);
    make_script(down, text);
    struct skt_netcfg *nc = start(up, down);
    const char *variables[] = {"SKT_TUN_IP=10.9.0.1", "SKT_TUN_MTU=1400"};
    OK(skt_netcfg_interface, nc, "sktt");
    OK(skt_netcfg_hook, nc, true, variables, 2);
    assert_int_equal(skt_netcfg_hook(nc, true, (const char *[]){"A=1\nundo"}, 1, NULL, NULL), SKT_ERR_ARG);
    skt_netcfg_free(nc); /* down runs by itself */
    snprintf(command, sizeof command, "cat %s/log", stage_dir);
    assert_string_equal(output_of(command), "up sktt sktt up 10.9.0.1 [1400]\n"
                                            "down sktt sktt down 10.9.0.1 [1400]\n");
    /* One that hangs does not hold up the loop; nor for ever what comes after it. */
    make_script(up, "#!/bin/sh\nsleep 60\n");
    nc = start(up, NULL);
    struct answers a = {0};
    OK(skt_netcfg_interface, nc, "sktt");
    assert_int_equal(skt_netcfg_hook(nc, true, NULL, 0, on_answer, &a), SKT_OK);
    assert_int_equal(skt_netcfg_mtu(nc, 1400, on_answer, &a), SKT_OK);
    skt_us began = skt_loop_update(stage_loop);
    run_for(stage_loop, 50 * SKT_US_PER_MS);
    assert_true(a.count == 0 || skt_loop_update(stage_loop) - began > SKT_US_PER_SEC);
    wait_for(&a, 2);
    assert_int_equal(a.failed, 1);
    assert_non_null(strstr(a.text, "not done within 2 s"));
    skt_netcfg_free(nc);
}

static void free_it(void *user, int err, const char *text)
{
    (void)err;
    (void)text;
    skt_netcfg_free(*(struct skt_netcfg **)user);
    *(struct skt_netcfg **)user = NULL;
}

static void it_may_be_freed_in_an_answer(void **state)
{
    (void)state;
    stage_needed();
    struct skt_netcfg *nc = start(NULL, NULL);
    struct answers a = {0};
    assert_int_equal(skt_netcfg_interface(nc, "sktt", free_it, &nc), SKT_OK);
    assert_int_equal(skt_netcfg_mtu(nc, 1400, on_answer, &a), SKT_OK);
    for (int i = 0; i < 600 && nc; i++)
        run_for(stage_loop, 100 * SKT_US_PER_MS);
    assert_null(nc);
    run_for(stage_loop, 100 * SKT_US_PER_MS);
    assert_int_equal(a.count, 0);
}

CHECK_GROUP(netcfg)
{
    stage_enter();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(routes_and_dns_come_and_go, stage_begin, stage_end),
        cmocka_unit_test_setup_teardown(a_killed_process_is_cleaned_up_after, stage_begin, stage_end),
        cmocka_unit_test_setup_teardown(only_what_is_ours_is_removed, stage_begin, stage_end),
        cmocka_unit_test_setup_teardown(undoing_is_tolerant, stage_begin, stage_end),
        cmocka_unit_test_setup_teardown(pins_follow_the_network, stage_begin, stage_end),
        cmocka_unit_test_setup_teardown(the_most_specific_way_is_found, stage_begin, stage_end),
        cmocka_unit_test_setup_teardown(a_pin_waits_for_a_network, stage_begin, stage_end),
        cmocka_unit_test_setup_teardown(it_works_after_privileges_are_dropped, stage_begin, stage_end),
        cmocka_unit_test_setup_teardown(name_servers_outlast_a_power_cut, stage_begin, stage_end),
        cmocka_unit_test_setup_teardown(one_journal_serves_one, stage_begin, stage_end),
        cmocka_unit_test_setup_teardown(wrong_requests_are_refused, stage_begin, stage_end),
        cmocka_unit_test_setup_teardown(scripts_are_run, stage_begin, stage_end),
        cmocka_unit_test_setup_teardown(it_may_be_freed_in_an_answer, stage_begin, stage_end),
    };
    return stage_leave(cmocka_run_group_tests(tests, NULL, NULL));
}

#else

CHECK_GROUP(netcfg)
{
    return 0;
}

#endif
