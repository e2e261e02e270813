/* SPDX-License-Identifier: MIT */
/* Whole lives of a client and a server in which the n-th allocation fails, or that one and many after it:
 * start, session, a transfer, a reload, another transfer, stop; in TCP mode, and in TUN mode in a namespace.
 * Each life is a process of its own. It may fail to start, and connections may be reset; but it may not
 * crash, spin, leak (with AddressSanitizer) or deliver other bytes, and once there is memory again a new
 * connection passes.
 *
 * A sample by default; SKT_ALLOC_STEP=k: every k-th allocation. SKT_ALLOC_N=n [SKT_ALLOC_BURST=m]: that one.
 * SKT_ALLOC_FROM=n: from there on; SKT_ALLOC_JOBS=j: so many lives at once (as root).
 * SKT_ALLOC_N shows the log and, with sanitizers, where the allocation was.
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
#include "netcfg/hook.h"
#include "script/echo.h"
#include "script/rig.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEY "key = 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8='"

enum {
    SAMPLES = 20, /* lives of a kind where not all are wanted */
    MANY = 300,   /* allocations in a row that fail, in lives of the second kind */
    TRANSFER_LEN = 30000,
    PATIENCE_MS = 15000, /* a connection without a session is reset after 10 s */
    CPU_LIMIT_S = 8,     /* a life takes a tenth of that; who spins takes more */
    LIFE_LIMIT_S = 120,
    LEFT_OUT = 77, /* exit status: such a life can't be had here */
    JOBS = 4,      /* at once */
    JOBS_MAX = 64,
};

/* --- the allocations --- */

/* Shared with the helpers that a life starts, for which there is memory again at the same time. */
static atomic_bool *armed;
static long count, fail_from, fail_to;
static bool shows; /* one allocation, with a log */

#if defined(__SANITIZE_ADDRESS__)
void __sanitizer_print_stack_trace(void);

/* Where it was; for those who look for a failure. */
static void show_place(void)
{
    bool was_armed = atomic_exchange(armed, false);
    if (shows)
        __sanitizer_print_stack_trace();
    atomic_store(armed, was_armed);
}
#else
static void show_place(void)
{
}
#endif

static bool is_denied(void)
{
    if (!armed || !atomic_load(armed))
        return false;
    long n = ++count;
    bool denied = n >= fail_from && n < fail_to;
    if (denied)
        show_place();
    if (denied)
        errno = ENOMEM; /* as the library's own: who looks at it must not see an older one */
    return denied;
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
    struct skt_loop_timer turn_end; /* always set: a loop that has no memory for it would not come back */
    struct rig_app server, client;
    struct echo_target target;
    uint16_t udp, tcp;
    bool tun;
    bool nat;     /* nft is there */
    char dir[48]; /* for the journals, the stamps and the name server file */
    char server_text[1200], client_text[1200];
};

static const char name_servers[] = "# the network's\nnameserver 127.0.0.53\n";

