/* SPDX-License-Identifier: MIT */
#ifdef __linux__
#define _GNU_SOURCE
#include "netcfg/stage.h"

#include "netcfg/hook.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- NAT --- */

static void nat(const char *tool, const char *list, const char *const *expected)
{
    char before[SNAPSHOT_MAX];
    if (!skt_hook_exists(tool)) {
        fprintf(stderr, "no %s here: ", tool);
        skip();
    }
    snapshot(before);
    struct skt_netcfg *nc = start(NULL, NULL);
    struct skt_ipnet from[3] = {network("10.9.0.1/24"), network("192.168.5.0/24"), network("fd09::/64")};
    OK(skt_netcfg_interface, nc, "sktt");
    OK(skt_netcfg_nat, nc, from, 3);
    OK(skt_netcfg_nat, nc, from, 3); /* replaces */
    assert_true(file_is("/proc/sys/net/ipv4/ip_forward", "1\n"));
    assert_true(file_is("/proc/sys/net/ipv6/conf/all/forwarding", "1\n"));
    assert_true(file_is("/proc/sys/net/ipv6/conf/eth/accept_ra", "2\n"));
    char rules[8192];
    snprintf(rules, sizeof rules, "%s", output_of(list));
    for (; *expected; expected++)
        if (!strstr(rules, *expected))
            fail_msg("%s: not in\n%s", *expected, rules);
    OK(skt_netcfg_nat, nc, NULL, 0);
    assert_true(says(list, tool[0] == 'n' ? "oifname \"sktt\" masquerade" : "-o sktt -j MASQUERADE"));
    assert_false(says(list, "10.9.0.0/24"));
    skt_netcfg_free(nc);
    expect_original(before);
    assert_false(says(list, "skcptun"));
    assert_true(file_is("/proc/sys/net/ipv4/ip_forward", "0\n"));
    assert_true(file_is("/proc/sys/net/ipv6/conf/eth/accept_ra", "1\n"));
}

static void nat_by_nftables(void **state)
{
    (void)state;
    stage_needed();
    static const char *const expected[] = {
        "table ip skcptun_sktt",   "ip saddr 10.9.0.0/24 oifname != \"sktt\" masquerade",
        "ip saddr 192.168.5.0/24", "table ip6 skcptun_sktt",
        "ip6 saddr fd09::/64",     NULL};
    nat("nft", "nft list ruleset", expected);
}

/* Where a FORWARD chain of iptables drops (Docker), the tunnel's packets are let through. */
static void nat_beside_a_closed_firewall(void **state)
{
    (void)state;
    stage_needed();
    if (!skt_hook_exists("iptables"))
        skip();
    static const char *const expected[] = {"-A FORWARD -j skcptun_sktt", "-A skcptun_sktt -i sktt -j ACCEPT",
                                           "-A skcptun_sktt -o sktt -j ACCEPT", NULL};
    assert_int_equal(system("iptables -P FORWARD DROP"), 0);
    struct skt_netcfg *nc = start(NULL, NULL);
    struct skt_ipnet from = network("10.9.0.1/24");
    OK(skt_netcfg_interface, nc, "sktt");
    OK(skt_netcfg_nat, nc, &from, 1);
    for (size_t i = 0; expected[i]; i++)
        assert_true(says("iptables -S", expected[i]));
    skt_netcfg_free(nc);
    assert_false(says("iptables -S; iptables -t nat -S", "skcptun"));
    assert_int_equal(system("iptables -P FORWARD ACCEPT"), 0);
}

/* Of the families of the networks that are hidden, and put back where it was off before. */
static void forwarding_is_put_back(void **state)
{
    (void)state;
    stage_needed();
    struct skt_ipnet from = network("10.9.0.1/24");
    struct skt_netcfg *nc = start(NULL, NULL);
    OK(skt_netcfg_interface, nc, "sktt");
    OK(skt_netcfg_nat, nc, &from, 1);
    assert_true(file_is("/proc/sys/net/ipv4/ip_forward", "1\n"));
    assert_true(file_is("/proc/sys/net/ipv6/conf/all/forwarding", "0\n"));
    skt_netcfg_free(nc);
    assert_true(file_is("/proc/sys/net/ipv4/ip_forward", "0\n"));
    /* It was on already: it stays on. */
    write_text("/proc/sys/net/ipv4/ip_forward", "1\n");
    nc = start(NULL, NULL);
    OK(skt_netcfg_interface, nc, "sktt");
    OK(skt_netcfg_nat, nc, &from, 1);
    skt_netcfg_free(nc);
    assert_true(file_is("/proc/sys/net/ipv4/ip_forward", "1\n"));
    write_text("/proc/sys/net/ipv4/ip_forward", "0\n");
}

