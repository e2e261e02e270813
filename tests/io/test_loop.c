/* SPDX-License-Identifier: MIT */
#include "base/check.h"
#include "base/err.h"
#include "io/loop.h"
#include "io/run_for.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

/* What happened, in order, one letter each. */
static char journal[256];

static void note(char c)
{
    size_t len = strlen(journal);
    if (len + 1 < sizeof journal)
        journal[len] = c;
}

static struct skt_loop *loop;

static int set_up(void **state)
{
    (void)state;
    memset(journal, 0, sizeof journal);
    return skt_loop_new(&loop);
}

static int tear_down(void **state)
{
    (void)state;
    skt_loop_free(loop);
    loop = NULL;
    return 0;
}

/* --- timers --- */

enum { TIMERS = 40 };

struct probe {
    struct skt_loop_timer timer;
    skt_us wanted, fired;
    int order;
};

static int fired_count;

static void on_probe(struct skt_loop_timer *t, skt_us now)
{
    struct probe *p = SKT_CONTAINER(t, struct probe, timer);
    p->fired = now;
    p->order = fired_count++;
    if (fired_count == TIMERS)
        skt_loop_stop(loop);
}

/* 300 us apart, set in a mixed order: none early, all in order. How late is the machine's load's business. */
static void timers_fire_in_order_and_never_early(void **state)
{
    (void)state;
    struct probe probes[TIMERS];
    fired_count = 0;
    skt_us base = skt_loop_now(loop) + 5000;
    for (unsigned i = 0; i < TIMERS; i++) {
        unsigned place = (i * 17) % TIMERS;
        skt_loop_timer_init(&probes[place].timer, on_probe);
        probes[place].wanted = base + place * 300;
        skt_loop_timer_set(loop, &probes[place].timer, probes[place].wanted);
    }
    skt_loop_run(loop);
    for (int i = 0; i < TIMERS; i++) {
        assert_int_equal(probes[i].order, i);
        check_that(probes[i].fired, >=, probes[i].wanted);
    }
}

static void note_a(struct skt_loop_timer *t, skt_us now)
{
    (void)t;
    (void)now;
    note('a');
}

static void note_b(struct skt_loop_timer *t, skt_us now)
{
    (void)t;
    (void)now;
    note('b');
}

static void timers_move_and_stop(void **state)
{
    (void)state;
    struct skt_loop_timer a, b, c;
    skt_us now = skt_loop_now(loop);
    skt_loop_timer_init(&a, note_a);
    skt_loop_timer_init(&b, note_b);
    skt_loop_timer_init(&c, note_a);
    skt_loop_timer_set(loop, &a, now + 2000);
    skt_loop_timer_set(loop, &b, now + 4000);
    skt_loop_timer_set(loop, &c, now + 1000);
    skt_loop_timer_set(loop, &a, now + 6000);
    skt_loop_timer_set(loop, &c, SKT_NEVER);
    run_for(loop, 10000);
    assert_string_equal(journal, "ba");
}

#ifdef __GLIBC__

/* A timer that finds no memory would be lost, and what waits for it would wait for ever. */
static void arming_takes_no_memory(void **state)
{
    (void)state;
    enum { MANY = 2000 };
    static struct skt_loop_timer timers[MANY];
    size_t before = mallinfo2().uordblks;
    for (unsigned i = 0; i < MANY; i++) {
        skt_loop_timer_init(&timers[i], note_a);
        skt_loop_timer_set(loop, &timers[i], skt_loop_now(loop) + i);
    }
    check_that(mallinfo2().uordblks, ==, before);
    for (unsigned i = 0; i < MANY; i++)
        skt_loop_timer_stop(loop, &timers[i]);
}

#else

static void arming_takes_no_memory(void **state)
{
    (void)state;
    skip();
}

#endif

/* Runs fn in a child that gets no descriptor any more after the first `spare`; what it returns, or -1 where
 * it was ended by a signal. */
