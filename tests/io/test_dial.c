/* SPDX-License-Identifier: MIT */
/* Ways out that end well, badly, or in the middle. Names are this test's own: getaddrinfo is wrapped, and
 * what comes of memory fails when it is told to. */
#ifdef SKT_WRAPPED
#include "base/check.h"
#include "base/err.h"
#include "io/dial.h"
#include "io/run_for.h"
#include "io/tcp.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define MS     SKT_US_PER_MS
#define SECOND SKT_US_PER_SEC

/* --- names --- */

/* "slow": not answered until it is let go; "none": not found; numbers with commas: these addresses. */
static atomic_bool let_go;
static atomic_int asleep;

int __wrap_getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                       struct addrinfo **res);
void __wrap_freeaddrinfo(struct addrinfo *list);

void *__real_calloc(size_t n, size_t len);

struct node {
    struct addrinfo info;
    struct sockaddr_in sin;
};

static struct addrinfo *node_of(const char *ip, size_t len, struct addrinfo *next)
{
    char text[INET6_ADDRSTRLEN] = "";
    struct skt_addr a = {0};
    memcpy(text, ip, len);
    (void)skt_addr_parse(&a, text, 0);
    /* Not the one that fails, and not malloc either: of that and zeros clang makes a calloc. */
    struct node *n = __real_calloc(1, sizeof *n);
    n->sin.sin_family = AF_INET;
    memcpy(&n->sin.sin_addr, a.ip, 4);
    n->info.ai_addr = (struct sockaddr *)&n->sin;
    n->info.ai_next = next;
    return &n->info;
}

static struct addrinfo *list_of(const char *ips)
{
    size_t len = strcspn(ips, ",");
    return node_of(ips, len, ips[len] ? list_of(ips + len + 1) : NULL);
}

int __wrap_getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                       struct addrinfo **res)
{
    (void)service;
    (void)hints;
    if (strcmp(name, "slow") == 0) {
        atomic_fetch_add(&asleep, 1);
        while (!atomic_load(&let_go))
            usleep(1000);
        atomic_fetch_sub(&asleep, 1);
        return EAI_AGAIN;
    }
    if (strcmp(name, "none") == 0)
        return EAI_NONAME;
    *res = list_of(name);
    return 0;
}

void __wrap_freeaddrinfo(struct addrinfo *list)
{
    while (list) {
        struct addrinfo *next = list->ai_next;
        free(SKT_CONTAINER(list, struct node, info));
        list = next;
    }
}

/* --- memory --- */

static int fail_at = -1; /* the how many-th request fails; -1: none */

void *__wrap_calloc(size_t n, size_t len);
void *__real_realloc(void *old, size_t len);
void *__wrap_realloc(void *old, size_t len);

static bool fails(void)
{
    return fail_at >= 0 && fail_at-- == 0;
}

void *__wrap_calloc(size_t n, size_t len)
{
    return fails() ? NULL : __real_calloc(n, len);
}

void *__wrap_realloc(void *old, size_t len)
{
    return fails() ? NULL : __real_realloc(old, len);
}

/* --- the stage --- */

static struct skt_loop *loop;
static struct skt_dial dial;
static int calls;                /* answers */
static struct skt_tcp_conn *got; /* the last answer */
static int fds_before;
static uint16_t port;

static void on_dialled(void *user, struct skt_tcp_conn *conn)
{
    assert_ptr_equal(user, &dial);
    calls++;
    got = conn;
    skt_loop_stop(loop);
}