/* Two tunnels on one machine: the one that found forwarding on puts it back in the place of the one that
 * switched it on, if it ends last. */
static void forwarding_is_shared(void **state)
{
    (void)state;
    stage_needed();
    struct skt_ipnet from = network("10.9.0.1/24");
    for (int first = 0; first < 2; first++) {
        struct skt_netcfg *nc[2];
        for (int i = 0; i < 2; i++) {
            snprintf(stage_journal, sizeof stage_journal, "%s/%d.tun", stage_dir, i);
            nc[i] = start(NULL, NULL);
            OK(skt_netcfg_interface, nc[i], "sktt");
            OK(skt_netcfg_nat, nc[i], &from, 1);
        }
        skt_netcfg_free(nc[first]);
        assert_true(file_is("/proc/sys/net/ipv4/ip_forward", "1\n"));
        skt_netcfg_free(nc[!first]);
        assert_true(file_is("/proc/sys/net/ipv4/ip_forward", "0\n"));
        assert_int_not_equal(access(stage_journal, F_OK), 0);
    }
    snprintf(stage_journal, sizeof stage_journal, "%s/journal", stage_dir);
}

/* --- other machines' tools: in a mount namespace, in which some are hidden and others put in --- */

/* Runs fn in a child with `hidden` gone and stage_dir/bin over /usr/local/sbin; its exit status must be 0. */
static void on_another_machine(const char *hidden, void (*fn)(void))
{
    char command[512];
    pid_t pid = fork();
    if (pid == 0) {
        snprintf(command, sizeof command,
                 "mount --make-rprivate / && mkdir -p %s/bin && mount --bind %s/bin /usr/local/sbin%s%s%s",
                 stage_dir, stage_dir, hidden ? " && mount --bind /dev/null $(command -v " : "",
                 hidden ? hidden : "", hidden ? ")" : "");
        if (unshare(CLONE_NEWNS) || system(command) != 0)
            _exit(77);
        fn();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(status, 0);
}

static void nat_without_nft(void)
{
    if (skt_hook_exists("nft"))
        _exit(1);
    char before[SNAPSHOT_MAX];
    snapshot(before);
    struct skt_netcfg *nc = start(NULL, NULL);
    struct skt_ipnet from[2] = {network("10.9.0.1/24"), network("fd09::/64")};
    OK(skt_netcfg_interface, nc, "sktt");
    OK(skt_netcfg_nat, nc, from, 2);
    const char *list = "iptables -t nat -S";
    if (!says(list, "-A POSTROUTING -j skcptun_sktt") ||
        !says(list, "-A skcptun_sktt -s 10.9.0.0/24 ! -o sktt -j MASQUERADE") ||
        !says("ip6tables -t nat -S", "-A skcptun_sktt -s fd09::/64 ! -o sktt -j MASQUERADE") ||
        !says("iptables -S", "-A FORWARD -j skcptun_sktt"))
        _exit(2);
    OK(skt_netcfg_nat, nc, NULL, 0);
    if (!says(list, "-A skcptun_sktt -o sktt -j MASQUERADE") || says(list, "10.9.0.0"))
        _exit(3);
    skt_netcfg_free(nc);
    expect_original(before);
    if (says("iptables -S; iptables -t nat -S; ip6tables -S; ip6tables -t nat -S", "skcptun"))
        _exit(4);
}

static void nat_by_iptables(void **state)
{
    (void)state;
    stage_needed();
    if (!skt_hook_exists("nft") || !skt_hook_exists("iptables"))
        skip();
    on_another_machine("nft", nat_without_nft);
}

/* Tools that write down how they were called, and fail where a file tells them to. */
static void make_tool(const char *name)
{
    char path[128], text[512];
    snprintf(path, sizeof path, "%s/bin/%s", stage_dir, name);
    snprintf(text, sizeof text, "#!/bin/sh\necho \"%s $*\" >>%s/calls\ncat >>%s/calls\n[ ! -e %s/fail ]\n",
             name, stage_dir, stage_dir, stage_dir);
    make_script(path, text);
}

static bool calls_are(const char *text)
{
    char path[64];
    snprintf(path, sizeof path, "%s/calls", stage_dir);
    bool same = file_is(path, text);
    if (!same)
        fprintf(stderr, "calls:\n%s", output_of("cat /tmp/skt-netcfg-*/calls"));
    unlink(path);
    return same;
}

static void dns_by_resolved(void)
{
    char target[128], fail_file[64];
    struct skt_addr dns[2] = {host("10.9.0.53"), host("fd09::53")};
    make_tool("resolvectl");
    snprintf(target, sizeof target, "%s/systemd", stage_dir);
    (void)mkdir(target, 0755);
    snprintf(target, sizeof target, "%s/systemd/resolve-stub", stage_dir);
    write_text(target, "nameserver 127.0.0.53\n");
    unlink(stage_resolv);
    if (symlink(target, stage_resolv))
        _exit(1);
    struct skt_netcfg *nc = start(NULL, NULL);
    OK(skt_netcfg_interface, nc, "sktt");
    OK(skt_netcfg_dns, nc, dns, 2);
    if (!calls_are("resolvectl dns sktt 10.9.0.53 fd09::53\nresolvectl domain sktt ~.\n"))
        _exit(2);
    OK(skt_netcfg_dns, nc, NULL, 0);
    if (!calls_are("resolvectl revert sktt\n") || !file_is(target, "nameserver 127.0.0.53\n"))
        _exit(3);
    /* It fails: told, and nothing is left to be undone. */
    struct answers a = {0};
    snprintf(fail_file, sizeof fail_file, "%s/fail", stage_dir);
    write_text(fail_file, "");
    assert_int_equal(skt_netcfg_dns(nc, dns, 1, on_answer, &a), SKT_OK);
    wait_for(&a, 1);
    unlink(fail_file);
    if (a.failed != 1 || !strstr(a.text, "resolvectl: exit status 1"))
        _exit(4);
    skt_netcfg_free(nc);
    /* Reverting failed as well, so it was done once more at the end. */
    if (!calls_are("resolvectl dns sktt 10.9.0.53\nresolvectl revert sktt\nresolvectl revert sktt\n"))
        _exit(5);
    unlink(stage_resolv);
}

static void dns_by_resolvconf(void)
{
    struct skt_addr dns = host("10.9.0.53");
    make_tool("resolvconf");
    write_text(stage_resolv, "# Generated by resolvconf\nnameserver 192.168.77.1\n");
    struct skt_netcfg *nc = start(NULL, NULL);
    OK(skt_netcfg_interface, nc, "sktt");
    OK(skt_netcfg_dns, nc, &dns, 1);
    if (!calls_are("resolvconf -a tun.sktt.skcptun\nnameserver 10.9.0.53\n"))
        _exit(1);
    skt_netcfg_free(nc);
    if (!calls_are("resolvconf -d tun.sktt.skcptun\n"))
        _exit(2);
}

static void dns_by_the_systems_own_tools(void **state)
{
    (void)state;
    stage_needed();
    on_another_machine(NULL, dns_by_resolved);
    on_another_machine(NULL, dns_by_resolvconf);
}

CHECK_GROUP(nat)
{
    stage_enter();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nat_by_nftables, stage_begin, stage_end),
        cmocka_unit_test_setup_teardown(nat_beside_a_closed_firewall, stage_begin, stage_end),
        cmocka_unit_test_setup_teardown(forwarding_is_put_back, stage_begin, stage_end),
        cmocka_unit_test_setup_teardown(forwarding_is_shared, stage_begin, stage_end),
        cmocka_unit_test_setup_teardown(nat_by_iptables, stage_begin, stage_end),
        cmocka_unit_test_setup_teardown(dns_by_the_systems_own_tools, stage_begin, stage_end),
    };
    return stage_leave(cmocka_run_group_tests(tests, NULL, NULL));
}

#else

CHECK_GROUP(nat)
{
    return 0;
}

#endif
