/* SPDX-License-Identifier: MIT */
/* A process that was taken over speaks with the helper, which is root: every kind of request that is
 * malformed or was not named at the start. Nothing of it may be done, the helper goes on, and cleans up at
 * the end. */
#ifdef __linux__
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "netcfg/helper.h"
#include "netcfg/limits.h"
#include "netcfg/stage.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int channel;
static pid_t helper;

static void say(const char *text, size_t len)
{
    assert_int_equal(send(channel, text, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* The code of the next answer; 1: there is none, the helper has ended. */
static int answer_code(void)
{
    char line[SKT_NETCFG_TEXT_MAX + 16];
    size_t n = 0;
    while (n < sizeof line - 1 && read(channel, line + n, 1) == 1)
        if (line[n++] == '\n')
            return atoi(line);
    return 1;
}

static int ask_bytes(const char *request, size_t len)
{
    say(request, len);
    say("\n", 1);
    return answer_code();
}

static int ask(const char *request)
{
    return ask_bytes(request, strlen(request));
}

/* A helper with these options and its end of the channel; the answer to "begin". */
static int start_helper(const char *options)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    helper = fork();
    check_that(helper, >=, 0);
    if (helper == 0) {
        close(ends[0]);
        skt_netcfg_helper_run(ends[1]);
        _exit(0);
    }
    close(ends[1]);
    channel = ends[0];
    say(options, strlen(options));
    return answer_code();
}

static void end_helper(void)
{
    int status = 0;
    close(channel);
    assert_int_equal(waitpid(helper, &status, 0), helper);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static const char *options(void)
{
    static char text[2048];
    snprintf(text, sizeof text,
             "journal %s\nresolv-conf %s\nup %s/up\ndown %s/down\nlimit-ms 2000\n"
             "may-interface sktt\nmay-route 10.0.0.0/8\nmay-route fd12::/64\nmay-pin 192.0.2.1/32\n"
             "may-dns 10.9.0.53/32\nmay-set SKT_TUN_IP=10.9.0.1\nbegin\n",
             stage_journal, stage_resolv, stage_dir, stage_dir);
    return text;
}

static void start_limited(void)
{
    char up[80], text[160];
    snprintf(up, sizeof up, "%s/up", stage_dir);
    snprintf(text, sizeof text, "#!/bin/sh\nenv | sort >>%s/env\necho . >>%s/runs\n", stage_dir, stage_dir);
    make_script(up, text);
    snprintf(up, sizeof up, "%s/down", stage_dir);
    make_script(up, "#!/bin/sh\nexit 0\n");
    assert_int_equal(start_helper(options()), SKT_OK);
}

static bool script_has_run(void)
{
    char path[80];
    snprintf(path, sizeof path, "%s/env", stage_dir);
    return access(path, F_OK) == 0;
}

static void refused_whatever_it_is(const char *const *requests)
{
    for (; *requests; requests++)
        if (ask(*requests) >= 0)
            fail_msg("it was done: %s", *requests);
}

static void nothing_is_done_that_was_not_named(void **state)
{
    (void)state;
    stage_needed();
    static const char *const before_a_name[] = {"mtu 1400", "route 10.0.0.0/8", "hook up", "dns 10.9.0.53",
                                                NULL};
    static const char *const requests[] = {
        /* other interfaces, and what is no name */
        "interface eth", "interface lo", "interface", "interface ../../x", "interface sktt;reboot",
        "interface sktt\x1f", "interface -sktt", "interface skt+",
        "interface aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        /* networks */
        "route 0.0.0.0/0", "route 10.0.0.0/9", "route 10.0.0.0/8 10.0.0.0/8", "route", "route x",
        "route 10/8", "route 10.0.0.0/33", "route 10.0.0.0/-1", "route fd12::/63", "pin 192.0.2.2",
        "pin 192.0.2.0/24", "pin 0.0.0.0/0", "unpin 0.0.0.0/0", "dns 8.8.8.8", "dns 10.9.0.53 8.8.8.8",
        "dns 10.9.0.53/24", "nat", "nat 10.9.0.0/24", "forward 4", "forward 46", "forward x4", "forward 4;6",
        /* numbers */
        "mtu", "mtu x", "mtu -1", "mtu 0", "mtu 575", "mtu 65536", "mtu 1400x", "mtu 99999999999999999999",
        "mtu  1400",
        /* what is no request, or only one at the start */
        "", " ", "x", "undo all", "UNDO", "begin", "journal /etc/passwd", "up /bin/sh", "down /bin/sh",
        "may-anything", "may-route 0.0.0.0/0", "may-set SKT_TUN_IP=1.2.3.4", "resolv-conf /etc/passwd",
        "exec reboot", "\x7f", "interface\tsktt", "hook", "hook sideways", "hook up down", "hook up ",
        "hook down\x1fX=1", NULL};
    char before[SNAPSHOT_MAX], now[SNAPSHOT_MAX];
    start_limited();
    snapshot(before);
    refused_whatever_it_is(before_a_name);
    assert_int_equal(ask("interface sktt"), SKT_OK);
    refused_whatever_it_is(requests);
    snapshot(now);
    assert_string_equal(now, before);
    assert_false(script_has_run());
    assert_true(file_is(stage_resolv, "search example.org\nnameserver 192.168.77.1\n"));
    /* And what was named is still done. */
    assert_int_equal(ask("route 10.0.0.0/8"), SKT_OK);
    assert_int_equal(ask("route fd12::/64"), SKT_OK);
    assert_int_equal(ask("pin 192.0.2.1"), SKT_OK);
    assert_int_equal(ask("dns 10.9.0.53"), SKT_OK);
    assert_int_equal(ask("mtu 1400"), SKT_OK);
    end_helper();
    expect_original(before);
}

static void scripts_get_a_closed_list(void **state)
{
    (void)state;
    stage_needed();
    static const char *const requests[] = {"hook up\x1fLD_PRELOAD=/tmp/x.so",
                                           "hook up\x1fSKT_TUN_IP=10.9.0.1\x1fLD_PRELOAD=/tmp/x.so",
                                           "hook up\x1fPATH=/tmp",
                                           "hook up\x1fSKT_TUN=eth",
                                           "hook up\x1fSKT_EVENT=x",
                                           "hook up\x1fSKT_OTHER=1",
                                           "hook up\x1fSKT_TUN_IP=10.9.0.2",
                                           "hook up\x1fSKT_TUN_IP=10.9.0.1\x1fSKT_TUN_IP=10.9.0.1",
                                           "hook up\x1fSKT_TUN_IP=$(reboot)",
                                           "hook up\x1fSKT_TUN_IP6=fd09::1",
                                           "hook up\x1fSKT_TUN_MTU=1400;reboot",
                                           "hook up\x1fSKT_TUN_MTU=",
                                           "hook up\x1fSKT_TUN_MTU=1",
                                           "hook up\x1fSKT_TUN_MTU=-1400",
                                           "hook up\x1f",
                                           "hook up\x1f\x1fSKT_TUN_IP=10.9.0.1",
                                           "hook up\x1f=",
                                           "hook up\x1fSKT_TUN_IP",
                                           NULL};
    char path[80];
    start_limited();
    assert_int_equal(ask("interface sktt"), SKT_OK);
    refused_whatever_it_is(requests);
    assert_false(script_has_run());
    assert_int_equal(ask("hook up\x1fSKT_TUN_IP=10.9.0.1\x1fSKT_TUN_MTU=1400"), SKT_OK);
    check_that(ask("hook up\x1fSKT_TUN_IP=10.9.0.1"), <, 0); /* a script may not do it twice */
    snprintf(path, sizeof path, "%s/env", stage_dir);
    /* The shell sets PWD and the like by itself. */
    char command[128];
    snprintf(command, sizeof command, "grep -vE '^(PWD|OLDPWD|SHLVL|_|PATH)=' %s", path);
    assert_string_equal(output_of(command),
                        "SKT_EVENT=up\nSKT_TUN=sktt\nSKT_TUN_IP=10.9.0.1\nSKT_TUN_MTU=1400\n");
    snprintf(path, sizeof path, "%s/runs", stage_dir);
    assert_true(file_is(path, ".\n"));
    end_helper();
}

/* Bytes that are no text, borders of the buffer, half requests, and answers that nobody reads. */
static void no_bytes_upset_it(void **state)
{
    (void)state;
    stage_needed();
    static char big[20000];
    char before[SNAPSHOT_MAX];
    snapshot(before);
    start_limited();
    check_that(ask_bytes("mtu\0 1400", 9), <, 0);
    check_that(ask_bytes("\xff\xfe\x80", 3), <, 0);
    check_that(ask_bytes("interface sktt\r", 15), <, 0);
    memset(big, 'a', sizeof big);
    check_that(ask_bytes(big, 6000), <, 0);
    memcpy(big, "dns ", 4);
    for (size_t i = 4; i + 4 < 5900; i += 4)
        memcpy(big + i, "::1 ", 4);
    assert_int_equal(ask("interface sktt"), SKT_OK);
    check_that(ask_bytes(big, 5900), <, 0);
    for (size_t i = 0; i < 2000; i++)
        big[i] = i % 2 ? '\n' : 'x';
    say(big, 2000);
    for (int i = 0; i < 1000; i++)
        check_that(answer_code(), <, 0);
    assert_int_equal(ask("mtu 1400"), SKT_OK);
    memset(big, 'a', sizeof big);
    (void)!send(channel, big, sizeof big, MSG_NOSIGNAL); /* a line without end: that is the end */
    assert_int_equal(answer_code(), 1);
    end_helper();
    expect_original(before);
    start_limited();
    say("route 10.0.0.0/8\nrou", 20); /* half a request at the end, and the answer is not read */
    end_helper();
    expect_original(before);
}

/* A journal that somebody else has written is held to the same forms. */
static void a_planted_journal_does_nothing(void **state)
{
    (void)state;
    stage_needed();
    char before[SNAPSHOT_MAX], victim[80], backup[96], text[1024];
    snprintf(victim, sizeof victim, "%s/victim", stage_dir);
    snprintf(backup, sizeof backup, "%s.skcptun", victim);
    write_text(victim, "# written by skcptun (x)\nprecious\n");
    write_text(backup, "evil\n");
    assert_int_equal(system("ip route add 198.51.100.0/24 dev eth; nft add table ip keep 2>/dev/null; true"),
                     0);
    snapshot(before);
    snprintf(text, sizeof text,
             "+route 198.51.100.0/24 - eth 0\n+route 198.51.100.0/24 - eth;reboot 0\n"
             "+sysctl kernel/core_pattern |/tmp/evil core\n+sysctl net/ipv4/../../kernel/x 0 1\n"
             "+sysctl net/ipv4/ip_forward 1;x 0\n+sysctl net/ipv6/conf/../x/accept_ra 1 2\n"
             "+nft keep\n+nft skcptun_x;delete\n+iptables INPUT\n+iptables skcptun_\n+ip6tables OUTPUT\n"
             "+dns-file %s\n+dns-resolved -h\n+dns-resolvconf eth0.dhcp\n+exec reboot\n+\n-\n+route\n",
             victim);
    write_text(stage_journal, text);
    assert_int_equal(chmod(stage_journal, 0600), 0);
    assert_int_equal(start_helper(options()), SKT_OK);
    end_helper();
    assert_true(file_is(victim, "# written by skcptun (x)\nprecious\n"));
    char now[SNAPSHOT_MAX];
    snapshot(now);
    assert_string_equal(now, before);
    assert_false(says("cat /proc/sys/kernel/core_pattern", "/tmp/evil"));
    assert_int_not_equal(access(stage_journal, F_OK), 0); /* and it is gone */
}

static void a_journal_of_others_is_refused(void **state)
{
    (void)state;
    stage_needed();
    char target[80];
    snprintf(target, sizeof target, "%s/target", stage_dir);
    write_text(target, "precious\n");
    assert_int_equal(symlink(target, stage_journal), 0);
    assert_int_equal(start_helper(options()), SKT_ERR_AUTH);
    end_helper();
    assert_true(file_is(target, "precious\n"));
    assert_int_equal(unlink(stage_journal), 0);
    write_text(stage_journal, "");
    assert_int_equal(chown(stage_journal, 12345, 12345), 0);
    assert_int_equal(start_helper(options()), SKT_ERR_AUTH);
    end_helper();
}

static void wrong_options_end_it(void **state)
{
    (void)state;
    stage_needed();
    static const char *const wrong[] = {"nonsense\n",
                                        "may-route x\n",
                                        "may-interface a/b\n",
                                        "may-set X=1\n",
                                        "may-set SKT_TUN_IP=x\n",
                                        "journal\n",
                                        NULL};
    for (size_t i = 0; wrong[i]; i++) {
        assert_true(start_helper(wrong[i]) < 0);
        end_helper();
    }
}

CHECK_GROUP(hostile)
{
    stage_enter();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_done_that_was_not_named, stage_begin, stage_end),
        cmocka_unit_test_setup_teardown(scripts_get_a_closed_list, stage_begin, stage_end),
        cmocka_unit_test_setup_teardown(no_bytes_upset_it, stage_begin, stage_end),
        cmocka_unit_test_setup_teardown(a_planted_journal_does_nothing, stage_begin, stage_end),
        cmocka_unit_test_setup_teardown(a_journal_of_others_is_refused, stage_begin, stage_end),
        cmocka_unit_test_setup_teardown(wrong_options_end_it, stage_begin, stage_end),
    };
    return stage_leave(cmocka_run_group_tests(tests, NULL, NULL));
}

#else

CHECK_GROUP(hostile)
{
    return 0;
}

#endif
