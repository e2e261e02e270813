/* SPDX-License-Identifier: MIT */
/* What others take away is put back; who insists is left alone; what is held shut stays so. */
#ifdef __linux__
#include "netcfg/stage.h"

#include "io/net.h"
#include "netcfg/hook.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct skt_netcfg *start_watched(const struct skt_ipnet *shut, size_t shut_count)
{
    char err[SKT_NETCFG_TEXT_MAX] = "";
    struct skt_netcfg *nc = NULL;
    struct skt_ipnet addresses[] = {network("10.9.0.1/24"), network("fd09::1/64")};
    struct skt_netcfg_options options = {.journal = stage_journal,
                                         .resolv_conf = stage_resolv,
                                         .addresses = addresses,
                                         .address_count = 2,
                                         .shut = shut,
                                         .shut_count = shut_count};
    memcpy(addresses[0].ip, (const uint8_t[]){10, 9, 0, 1}, 4);
    if (skt_netcfg_new(&nc, stage_loop, &options, err, sizeof err))
        fail_msg("%s", err);
    return nc;
}

static void take_over(struct skt_netcfg *nc)
{
    struct skt_addr server = host("203.0.113.5"), dns = host("10.9.0.53");
    struct skt_ipnet all = network("0.0.0.0/0"), all6 = network("::/0");
    OK(skt_netcfg_interface, nc, "sktt");
    OK(skt_netcfg_pin, nc, &server);
    OK(skt_netcfg_route, nc, &all);
    OK(skt_netcfg_route, nc, &all6);
    OK(skt_netcfg_dns, nc, &dns, 1);
}

/* Until a command says it, however slow the machine. */
static bool becomes(const char *command, const char *what, bool there)
{
    for (int i = 0; i < 1200; i++) {
        if (says(command, what) == there)
            return true;
        run_for(stage_loop, 50 * SKT_US_PER_MS);
    }
    return false;
}

static void what_is_taken_away_comes_back(void **state)
{
    (void)state;
    static const char *const deeds[] = {
        "ip link set sktt down", "ip link set sktt down; sleep 1; ip link set sktt up",
        "ip addr flush dev sktt", "ip route flush dev sktt; ip -6 route flush dev sktt",
        "ip route del 203.0.113.5"};
    stage_needed();
    struct skt_netcfg *nc = start_watched(NULL, 0);
    take_over(nc);
    for (size_t i = 0; i < sizeof deeds / sizeof deeds[0]; i++) {
        assert_int_equal(system(deeds[i]), 0);
        assert_true(becomes("ip link show sktt", ",UP", true));
        assert_true(becomes("ip addr show dev sktt", "10.9.0.1/24", true));
        assert_true(becomes("ip addr show dev sktt", "fd09::1/64", true));
        assert_true(becomes("ip route", "10.9.0.0/24 dev sktt", true));
        assert_true(becomes("ip -6 route", "fd09::/64 dev sktt", true));
        assert_true(becomes("ip route", "0.0.0.0/1 dev sktt", true));
        assert_true(becomes("ip route", "128.0.0.0/1 dev sktt", true));
        assert_true(becomes("ip -6 route", "8000::/1 dev sktt", true));
        assert_true(becomes("ip route", "203.0.113.5 via 192.168.77.1", true));
    }
    run_for(stage_loop, 500 * SKT_US_PER_MS); /* what is there is not put there a second time */
    assert_int_equal(system("test $(ip route | grep -c '^10.9.0.0/24') = 1"), 0);
    assert_int_equal(system("test $(ip -6 route | grep -c '^fd09::/64') = 1"), 0);
    skt_netcfg_free(nc);
    assert_false(says("ip route", "/1 dev sktt") || says("ip -6 route", "/1 dev sktt"));
    assert_false(says("ip route", "203.0.113.5"));
}

static void name_servers_come_back_and_new_ones_are_kept(void **state)
{
    (void)state;
    stage_needed();
    char command[160];
    snprintf(command, sizeof command, "cat %s", stage_resolv);
    struct skt_netcfg *nc = start_watched(NULL, 0);
    take_over(nc);
    write_text(stage_resolv, "nameserver 9.9.9.9\n"); /* a DHCP client */
    assert_true(becomes(command, "nameserver 10.9.0.53", true));
    char rename[300];
    snprintf(rename, sizeof rename, "echo nameserver 9.9.9.8 > %s.new && mv %s.new %s", stage_resolv,
             stage_resolv, stage_resolv);
    assert_int_equal(system(rename), 0); /* another one */
    assert_true(becomes(command, "nameserver 10.9.0.53", true));
    skt_netcfg_free(nc);
    assert_true(file_is(stage_resolv, "nameserver 9.9.9.8\n"));
}

