/* SPDX-License-Identifier: MIT */
/* Whole lives of a client and a server in which the n-th allocation fails, or that one and many after it:
 * start, session, a transfer, a reload, another transfer, stop; in TCP mode, and in TUN mode in a namespace.
 * Each life is a process of its own. It may fail to start, and connections may be reset; but it may not
 * crash, spin, leak (with AddressSanitizer) or deliver other bytes, and once there is memory again a new
 * connection passes.
 *
 * A sample by default; SKT_ALLOC_STEP=k: every k-th allocation. SKT_ALLOC_N=n [SKT_ALLOC_BURST=m]: that one.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "base/check.h"

#ifdef SKT_WRAPPED

#include "base/err.h"
#include "base/log.h"
#include "config/diff.h"
#include "crypto/crypto.h"
#include "io/net.h"
#include "io/run_for.h"
#include "script/echo.h"
#include "script/rig.h"

#include <openssl/crypto.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEY "key = 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8='"

enum {
    SAMPLES = 20, /* lives of a kind where not all are wanted */
    MANY = 300,   /* allocations in a row that fail, in lives of the second kind */
    TRANSFER_LEN = 30000,
    PATIENCE_MS = 15000, /* a connection without a session is reset after 10 s */
    CPU_LIMIT_S = 8,     /* a life takes a tenth of that; who spins takes more */
    LIFE_LIMIT_S = 90,
};

/* --- the allocations --- */

static bool armed;
static long count, fail_from, fail_to;

static bool is_denied(void)
{
    if (!armed)
        return false;
    long n = ++count;
    return n >= fail_from && n < fail_to;
}

void *__real_malloc(size_t len);
void *__real_calloc(size_t n, size_t len);
void *__real_realloc(void *old, size_t len);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t len);
FILE *__real_open_memstream(char **text, size_t *len);

void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t n, size_t len);
void *__wrap_realloc(void *old, size_t len);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t len);
FILE *__wrap_open_memstream(char **text, size_t *len);

void *__wrap_malloc(size_t len)
{
    return is_denied() ? NULL : __real_malloc(len);
}

void *__wrap_calloc(size_t n, size_t len)
{
    return is_denied() ? NULL : __real_calloc(n, len);
}

void *__wrap_realloc(void *old, size_t len)
{
    return is_denied() ? NULL : __real_realloc(old, len);
}

char *__wrap_strdup(const char *text)
{
    return is_denied() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t len)
{
    return is_denied() ? NULL : __real_strndup(text, len);
}

FILE *__wrap_open_memstream(char **text, size_t *len)
{
    return is_denied() ? NULL : __real_open_memstream(text, len);
}

static void *crypto_malloc(size_t len, const char *file, int line)
{
    (void)file;
    (void)line;
    return is_denied() ? NULL : __real_malloc(len);
}

static void *crypto_realloc(void *old, size_t len, const char *file, int line)
{
    (void)file;
    (void)line;
    return is_denied() ? NULL : __real_realloc(old, len);
}

static void crypto_free(void *old, const char *file, int line)
{
    (void)file;
    (void)line;
    free(old);
}

#if defined(__SANITIZE_ADDRESS__)
/* What OpenSSL itself forgets where it gets no memory. */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
    return "leak:libcrypto.so\n";
}
#endif

/* --- a life --- */

struct life {
    struct skt_loop *loop;
    struct rig_app server, client;
    struct echo_target target;
    uint16_t udp, tcp;
    bool tun;
    char server_text[1024], client_text[1024];
};

static void write_configurations(struct life *l)
{
    if (l->tun) {
        snprintf(
            l->server_text, sizeof l->server_text,
            "config = { mode = 'tun_server', status_socket = 'off', tun_server = { tun_ip = '10.66.0.1', "
            "tun_mask = '255.255.255.0', tun_name = 'ts', tickets = { ['" RIG_TICKET
            "'] = { name = 'a', tun_ip = '10.66.0.2', subnets = { '10.67.0.0/24' } } },\n"
            "skcp_servers = { { address = '127.0.0.1', port = %u, " KEY " } } } }",
            l->udp);
        snprintf(
            l->client_text, sizeof l->client_text,
            "config = { mode = 'tun_client', status_socket = 'off', tun_client = { tun_ip = '10.66.0.2', "
            "tun_mask = '255.255.255.252', tun_name = 'tc', skcp_remote_servers = { { address = "
            "'127.0.0.1', port = %u, " KEY ", ticket = '" RIG_TICKET "' } } } }",
            l->udp);
        return;
    }
    snprintf(l->server_text, sizeof l->server_text,
             "config = { mode = 'proxy_server', status_socket = 'off', proxy_server = { tcp_target_addr = "
             "'127.0.0.1', tcp_target_port = %u, tickets = { ['" RIG_TICKET "'] = { name = 'a' } },\n"
             "skcp_servers = { { address = '127.0.0.1', port = %u, " KEY " } } } }",
             l->target.port, l->udp);
    snprintf(
        l->client_text, sizeof l->client_text,
        "config = { mode = 'proxy_client', status_socket = 'off', proxy_client = { tcp_listen_port = %u, "
        "skcp_remote_servers = { { address = '127.0.0.1', port = %u, " KEY ", ticket = '" RIG_TICKET
        "' } } } }",
        l->tcp, l->udp);
}