static void write_configurations(struct life *l)
{
    if (l->tun) {
        snprintf(l->server_text, sizeof l->server_text,
                 "config = { mode = 'tun_server', status_socket = '%s/s.sock', tun_server = { tun_ip = "
                 "'10.66.0.1', "
                 "tun_mask = '255.255.255.0', tun_name = 'ts', nat = %s, relay_tcp = true, tickets = { "
                 "['" RIG_TICKET
                 "'] = { name = 'a', tun_ip = '10.66.0.2', subnets = { '10.67.0.0/24' } } },\n"
                 "skcp_servers = { { address = '127.0.0.1', port = %u, " KEY " } } } }",
                 l->dir, l->nat ? "true" : "false", l->udp);
        snprintf(
            l->client_text, sizeof l->client_text,
            "config = { mode = 'tun_client', status_socket = '%s/c.sock', tun_client = { tun_ip = "
            "'10.66.0.2', "
            "tun_mask = '255.255.255.252', tun_name = 'tc', relay_tcp = true, routes = { '10.68.0.0/24' }, "
            "dns = { '10.68.0.53' }, skcp_remote_servers = { { address = "
            "'127.0.0.1', port = %u, " KEY ", ticket = '" RIG_TICKET "' } } } }",
            l->dir, l->udp);
        return;
    }
    snprintf(
        l->server_text, sizeof l->server_text,
        "config = { mode = 'proxy_server', status_socket = '%s/s.sock', proxy_server = { tcp_target_addr = "
        "'127.0.0.1', tcp_target_port = %u, tickets = { ['" RIG_TICKET "'] = { name = 'a' } },\n"
        "skcp_servers = { { address = '127.0.0.1', port = %u, " KEY " } } } }",
        l->dir, l->target.port, l->udp);
    snprintf(l->client_text, sizeof l->client_text,
             "config = { mode = 'proxy_client', status_socket = '%s/c.sock', proxy_client = { "
             "tcp_listen_port = %u, "
             "skcp_remote_servers = { { address = '127.0.0.1', port = %u, " KEY ", ticket = '" RIG_TICKET
             "' } } } }",
             l->dir, l->tcp, l->udp);
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

#define FAR (3600 * SKT_US_PER_SEC)

static void end_turn(struct skt_loop_timer *t, skt_us now)
{
    struct life *l = SKT_CONTAINER(t, struct life, turn_end);
    skt_loop_timer_set(l->loop, t, now + FAR);
    skt_loop_stop(l->loop);
}

static void run_turn(struct life *l)
{
    skt_loop_timer_set(l->loop, &l->turn_end, skt_loop_update(l->loop) + 5 * SKT_US_PER_MS);
    skt_loop_run(l->loop);
}

static bool start_loop(struct life *l)
{
    if (skt_loop_new(&l->loop) != SKT_OK)
        return false;
    skt_loop_timer_init(&l->turn_end, end_turn);
    return true;
}

/* Runs the loop until the condition holds; from some time on there is memory again. */
static bool run_until(struct life *l, bool (*done)(struct life *l, void *user), void *user, unsigned limit_ms)
{
    for (unsigned ms = 0; ms < limit_ms; ms += 5) {
        if (done(l, user))
            return true;
        if (ms >= 400)
            atomic_store(armed, false);
        run_turn(l);
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
    int fd = socket(AF_INET, SOCK_DGRAM, 0), on = 1, ttl = 2; /* both ends are here, and forward */
    /* From far away: an address of this machine would be none that the client takes from its server. */
    from.sin_addr.s_addr = htonl(0x0a630001);
    (void)setsockopt(fd, IPPROTO_IP, IP_TRANSPARENT, &on, sizeof on);
    (void)setsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof ttl);
    (void)bind(fd, (struct sockaddr *)&from, sizeof from);
    memset(&to, 0, sizeof to);
    to.sin_family = AF_INET;
    to.sin_port = htons(9);
    to.sin_addr.s_addr = htonl(0x0a430001); /* 10.67.0.1, by the server's TUN to the client */
    for (int i = 0; i < 4; i++)
        (void)sendto(fd, "hello", 5, 0, (struct sockaddr *)&to, sizeof to);
    close(fd);
}

/* A connection that is asked for as a stream, and goes in packets, since its destination is private. */
static void connect_inner(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    to.sin_port = htons(9);
    to.sin_addr.s_addr = htonl(0x0a440001); /* 10.68.0.1, by the client's TUN */
    (void)connect(fd, (struct sockaddr *)&to, sizeof to);
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
    connect_inner();
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

/* --- what a TUN changes in the system --- */

static bool file_has(const char *path, const char *what)
{
    char text[8192];
    FILE *f = fopen(path, "r");
    size_t len = f ? fread(text, 1, sizeof text - 1, f) : 0;
    text[len] = '\0';
    if (f)
        (void)fclose(f);
    return strstr(text, what) != NULL;
}

/* Is all there that the configurations want? What failed is tried again, by itself. */
static bool is_set_up(struct life *l, void *user)
{
    (void)user;
    if (!file_has("/proc/self/net/route", "tc\t0000440A") ||
        !file_has("/proc/self/net/route", "ts\t0000430A"))
        return false;
    if (!file_has("/etc/resolv.conf", "nameserver 10.68.0.53"))
        return false;
    return !l->nat || (file_has("/proc/sys/net/ipv4/ip_forward", "1") &&
                       system("nft list table ip skcptun_ts > /dev/null 2>&1") == 0);
}

/* At the end: what was there before is there again, or the journal tells the next start of it. */
static bool is_put_back(const struct life *l)
{
    char journal[80];
    snprintf(journal, sizeof journal, "%s/c.tun", l->dir);
    return access(journal, F_OK) == 0 ||
           (file_has("/etc/resolv.conf", name_servers) && access("/etc/resolv.conf.skcptun", F_OK) != 0);
}

/* A network of its own, and a name server file that may be changed. False: not to be had. */
static bool enter_own_world(bool tun)
{
    if (unshare(CLONE_NEWNET | (tun ? CLONE_NEWNS : 0)) != 0 || skt_net_link_set("lo", 0, true))
        return false;
    if (!tun)
        return true;
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) || mount("tmpfs", "/etc", "tmpfs", 0, "mode=755"))
        return false;
    FILE *f = fopen("/etc/resolv.conf", "w");
    return f && fputs(name_servers, f) >= 0 && fclose(f) == 0;
}