static int open_fds(void)
{
    int n = 0;
    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void begin(const char *host, skt_us limit)
{
    calls = 0;
    got = NULL;
    assert_int_equal(skt_dial_begin(&dial, loop, host, port, limit, on_dialled, &dial), SKT_OK);
    assert_int_equal(calls, 0); /* never from inside the call */
}

static int listen_at(const char *ip, int backlog)
{
    struct skt_addr at;
    assert_int_equal(skt_addr_parse(&at, ip, port), SKT_OK);
    int fd = skt_tcp_listen(&at, backlog);
    check_that(fd, >=, 0);
    assert_int_equal(skt_tcp_local(fd, &at), SKT_OK);
    port = at.port;
    return fd;
}

/* The loop's first descriptors are made, so that what is open afterwards is the dial's doing. A port that
 * nobody has is that of a listener that is gone. */
static int set_up(void **state)
{
    (void)state;
    port = 0;
    atomic_store(&let_go, false);
    assert_int_equal(skt_loop_new(&loop), SKT_OK);
    close(listen_at("127.0.0.1", 1));
    begin("127.0.0.1", SECOND);
    skt_loop_run(loop);
    assert_int_equal(calls, 1);
    fds_before = open_fds();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(open_fds(), fds_before);
    skt_loop_free(loop);
    atomic_store(&let_go, true);
    while (atomic_load(&asleep) > 0)
        usleep(1000);
    return 0;
}

/* A listener whose queue is full leaves new connects without an answer. */
struct hole {
    int listener, fillers[4];
};

static struct hole dig(const char *ip)
{
    struct hole h = {.listener = listen_at(ip, 0)};
    struct skt_addr at;
    assert_int_equal(skt_tcp_local(h.listener, &at), SKT_OK);
    for (int i = 0; i < 4; i++)
        h.fillers[i] = skt_tcp_connect(&at);
    usleep(1000);
    return h;
}

static void fill_in(const struct hole *h)
{
    for (int i = 0; i < 4; i++)
        close(h->fillers[i]);
    close(h->listener);
}

static void expect_failure(const char *host, skt_us limit, enum skt_dial_what what, const char *ip,
                           const char *why)
{
    char text[SKT_ADDR_TEXT_MAX], wanted[SKT_ADDR_TEXT_MAX] = "none";
    begin(host, limit);
    skt_loop_run(loop);
    assert_int_equal(calls, 1);
    assert_null(got);
    assert_int_equal(dial.failure.what, what);
    if (ip)
        snprintf(wanted, sizeof wanted, "%s:%u", ip, port);
    assert_string_equal(skt_addr_text(&dial.failure.at, text), wanted);
    assert_string_equal(dial.failure.why, why);
    skt_dial_cancel(&dial); /* does nothing: it is over */
    run_for(loop, 5 * MS);
    assert_int_equal(calls, 1);
}

static void expect_connected(const char *host, skt_us limit, const char *ip)
{
    struct skt_addr peer, wanted;
    begin(host, limit);
    skt_loop_run(loop);
    assert_int_equal(calls, 1);
    assert_non_null(got);
    assert_int_equal(skt_tcp_peer(skt_tcp_conn_fd(got), &peer), SKT_OK);
    assert_int_equal(skt_addr_parse(&wanted, ip, port), SKT_OK);
    assert_true(skt_addr_equal(&peer, &wanted));
    skt_dial_cancel(&dial); /* leaves the connection alone */
    assert_int_equal(skt_tcp_conn_write(got, &(struct iovec){(void *)(uintptr_t) "x", 1}, 1), 1);
    skt_tcp_conn_close(got);
}

/* --- one address --- */

static void what_failed_is_told(void **state)
{
    (void)state;
    expect_failure("127.0.0.1", SECOND, SKT_DIAL_REFUSED, "127.0.0.1", strerror(ECONNREFUSED));
    /* TCP goes to no multicast address, whatever routes there are. */
    expect_failure("224.0.0.1", SECOND, SKT_DIAL_UNREACHABLE, "224.0.0.1", strerror(ENETUNREACH));
    expect_failure("none", SECOND, SKT_DIAL_NO_NAME, NULL, gai_strerror(EAI_NONAME));
    expect_failure("slow", 30 * MS, SKT_DIAL_NO_NAME, NULL, "its name was not found in time");
}

static void no_answer_is_a_timeout(void **state)
{
    (void)state;
    port = 0;
    struct hole h = dig("127.0.0.1");
    expect_failure("127.0.0.1", 50 * MS, SKT_DIAL_TIMEOUT, "127.0.0.1", "no answer in time");
    fill_in(&h);
}

static void a_lack_of_descriptors_is_told(void **state)
{
    (void)state;
    struct rlimit old, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    none = old;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    begin("127.0.0.1", SECOND);
    skt_loop_run(loop);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_null(got);
    assert_int_equal(dial.failure.what, SKT_DIAL_NO_ROOM);
    assert_string_equal(dial.failure.why, strerror(EMFILE));
}

static void a_senseless_host_is_refused(void **state)
{
    (void)state;
    char name[300];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    const char *const hosts[] = {"", name};
    calls = 0;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(skt_dial_begin(&dial, loop, hosts[i], 1, 10 * MS, on_dialled, &dial), SKT_ERR_ARG);
        run_for(loop, 20 * MS);
    }
    assert_int_equal(calls, 0);
}

/* --- several --- */

static void the_next_address_is_tried(void **state)
{
    (void)state;
    port = 0;
    int listener = listen_at("127.0.0.1", 8);
    expect_connected("127.0.0.1", SECOND, "127.0.0.1");
    expect_connected("127.0.0.2,127.0.0.1", SECOND, "127.0.0.1"); /* refused */
    expect_connected("224.0.0.1,127.0.0.2,127.0.0.1", SKT_NEVER, "127.0.0.1");
    expect_connected("127.0.0.1,127.0.0.2", SKT_NEVER, "127.0.0.1"); /* the first one that answers */
    struct hole h = dig("127.0.0.2");
    expect_connected("127.0.0.2,127.0.0.1", SECOND, "127.0.0.1"); /* silent for its half of the time */
    fill_in(&h);
    close(listener);
}