static int without_descriptors(int (*fn)(void), int spare)
{
    pid_t pid = fork();
    check_that(pid, >=, 0);
    if (pid == 0) {
        int next = dup(0);
        struct rlimit limit = {(rlim_t)(next + spare), (rlim_t)(next + spare)};
        close(next);
        (void)signal(SIGABRT, SIG_DFL); /* cmocka's handler would go on in the child */
        _exit(next < 0 || setrlimit(RLIMIT_NOFILE, &limit) ? 99 : fn());
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void on_async(struct ev_loop *ev, ev_async *w, int revents)
{
    (void)w;
    (void)revents;
    ev_break(ev, EVBREAK_ONE);
}

/* As the first look-up of a name does. */
static int wake_by_another_thread(void)
{
    ev_async wake;
    ev_async_init(&wake, on_async);
    ev_async_start(skt_loop_ev(loop), &wake);
    ev_async_send(skt_loop_ev(loop), &wake);
    skt_loop_run(loop);
    return 7;
}

static void a_loop_needs_no_descriptor_later(void **state)
{
    (void)state;
    assert_int_equal(without_descriptors(wake_by_another_thread, 0), 7);
}

static int make_another(void)
{
    struct skt_loop *other = NULL;
    int err = skt_loop_new(&other);
    if (!err)
        skt_loop_free(other);
    return err == SKT_ERR_IO ? 7 : err == SKT_OK ? 8 : 9;
}

/* However many are left: a loop, or an error. */
static void a_loop_without_descriptors_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(without_descriptors(make_another, 0), 7);
    for (int spare = 1; spare < 6; spare++)
        assert_in_range(without_descriptors(make_another, spare), 7, 8);
    assert_int_equal(without_descriptors(make_another, 8), 8);
}

struct self {
    struct skt_loop_timer timer;
    int left;
};

static void again_at_once(struct skt_loop_timer *t, skt_us now)
{
    struct self *s = SKT_CONTAINER(t, struct self, timer);
    note('t');
    if (s->left-- > 0)
        skt_loop_timer_set(loop, t, now);
    else
        free(s);
}

static void note_task(struct skt_loop_task *t, skt_us now)
{
    (void)t;
    (void)now;
    note('.');
}

/* A timer that sets itself into the past fires once a turn, and frees itself in the end. */
static void a_timer_due_again_waits_for_the_next_turn(void **state)
{
    (void)state;
    struct self *s = malloc(sizeof *s);
    assert_non_null(s);
    struct skt_loop_task task;
    skt_loop_task_init(&task, note_task);
    skt_loop_timer_init(&s->timer, again_at_once);
    s->left = 2;
    skt_loop_timer_set(loop, &s->timer, 0);
    skt_loop_defer(loop, &task);
    run_for(loop, 5000);
    assert_string_equal(journal, "t.tt");
}

/* A deadline that is put off again and again costs no wake-ups of its own. */
static void an_idle_loop_sleeps(void **state)
{
    (void)state;
    struct skt_loop_timer t;
    skt_us now = skt_loop_now(loop);
    skt_loop_timer_init(&t, note_a);
    skt_loop_timer_set(loop, &t, now + 20000);
    run_for(loop, 1000);
    skt_loop_timer_set(loop, &t, now + 10 * SKT_US_PER_SEC);
    unsigned before = ev_iteration(skt_loop_ev(loop));
    run_for(loop, 200000);
    assert_in_range(ev_iteration(skt_loop_ev(loop)) - before, 1, 5 + RUN_FOR_TURNS);
    skt_loop_timer_stop(loop, &t);
    assert_string_equal(journal, "");
}

/* --- tasks --- */

struct chain {
    struct skt_loop_task task;
    struct chain *next;
    char name;
    int rounds;
};

static void run_chain(struct skt_loop_task *t, skt_us now)
{
    (void)now;
    struct chain *c = SKT_CONTAINER(t, struct chain, task);
    note(c->name);
    if (c->next)
        skt_loop_defer(loop, &c->next->task);
    if (c->rounds-- > 0)
        skt_loop_defer(loop, t);
}

static void init_chain(struct chain *c, char name, struct chain *next, int rounds)
{
    skt_loop_task_init(&c->task, run_chain);
    c->name = name;
    c->next = next;
    c->rounds = rounds;
}

static void tasks_run_once_and_in_order(void **state)
{
    (void)state;
    struct chain a, b, c, d;
    init_chain(&a, 'a', NULL, 0);
    init_chain(&b, 'b', &d, 0);
    init_chain(&c, 'c', NULL, 0);
    init_chain(&d, 'd', NULL, 0);
    skt_loop_defer(loop, &b.task);
    skt_loop_defer(loop, &a.task);
    skt_loop_defer(loop, &b.task);
    skt_loop_defer(loop, &c.task);
    skt_loop_task_cancel(&a.task);
    run_for(loop, 2000);
    assert_string_equal(journal, "bcd");
}

static struct chain *victim;

static void cancel_victim(struct skt_loop_task *t, skt_us now)
{
    (void)t;
    (void)now;
    skt_loop_task_cancel(&victim->task);
    note('x');
}

static void a_task_cancels_another_of_its_round(void **state)
{
    (void)state;
    struct chain a;
    struct skt_loop_task killer;
    init_chain(&a, 'a', NULL, 0);
    victim = &a;
    skt_loop_task_init(&killer, cancel_victim);
    skt_loop_defer(loop, &killer);
    skt_loop_defer(loop, &a.task);
    run_for(loop, 2000);
    assert_string_equal(journal, "x");
}

static void on_pipe(struct skt_loop_io *io, unsigned ready)
{
    assert_int_equal(ready, SKT_IO_READ);
    note('r');
    skt_loop_io_set(loop, io, 0);
}

/* A task that defers itself for ever: descriptors still get their turn, and the loop does not sleep
 * meanwhile.
 */
static void endless_tasks_do_not_starve_descriptors(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    struct skt_loop_io io;
    skt_loop_io_init(&io, fds[0], on_pipe);
    skt_loop_io_set(loop, &io, SKT_IO_READ);
    struct chain a;
    init_chain(&a, 'a', NULL, 20);
    skt_loop_defer(loop, &a.task);
    run_for(loop, 20000);
    const char *read_at = strchr(journal, 'r');
    assert_non_null(read_at);
    assert_int_equal(read_at - journal, 8);
    assert_int_equal(strlen(journal), 22);
    close(fds[0]);
    close(fds[1]);
}

/* --- descriptors and signals --- */

static void on_both(struct skt_loop_io *io, unsigned ready)
{
    if (ready & SKT_IO_WRITE) {
        note('w');
        skt_loop_io_set(loop, io, SKT_IO_READ);
    }
    if (ready & SKT_IO_READ) {
        note('r');
        skt_loop_io_set(loop, io, 0);
    }
}

static void watched_events_change(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    struct skt_loop_io out, in;
    skt_loop_io_init(&out, fds[1], on_both);
    skt_loop_io_init(&in, fds[0], on_both);
    assert_int_equal(skt_loop_io_events(&in), 0);
    skt_loop_io_set(loop, &out, SKT_IO_WRITE);
    skt_loop_io_set(loop, &in, SKT_IO_READ);
    assert_int_equal(skt_loop_io_events(&in), SKT_IO_READ);
    run_for(loop, 2000);
    assert_string_equal(journal, "w");
    skt_loop_io_set(loop, &out, 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    run_for(loop, 2000);
    assert_string_equal(journal, "wr");
    assert_int_equal(skt_loop_io_events(&in), 0);
    close(fds[0]);
    close(fds[1]);
}

static void on_usr1(struct skt_loop_signal *s, int signum)
{
    assert_int_equal(signum, SIGUSR1);
    note('s');
    skt_loop_signal_stop(loop, s);
    skt_loop_stop(loop);
}

static void signals_are_delivered_from_the_loop(void **state)
{
    (void)state;
    struct skt_loop_signal s;
    skt_loop_signal_start(loop, &s, SIGUSR1, on_usr1);
    assert_int_equal(raise(SIGUSR1), 0);
    assert_string_equal(journal, "");
    skt_loop_run(loop);
    assert_string_equal(journal, "s");
}

static void clocks_agree(void **state)
{
    (void)state;
    skt_us before = skt_loop_now(loop);
    uint64_t wall = skt_loop_wall_ms(loop);
    bool agreed = false;
    for (int i = 0; i < 100 && !agreed;
         i++) { /* a busy machine may stop us between the readings of the two */
        run_for(loop, 30000);
        uint64_t mono_ms = (skt_loop_now(loop) - before) / 1000, wall_ms = skt_loop_wall_ms(loop) - wall;
        check_that(mono_ms, >=, 30);
        agreed = wall_ms + 5 >= mono_ms && wall_ms <= mono_ms + 5;
    }
    assert_true(agreed);
    check_that(wall, >, UINT64_C(1700000000000)); /* later than 2023 */
}

CHECK_GROUP(loop)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(timers_fire_in_order_and_never_early, set_up, tear_down),
        cmocka_unit_test_setup_teardown(timers_move_and_stop, set_up, tear_down),
        cmocka_unit_test_setup_teardown(arming_takes_no_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_loop_needs_no_descriptor_later, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_loop_without_descriptors_is_an_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_timer_due_again_waits_for_the_next_turn, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_idle_loop_sleeps, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tasks_run_once_and_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_task_cancels_another_of_its_round, set_up, tear_down),
        cmocka_unit_test_setup_teardown(endless_tasks_do_not_starve_descriptors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(watched_events_change, set_up, tear_down),
        cmocka_unit_test_setup_teardown(signals_are_delivered_from_the_loop, set_up, tear_down),
        cmocka_unit_test_setup_teardown(clocks_agree, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