static bool start(struct life *l, struct rig_app *a, const char *name, const char *text)
{
    char err[SKT_CONFIG_ERROR_MAX] = "";
    if (skt_config_load_text(&a->conf, name, text, strlen(text), err, sizeof err))
        return false;
    return skt_script_new(&a->app, l->loop, a->conf, err, sizeof err) == SKT_OK &&
           skt_script_start(a->app, err, sizeof err) == SKT_OK;
}

static void reload(struct rig_app *a, const char *text)
{
    char err[SKT_CONFIG_ERROR_MAX];
    struct skt_config *fresh;
    if (skt_config_load_text(&fresh, "again.lua", text, strlen(text), err, sizeof err))
        return;
    skt_config_take_live(a->conf, fresh);
    skt_config_free(fresh);
    skt_script_reloaded(a->app);
}

static void say_status(struct rig_app *a)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = __real_open_memstream(&text, &len);
    if (!out)
        return;
    skt_script_status_json(a->app, out);
    (void)fclose(out);
    free(text);
}

/* Runs the loop until the condition holds; from some time on there is memory again. */
static bool run_until(struct life *l, bool (*done)(struct life *l, void *user), void *user, unsigned limit_ms)
{
    for (unsigned ms = 0; ms < limit_ms; ms += 5) {
        if (done(l, user))
            return true;
        if (ms >= 400)
            armed = false;
        run_for(l->loop, 5 * SKT_US_PER_MS);
    }
    return done(l, user);
}

static bool is_through(struct life *l, void *user)
{
    (void)l;
    return atomic_load(&((struct echo_client *)user)->done);
}

/* One connection through the tunnel; false: it was reset or refused, or other bytes came. */
static bool transfer(struct life *l)
{
    struct echo_client c;
    echo_start_client(&c, l->tcp, TRANSFER_LEN, false);
    if (!run_until(l, is_through, &c, PATIENCE_MS)) {
        fprintf(stderr, "a connection hangs\n");
        _exit(3);
    }
    pthread_join(c.thread, NULL);
    if (!c.same && c.received > 0 && !c.error) {
        fprintf(stderr, "other bytes came\n");
        _exit(4);
    }
    return c.error == 0 && c.same && c.received == TRANSFER_LEN;
}

static void send_inner(void)
{
    struct sockaddr_in to, from = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_DGRAM, 0), on = 1;
    /* From far away: an address of this machine would be none that the client takes from its server. */
    from.sin_addr.s_addr = htonl(0x0a630001);
    (void)setsockopt(fd, IPPROTO_IP, IP_TRANSPARENT, &on, sizeof on);
    (void)bind(fd, (struct sockaddr *)&from, sizeof from);
    memset(&to, 0, sizeof to);
    to.sin_family = AF_INET;
    to.sin_port = htons(9);
    to.sin_addr.s_addr = htonl(0x0a430001); /* 10.67.0.1, by the server's TUN to the client */
    for (int i = 0; i < 4; i++)
        (void)sendto(fd, "hello", 5, 0, (struct sockaddr *)&to, sizeof to);
    close(fd);
}

