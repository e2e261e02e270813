/* SPDX-License-Identifier: MIT */
#include "base/check.h"
#include "base/err.h"
#include "io/resolve.h"

#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

struct answer {
    int calls;
    size_t n;
    struct skt_addr addrs[SKT_RESOLVE_ADDRS_MAX];
    bool error;
    int *pending; /* the loop stops at 0 */
};

static struct skt_loop *loop;

static void on_answer(void *user, const struct skt_addr *addrs, size_t n, const char *error)
{
    struct answer *a = (struct answer *)user;
    a->calls++;
    a->n = n;
    a->error = error != NULL;
    memcpy(a->addrs, addrs, n * sizeof *addrs);
    if (--*a->pending == 0)
        skt_loop_stop(loop);
}

static int set_up(void **state)
{
    (void)state;
    return skt_loop_new(&loop);
}

static int tear_down(void **state)
{
    (void)state;
    skt_loop_free(loop);
    return 0;
}

static void numeric_addresses_need_no_thread(void **state)
{
    (void)state;
    int pending = 2;
    struct answer a = {.pending = &pending}, b = {.pending = &pending};
    struct skt_resolve *r;
    assert_int_equal(skt_resolve_start(&r, loop, "192.0.2.7", 80, on_answer, &a), SKT_OK);
    assert_int_equal(skt_resolve_start(&r, loop, "2001:db8::1", 443, on_answer, &b), SKT_OK);
    assert_int_equal(a.calls, 0); /* never from inside the call */
    skt_loop_run(loop);
    assert_int_equal(ev_iteration(skt_loop_ev(loop)), 0); /* at the end of the first turn */
    char text[SKT_ADDR_TEXT_MAX];
    assert_int_equal(a.n, 1);
    assert_string_equal(skt_addr_text(&a.addrs[0], text), "192.0.2.7:80");
    assert_int_equal(b.n, 1);
    assert_string_equal(skt_addr_text(&b.addrs[0], text), "[2001:db8::1]:443");
}

/* The first of a loop, when the process has no descriptor left: libev would end it, were the loop not ready.
 */
static void the_first_needs_no_descriptor(void **state)
{
    (void)state;
    pid_t pid = fork();
    check_that(pid, >=, 0);
    if (pid == 0) {
        int pending = 1, next = dup(0);
        struct answer a = {.pending = &pending};
        struct skt_resolve *r;
        struct rlimit limit = {(rlim_t)next, (rlim_t)next};
        close(next);
        (void)signal(SIGABRT, SIG_DFL); /* cmocka's handler would go on in the child */
        if (next < 0 || setrlimit(RLIMIT_NOFILE, &limit) ||
            skt_resolve_start(&r, loop, "192.0.2.7", 80, on_answer, &a) != SKT_OK)
            _exit(1);
        skt_loop_run(loop);
        _exit(a.n == 1 ? 0 : 2);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void localhost_is_found(void **state)
{
    (void)state;
    int pending = 1;
    struct answer a = {.pending = &pending};
    struct skt_resolve *r;
    assert_int_equal(skt_resolve_start(&r, loop, "localhost", 4000, on_answer, &a), SKT_OK);
    skt_loop_run(loop);
    assert_int_equal(a.calls, 1);
    assert_false(a.error);
    assert_in_range(a.n, 1, SKT_RESOLVE_ADDRS_MAX);
    assert_int_equal(a.addrs[0].port, 4000);
}

static void a_failure_has_a_text(void **state)
{
    (void)state;
    int pending = 1;
    struct answer a = {.pending = &pending};
    struct skt_resolve *r;
    /* A space is in no host's name: refused without asking anybody. */
    assert_int_equal(skt_resolve_start(&r, loop, "no such host", 1, on_answer, &a), SKT_OK);
    skt_loop_run(loop);
    assert_int_equal(a.calls, 1);
    assert_int_equal(a.n, 0);
    assert_true(a.error);
}

static void senseless_names_are_refused(void **state)
{
    (void)state;
    struct skt_resolve *r = NULL;
    char name[300];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(skt_resolve_start(&r, loop, "", 1, on_answer, NULL), SKT_ERR_ARG);
    assert_int_equal(skt_resolve_start(&r, loop, name, 1, on_answer, NULL), SKT_ERR_ARG);
    assert_null(r);
}

/* More at once than there are threads. */
static void many_wait_in_a_queue(void **state)
{
    (void)state;
    enum { MANY = 40 };
    int pending = MANY;
    struct answer answers[MANY];
    struct skt_resolve *r;
    for (int i = 0; i < MANY; i++) {
        answers[i] = (struct answer){.pending = &pending};
        assert_int_equal(skt_resolve_start(&r, loop, "localhost", (uint16_t)i, on_answer, &answers[i]),
                         SKT_OK);
    }
    skt_loop_run(loop);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(answers[i].calls, 1);
        check_that(answers[i].n, >, 0);
        assert_int_equal(answers[i].addrs[0].port, i);
    }
}

static void cancelled_ones_are_not_answered(void **state)
{
    (void)state;
    enum { MANY = 30 };
    int pending = MANY / 2;
    struct answer answers[MANY];
    struct skt_resolve *r[MANY];
    for (int i = 0; i < MANY; i++) {
        answers[i] = (struct answer){.pending = &pending};
        const char *name = i % 3 ? "localhost" : "127.0.0.1";
        assert_int_equal(skt_resolve_start(&r[i], loop, name, 1, on_answer, &answers[i]), SKT_OK);
    }
    for (int i = 0; i < MANY; i += 2)
        skt_resolve_cancel(r[i]);
    skt_loop_run(loop);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(answers[i].calls, i % 2);
    skt_resolve_cancel(NULL);
}

/* Look-ups of every stage are left to the end of the loop: a leak or a late answer is the sanitizer's to
 * find.
 */
static void a_loop_may_end_before_its_look_ups(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        struct skt_loop *other;
        struct skt_resolve *r;
        assert_int_equal(skt_loop_new(&other), SKT_OK);
        for (int i = 0; i < 8; i++)
            assert_int_equal(skt_resolve_start(&r, other, i % 4 ? "localhost" : "::1", 1, on_answer, NULL),
                             SKT_OK);
        if (round % 2)
            skt_resolve_cancel(r);
        skt_loop_free(other);
    }
}

CHECK_GROUP(resolve)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(numeric_addresses_need_no_thread, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_first_needs_no_descriptor, set_up, tear_down),
        cmocka_unit_test_setup_teardown(localhost_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failure_has_a_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(senseless_names_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_wait_in_a_queue, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cancelled_ones_are_not_answered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_loop_may_end_before_its_look_ups, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