static void the_failure_that_says_most_is_kept(void **state)
{
    (void)state;
    port = 0;
    struct hole h = dig("127.0.0.1");
    /* Long enough: what is silent has its share of it, and a busy machine some more. */
    const char *refused = strerror(ECONNREFUSED);
    expect_failure("224.0.0.1,127.0.0.2,127.0.0.1", SECOND, SKT_DIAL_REFUSED, "127.0.0.2", refused);
    expect_failure("127.0.0.1,127.0.0.2", SECOND, SKT_DIAL_REFUSED, "127.0.0.2", refused);
    expect_failure("127.0.0.2,127.0.0.3", SECOND, SKT_DIAL_REFUSED, "127.0.0.2", refused);
    expect_failure("127.0.0.1,224.0.0.1", SECOND, SKT_DIAL_TIMEOUT, "127.0.0.1", "no answer in time");
    fill_in(&h);
}

/* --- cancelled --- */

static void cancel_after(const char *host, skt_us time)
{
    begin(host, 10 * SECOND);
    if (time > 0)
        run_for(loop, time);
    assert_int_equal(calls, 0);
    skt_dial_cancel(&dial);
    skt_dial_cancel(&dial);
    memset(&dial, 0xa5, sizeof dial); /* the loop has no part of it any more */
    run_for(loop, 20 * MS);
    assert_int_equal(calls, 0);
    memset(&dial, 0, sizeof dial);
    skt_dial_cancel(&dial); /* never began */
}

static void it_may_be_cancelled_in_every_state(void **state)
{
    (void)state;
    port = 0;
    struct hole h = dig("127.0.0.1");
    cancel_after("127.0.0.1", 0); /* its answer is on its way */
    cancel_after("slow", 0);
    cancel_after("slow", 10 * MS);                /* in the thread */
    cancel_after("127.0.0.1", 10 * MS);           /* while an address does not answer */
    cancel_after("127.0.0.2,127.0.0.1", 30 * MS); /* the first one has refused */
    fill_in(&h);
}

static void on_end_begin_again(void *user, struct skt_tcp_conn *conn)
{
    int left = --*(int *)user;
    assert_null(conn);
    if (left > 0)
        assert_int_equal(skt_dial_begin(&dial, loop, "127.0.0.1", port, SECOND, on_end_begin_again, user),
                         SKT_OK);
    else
        skt_loop_stop(loop);
}

static void it_may_begin_anew_when_it_ends(void **state)
{
    (void)state;
    int left = 3;
    assert_int_equal(skt_dial_begin(&dial, loop, "127.0.0.1", port, SECOND, on_end_begin_again, &left),
                     SKT_OK);
    skt_loop_run(loop);
    assert_int_equal(left, 0);
}

/* --- memory --- */

/* Of a loop that has nothing yet: the connection, its resolver, the look-up. Some of the
 * requests are libev's, which are tried again (loop.c). */
static void without_memory_nothing_begins(void **state)
{
    (void)state;
    struct skt_loop *old = loop;
    int refused = 0;
    bool spent = true;
    for (int n = 0; spent; n++) {
        assert_int_equal(skt_loop_new(&loop), SKT_OK);
        calls = 0;
        fail_at = n;
        int err = skt_dial_begin(&dial, loop, "127.0.0.1", port, SECOND, on_dialled, &dial);
        spent = fail_at < 0;
        fail_at = -1;
        if (err) {
            assert_int_equal(err, SKT_ERR_NOMEM);
            refused++;
            skt_dial_cancel(&dial);
            run_for(loop, 5 * MS);
        } else {
            skt_loop_run(loop);
        }
        assert_int_equal(calls, err == SKT_OK);
        skt_loop_free(loop);
    }
    loop = old;
    assert_int_equal(refused, 3);
}

/* libev may ask for some, depending on the descriptors' numbers; that is tried again, too. */
static void once_begun_it_needs_no_memory(void **state)
{
    (void)state;
    port = 0;
    int listener = listen_at("127.0.0.1", 8);
    for (int n = 0; n < 4; n++) {
        begin("127.0.0.2,127.0.0.1", SECOND);
        fail_at = n;
        skt_loop_run(loop);
        fail_at = -1;
        assert_int_equal(calls, 1);
        assert_non_null(got);
        skt_tcp_conn_close(got);
    }
    close(listener);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

CHECK_GROUP(dial)
{
    const struct CMUnitTest tests[] = {
        CASE(what_failed_is_told),
        CASE(no_answer_is_a_timeout),
        CASE(a_lack_of_descriptors_is_told),
        CASE(a_senseless_host_is_refused),
        CASE(the_next_address_is_tried),
        CASE(the_failure_that_says_most_is_kept),
        CASE(it_may_be_cancelled_in_every_state),
        CASE(it_may_begin_anew_when_it_ends),
        CASE(without_memory_nothing_begins),
        CASE(once_begun_it_needs_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
#include "base/check.h"

CHECK_GROUP(dial)
{
    return 0; /* needs the linker's --wrap, and Linux's loopback of many addresses */
}
#endif