static void rules_and_forwarding_come_back(void **state)
{
    (void)state;
    stage_needed();
    if (!skt_hook_exists("nft"))
        skip();
    struct skt_netcfg *nc = start_watched(NULL, 0);
    struct skt_ipnet from = network("10.9.0.0/24");
    OK(skt_netcfg_interface, nc, "sktt");
    OK(skt_netcfg_nat, nc, &from, 1);
    assert_int_equal(system("nft flush ruleset"), 0);
    assert_true(becomes("nft list ruleset", "masquerade", true));
    assert_int_equal(system("echo 0 > /proc/sys/net/ipv4/ip_forward"), 0);
    assert_true(becomes("cat /proc/sys/net/ipv4/ip_forward", "1", true));
    skt_netcfg_free(nc);
    assert_false(says("nft list ruleset", "masquerade"));
    assert_true(says("cat /proc/sys/net/ipv4/ip_forward", "0"));
}

/* Six times it is put back, then it stays down. */
static void a_fight_is_given_up(void **state)
{
    (void)state;
    stage_needed();
    struct skt_netcfg *nc = start_watched(NULL, 0);
    take_over(nc);
    skt_us began = skt_loop_update(stage_loop);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(system("ip link set sktt down"), 0);
        assert_true(becomes("ip link show sktt", ",UP", true));
    }
    if (skt_loop_update(stage_loop) - began >
        50 * SKT_US_PER_SEC) { /* too slow a machine for a fight: it lasts a minute */
        skt_netcfg_free(nc);
        skip();
    }
    assert_int_equal(system("ip link set sktt down"), 0);
    run_for(stage_loop, 2 * SKT_US_PER_SEC);
    assert_false(says("ip link show sktt", ",UP"));
    skt_netcfg_free(nc);
}

static bool is_refused(const char *command)
{
    return says(command, "No route to host") || says(command, "unreachable");
}

/* Packets to the world go nowhere. */
static bool is_shut(void)
{
    return is_refused("ip route get 198.51.100.7 2>&1") && is_refused("ip -6 route get 2001:db8:9::7 2>&1");
}

static void held_shut_while_the_tunnel_is_not_there(void **state)
{
    (void)state;
    stage_needed();
    char before[SNAPSHOT_MAX];
    snapshot(before);
    struct skt_ipnet all[] = {network("0.0.0.0/0"), network("::/0")};
    struct skt_netcfg *nc = start_watched(all, 2);
    assert_true(is_shut()); /* before there is any session */
    take_over(nc);
    assert_true(says("ip route get 198.51.100.7", "dev sktt"));
    assert_true(says("ip route get 203.0.113.5", "dev eth"));
    assert_int_equal(system("ip link set sktt down"), 0);
    assert_true(is_shut() || says("ip route get 198.51.100.7", "dev sktt"));
    assert_true(becomes("ip route get 198.51.100.7", "dev sktt", true));
    assert_int_equal(system("ip route flush proto 83; ip -6 route flush proto 83"), 0);
    assert_true(becomes("ip route", "unreachable 0.0.0.0/1", true));
    OK(skt_netcfg_undo, nc); /* as when the interface is made anew */
    assert_true(is_shut());
    skt_netcfg_free(nc); /* no orderly end */
    assert_true(is_shut());
    nc = start_watched(all, 2);
    assert_true(is_shut());
    take_over(nc);
    skt_netcfg_open(nc);
    skt_netcfg_free(nc);
    expect_original(before);
}

/* A start without the field opens what was held. */
static void opened_by_a_start_without_it(void **state)
{
    (void)state;
    stage_needed();
    char before[SNAPSHOT_MAX];
    snapshot(before);
    struct skt_ipnet all[] = {network("0.0.0.0/0"), network("::/0")}, less[] = {network("::/0")};
    skt_netcfg_free(start_watched(all, 2));
    assert_true(is_shut());
    struct skt_netcfg *nc = start_watched(less, 1);
    assert_true(says("ip route get 198.51.100.7", "dev eth"));
    assert_true(is_refused("ip -6 route get 2001:db8:9::7 2>&1"));
    skt_netcfg_free(nc);
    skt_netcfg_free(start_watched(NULL, 0));
    expect_original(before);
}

CHECK_GROUP(watch)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_taken_away_comes_back, stage_begin, stage_end),
        cmocka_unit_test_setup_teardown(name_servers_come_back_and_new_ones_are_kept, stage_begin, stage_end),
        cmocka_unit_test_setup_teardown(rules_and_forwarding_come_back, stage_begin, stage_end),
        cmocka_unit_test_setup_teardown(a_fight_is_given_up, stage_begin, stage_end),
        cmocka_unit_test_setup_teardown(held_shut_while_the_tunnel_is_not_there, stage_begin, stage_end),
        cmocka_unit_test_setup_teardown(opened_by_a_start_without_it, stage_begin, stage_end),
    };
    stage_enter();
    return stage_leave(cmocka_run_group_tests(tests, NULL, NULL));
}
#else
CHECK_GROUP(watch)
{
    return 0;
}
#endif
