/* SPDX-License-Identifier: MIT */
/* What a session may make the process hold in connections to targets. */
#include "base/check.h"
#include "tunnel/relay_rig.h"

#include <errno.h>
#include <unistd.h>

#define SECOND SKT_US_PER_SEC

static struct rig rig;

static int setup(void **state)
{
    (void)state;
    rig_start(&rig, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_stop(&rig);
    return 0;
}

static void expect_reset(int app)
{
    char buf[8];
    assert_int_equal(rig_read(&rig, app, buf, sizeof buf, 2 * SECOND), -ECONNRESET);
    close(app);
}

static bool has_one(void *arg)
{
    return ((const struct rig *)arg)->shared->fds == 1;
}

static size_t most;

static bool has_little(void *arg)
{
    return ((const struct rig *)arg)->shared->pool.used <= most;
}

static void expect_given_back(size_t used)
{
    rig_run(&rig, SECOND / 2);
    most = used + 512;
    assert_true(rig_until(&rig, has_little, &rig, SECOND));
    assert_true(rig.shared->pool.used >= used);
}

/* A session has as many descriptors as it leaves to others; one that is returned can be used again. */
static void a_share_of_descriptors(void **state)
{
    (void)state;
    int apps[3], targets[3];
    rig.shared->fds_max = 4;
    for (int i = 0; i < 2; i++) {
        apps[i] = rig_open(&rig, "");
        targets[i] = rig_accept(&rig);
    }
    assert_int_equal(rig.shared->fds, 2);
    expect_reset(rig_open(&rig, ""));
    close(apps[0]);
    close(targets[0]);
    assert_true(rig_until(&rig, has_one, &rig, SECOND));
    apps[2] = rig_open(&rig, "");
    targets[2] = rig_accept(&rig);
    assert_int_equal(rig.shared->fds, 2);
    for (int i = 1; i < 3; i++) {
        close(apps[i]);
        close(targets[i]);
    }
    assert_true(rig_all_closed(&rig, 2 * SECOND));
    assert_int_equal(rig.shared->fds, 0);
}

/* Refused ones give theirs back, and what they were charged. */
static void failures_give_back(void **state)
{
    (void)state;
    rig_run(&rig, SECOND / 2);
    size_t used = rig.shared->pool.used;
    rig.target_port = 1;
    for (int i = 0; i < 2; i++)
        expect_reset(rig_open(&rig, ""));
    expect_given_back(used);
    assert_int_equal(rig.shared->fds, 0);
}

/* Relays are part of what their session is charged with, and let go of it. */
static void a_relay_is_charged(void **state)
{
    (void)state;
    rig_run(&rig, SECOND / 2);
    size_t used = rig.shared->pool.used;
    int app = rig_open(&rig, ""), target = rig_accept(&rig);
    rig_run(&rig, SECOND / 2);
    size_t each = rig.shared->pool.used - used;
    print_message("an idle connection, both ends: %zu bytes\n", each);
    assert_in_range(each, 1200, 2 * 1800);
    close(app);
    close(target);
    assert_true(rig_all_closed(&rig, 2 * SECOND));
    expect_given_back(used);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

CHECK_GROUP(relay_limits)
{
    const struct CMUnitTest tests[] = {
        CASE(a_share_of_descriptors),
        CASE(failures_give_back),
        CASE(a_relay_is_charged),
    };
    return cmocka_run_group_tests_name("relay_limits", tests, NULL, NULL);
}