/* Packets that came out of the client's interface. */
static long inner_count(void)
{
    long n = 0;
    char line[256];
    FILE *f = fopen("/proc/self/net/dev", "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, " tc: %*d %ld", &n) == 1)
            break;
    if (f)
        (void)fclose(f);
    return n;
}

static bool has_come(struct life *l, void *user)
{
    (void)l;
    send_inner();
    return inner_count() > *(long *)user;
}

static bool use(struct life *l)
{
    long before = inner_count();
    if (!l->tun)
        return transfer(l);
    return run_until(l, has_come, &before, PATIENCE_MS);
}

static void stop(struct rig_app *a)
{
    skt_script_free(a->app);
    skt_config_free(a->conf);
}

static void be_born(struct life *l)
{
    l->udp = rig_port();
    l->tcp = rig_port();
    echo_start_target(&l->target);
    write_configurations(l);
}

/* The exit status: 0 all is well, also where the start failed. */
static int live(struct life *l)
{
    int status = 0;
    /* OpenSSL 3.0 itself crashes where its first use gets no memory. */
    (void)skt_crypto_openssl();
    armed = true;
    bool started = skt_loop_new(&l->loop) == SKT_OK && start(l, &l->server, "s.lua", l->server_text) &&
                   start(l, &l->client, "c.lua", l->client_text);
    if (started) {
        (void)use(l);
        say_status(&l->server);
        reload(&l->server, l->server_text);
        reload(&l->client, l->client_text);
        (void)use(l);
        armed = false;
        /* What went on with less than all is an end of that instance, told to its supervisor. */
        bool failed = skt_script_failed(l->server.app) || skt_script_failed(l->client.app);
        if (!failed && !use(l) && !use(l)) {
            fprintf(stderr, "nothing passes, though there is memory again\n");
            status = 5;
        }
        armed = true; /* the end may allocate, too */
    }
    stop(&l->client);
    stop(&l->server);
    if (l->loop)
        skt_loop_free(l->loop);
    armed = false;
    echo_stop_target(&l->target);
    return status;
}

/* A life in a process of its own; false (and told): it went wrong. counted: how many allocations it had;
 * NULL: not wanted. */
static bool run_life(bool tun, long from, long burst, long *counted)
{
    int ends[2], status;
    assert_int_equal(pipe(ends), 0);
    (void)fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        static struct life l;
        struct rlimit cpu = {CPU_LIMIT_S, CPU_LIMIT_S};
        (void)setrlimit(RLIMIT_CPU, &cpu);
        alarm(LIFE_LIMIT_S);
        (void)signal(SIGPIPE, SIG_IGN);
        (void)signal(SIGSEGV, SIG_DFL); /* cmocka's handler would go on in the child */
        (void)signal(SIGABRT, SIG_DFL);
        if (tun && (unshare(CLONE_NEWNET) != 0 || skt_net_link_set("lo", 0, true)))
            _exit(77);
        (void)CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free);
        if (!getenv("SKT_ALLOC_N"))
            (void)skt_log_open("/dev/null");
        l.tun = tun;
        fail_from = from;
        fail_to = from + burst;
        be_born(&l);
        int result = live(&l);
        (void)!write(ends[1], &count, sizeof count);
        if (!getenv("SKT_ALLOC_N"))
            (void)skt_log_open(NULL);
        exit(result);
    }
    close(ends[1]);
    long n = 0;
    bool told = read(ends[0], &n, sizeof n) == (ssize_t)sizeof n;
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        bool left_out = WIFEXITED(status) && WEXITSTATUS(status) == 77;
        if (left_out && counted) {
            *counted = 0;
            return true;
        }
        print_error("%s mode, allocation %ld, %ld in a row: %s %d\n", tun ? "TUN" : "TCP", from, burst,
                    WIFEXITED(status) ? "status" : "signal",
                    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
        return false;
    }
    if (counted)
        *counted = told ? n : 0;
    return true;
}

static void sweep(bool tun)
{
    const char *one = getenv("SKT_ALLOC_N"), *burst = getenv("SKT_ALLOC_BURST");
    long all = 0;
    unsigned failed = 0;
    if (one) {
        assert_true(run_life(tun, atol(one), burst ? atol(burst) : 1, NULL));
        return;
    }
    assert_true(run_life(tun, 0, 0, &all));
    if (all == 0)
        skip();
    const char *wanted = getenv("SKT_ALLOC_STEP");
    long step = wanted && atol(wanted) > 0 ? atol(wanted) : all / SAMPLES + 1;
    for (long n = 1; n <= all; n += step) {
        bool ok = run_life(tun, n, 1, NULL);
        bool more = run_life(tun, n, MANY, NULL);
        failed += !ok || !more;
    }
    print_message("%ld allocations, every %ld. failed\n", all, step);
    assert_int_equal(failed, 0);
}

static void a_proxy_lives_without_memory(void **state)
{
    (void)state;
    sweep(false);
}

static void a_tun_lives_without_memory(void **state)
{
    (void)state;
    if (geteuid() != 0 || access("/dev/net/tun", R_OK | W_OK) != 0)
        skip();
    sweep(true);
}

CHECK_GROUP(alloc)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_proxy_lives_without_memory),
        cmocka_unit_test(a_tun_lives_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

CHECK_GROUP(alloc)
{
    return 0;
}

#endif