/* --- from start to end --- */

static void be_born(struct life *l)
{
    l->udp = rig_port();
    l->tcp = rig_port();
    l->nat = skt_hook_exists("nft");
    echo_start_target(&l->target);
    write_configurations(l);
}

static int complain(int status, const char *what)
{
    fprintf(stderr, "%s\n", what);
    return status;
}

/* While there is memory again. */
static int judge(struct life *l)
{
    /* What went on with less than all is an end of that instance, told to its supervisor. */
    if (skt_script_failed(l->server.app) || skt_script_failed(l->client.app))
        return 0;
    if (!use(l) && !use(l))
        return complain(5, "nothing passes, though there is memory again");
    if (l->tun && !run_until(l, is_set_up, NULL, PATIENCE_MS))
        return complain(6, "not all is set up, though there is memory again");
    return 0;
}

/* The exit status: 0 all is well, also where the start failed. */
static int live(struct life *l)
{
    int status = 0;
    /* OpenSSL 3.0 itself crashes where its first use gets no memory. */
    (void)skt_crypto_openssl();
    atomic_store(armed, true);
    bool started = start_loop(l) && start(l, &l->server, "s.lua", l->server_text) &&
                   start(l, &l->client, "c.lua", l->client_text);
    if (started) {
        (void)use(l);
        say_status(&l->server);
        reload(&l->server, l->server_text);
        reload(&l->client, l->client_text);
        (void)use(l);
        atomic_store(armed, false);
        status = judge(l);
        atomic_store(armed, true); /* the end may allocate, too */
    }
    stop(&l->client);
    stop(&l->server);
    if (l->loop) {
        skt_loop_timer_stop(l->loop, &l->turn_end);
        skt_loop_free(l->loop);
    }
    atomic_store(armed, false);
    echo_stop_target(&l->target);
    if (l->tun && !status && !is_put_back(l))
        status = complain(7, "the name servers are not put back");
    return status;
}

/* --- many lives --- */

struct job {
    pid_t pid; /* 0: none */
    int out;   /* how many allocations it had */
    bool tun;
    long from, burst;
};

static char folder[32]; /* of all lives */

__attribute__((noreturn)) static void run_child(const struct job *j, int out)
{
    static struct life l;
    struct rlimit cpu = {CPU_LIMIT_S, CPU_LIMIT_S};
    (void)setrlimit(RLIMIT_CPU, &cpu);
    alarm(LIFE_LIMIT_S);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGSEGV, SIG_DFL); /* cmocka's handler would go on in the child */
    (void)signal(SIGABRT, SIG_DFL);
    if (geteuid() == 0 && !enter_own_world(j->tun) && j->tun)
        _exit(LEFT_OUT);
    armed = mmap(NULL, sizeof *armed, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    snprintf(l.dir, sizeof l.dir, "%s/%s-%ld-%ld", folder, j->tun ? "tun" : "tcp", j->from, j->burst);
    if (armed == MAP_FAILED || mkdir(l.dir, 0700))
        _exit(1);
    (void)CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free);
    if (!shows)
        (void)skt_log_open("/dev/null");
    l.tun = j->tun;
    fail_from = j->from;
    fail_to = j->from + j->burst;
    be_born(&l);
    int result = live(&l);
    (void)!write(out, &count, sizeof count);
    if (!shows)
        (void)skt_log_open(NULL);
    exit(result);
}

