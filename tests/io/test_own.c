/* SPDX-License-Identifier: MIT */
/* Which addresses are this machine's, as its routing sees it: in a namespace of the test's own. */
#include "io/netns.h" /* first: it asks for more of libc */

#include "base/err.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"

static bool here;

static int enter(void **state)
{
    (void)state;
    here = netns_enter();
    return 0;
}

static bool is_own(const char *ip)
{
    struct skt_ipnet host;
    assert_int_equal(skt_ipnet_parse(&host, ip), SKT_OK);
    return skt_net_is_own(&host);
}

static void ip(const char *args)
{
    char line[256];
    snprintf(line, sizeof line, "ip %s", args);
    if (system(line) != 0)
        fail_msg("%s", line);
}

static void own_addresses_are_known(void **state)
{
    (void)state;
    if (!here)
        skip();
    ip("link add d0 type veth peer name d1");
    ip("link set d1 up");
    ip("link set d0 up");
    ip("addr add 203.0.113.1/24 dev d0");
    ip("addr add 203.0.113.2/24 dev d0"); /* a secondary one, whose packets leave from the first */
    ip("addr add 198.51.100.1/32 dev d0");
    ip("-6 addr add 2001:db8::1/64 dev d0 nodad");
    ip("route add local 192.0.2.0/24 dev lo");
    /* The kernel hears of the link some time after `ip` is through; its IPv6 address works from then on. */
    for (int i = 0; i < 500 && !is_own("2001:db8::1"); i++)
        usleep(10000);
    static const char *const own[] = {"127.0.0.1",   "127.1.2.3",     "0.0.0.0",      "203.0.113.1",
                                      "203.0.113.2", "203.0.113.255", "198.51.100.1", "192.0.2.77",
                                      "::1",         "2001:db8::1"};
    static const char *const others[] = {"203.0.113.3", "2001:db8::2", "8.8.8.8", "2606:4700::1"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (!is_own(own[i]))
            fail_msg("%s", own[i]);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) /* the last two without any way there */
        if (is_own(others[i]))
            fail_msg("%s", others[i]);
    ip("route add unreachable 8.8.8.0/24");
    assert_false(is_own("8.8.8.8"));
}

CHECK_GROUP(own)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_addresses_are_known),
    };
    return cmocka_run_group_tests(tests, enter, NULL);
}