/* A life in a process of its own. */
static void begin(struct job *j, bool tun, long from, long burst)
{
    int ends[2];
    *j = (struct job){.tun = tun, .from = from, .burst = burst};
    assert_int_equal(pipe(ends), 0);
    (void)fflush(NULL);
    j->pid = fork();
    assert_true(j->pid >= 0);
    if (j->pid == 0) {
        close(ends[0]);
        run_child(j, ends[1]);
    }
    close(ends[1]);
    j->out = ends[0];
}

/* What became of it; false (and told): it went wrong. counted: how many allocations it had, 0 where it can't
 * be had here; NULL: not wanted. */
static bool finish(struct job *j, int status, long *counted)
{
    long n = 0;
    bool told = read(j->out, &n, sizeof n) == (ssize_t)sizeof n;
    bool left_out = WIFEXITED(status) && WEXITSTATUS(status) == LEFT_OUT;
    bool well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    close(j->out);
    j->pid = 0;
    if (counted)
        *counted = told ? n : 0;
    if (well || (left_out && counted))
        return true;
    print_error("%s mode, allocation %ld, %ld in a row: %s %d\n", j->tun ? "TUN" : "TCP", j->from, j->burst,
                WIFEXITED(status) ? "status" : "signal",
                WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    return false;
}

static bool run_life(bool tun, long from, long burst, long *counted)
{
    struct job j;
    int status;
    begin(&j, tun, from, burst);
    assert_int_equal(waitpid(j.pid, &status, 0), j.pid);
    return finish(&j, status, counted);
}

/* Lives at the same time, as most of them mostly wait. */
struct crowd {
    struct job jobs[JOBS_MAX];
    size_t size, living;
    unsigned failed;
};

static void wait_for_one(struct crowd *c)
{
    int status;
    pid_t pid = waitpid(-1, &status, 0);
    assert_true(pid > 0);
    for (size_t i = 0; i < c->size; i++)
        if (c->jobs[i].pid == pid) {
            c->failed += !finish(&c->jobs[i], status, NULL);
            c->living--;
        }
}

static void add_life(struct crowd *c, bool tun, long from, long burst)
{
    size_t i = 0;
    while (c->living == c->size)
        wait_for_one(c);
    while (c->jobs[i].pid)
        i++;
    begin(&c->jobs[i], tun, from, burst);
    c->living++;
}

static long number_of(const char *variable, long otherwise)
{
    const char *text = getenv(variable);
    return text && atol(text) > 0 ? atol(text) : otherwise;
}

static void sweep(bool tun)
{
    long all = 0, one = number_of("SKT_ALLOC_N", 0), burst = number_of("SKT_ALLOC_BURST", 1);
    shows = one > 0;
    if (one) {
        assert_true(run_life(tun, one, burst, NULL));
        return;
    }
    assert_true(run_life(tun, 0, 0, &all));
    if (all == 0)
        skip();
    struct crowd c = {.size = (size_t)number_of("SKT_ALLOC_JOBS", JOBS)};
    if (c.size > JOBS_MAX ||
        geteuid() != 0) /* without networks of their own they'd have each other's ports */
        c.size = geteuid() == 0 ? JOBS_MAX : 1;
    long step = number_of("SKT_ALLOC_STEP", all / SAMPLES + 1);
    for (long n = number_of("SKT_ALLOC_FROM", 1); n <= all; n += step) {
        add_life(&c, tun, n, 1);
        add_life(&c, tun, n, MANY);
    }
    while (c.living > 0)
        wait_for_one(&c);
    print_message("%ld allocations, every %ld. failed, alone and as the first of %d\n", all, step, MANY);
    assert_int_equal(c.failed, 0);
}

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/skt-alloc-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    char command[64];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
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
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

#else

CHECK_GROUP(alloc)
{
    return 0;
}

#endif
