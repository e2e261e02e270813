/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "link.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

/* Packets taken from one end before the other has its turn. */
enum { READ_BATCH = 256 };

static const char usage[] =
    "usage: skt-link --a [NETNS]:DEV[,ADDR/PREFIX] --b [NETNS]:DEV[,ADDR/PREFIX] [options]\n"
    "A link between two TUN devices. For both directions, or one with a2b- or b2a- in front:\n"
    "  --delay-ms N  --jitter-ms N    one way; order is kept\n"
    "  --rate-mbit N --buffer-ms N    bottleneck and what its buffer holds (100 ms)\n"
    "  --trace FILE | --walk SEED     instead: mahimahi's opportunities, or a model of such a link;\n"
    "  --queue-bytes N                and what the queue before them holds (500000)\n"
    "  --loss SHARE                   independent, after the bottleneck\n"
    "  --burst P,R[,LOSS]             Gilbert-Elliott: chance to turn bad, good again, loss while bad (1)\n"
    "  --reorder SHARE[,TIME]         packets held back by TIME (10ms)\n"
    "  --dup SHARE\n"
    "  --mtu BYTES --icmp 1           path MTU; tell the sender (otherwise a black hole)\n"
    "  --down 1 --block PORT          nothing passes; nothing from or to a UDP port\n"
    "The link itself:\n"
    "  --dev-mtu BYTES (1500)  --seed N (1)  --slots N (65536 packets)  --tick-us N (200: turns under load)\n"
    "  --control PATH  commands on a Unix socket   --stdin  commands on stdin; its end ends the link\n"
    "Commands, each answered by a line:\n"
    "  [set] [a2b|b2a|both] KEY=VALUE ...   down|up [a2b|b2a]   rebind [ADDR]   stats   mark   rewind   "
    "capacity MS   quit\n"
    "stats: counters; and since the last mark, in us, thousandths of: how long packets waited for the "
    "bottleneck\n"
    "(waited), how late they were delivered (late), how long the link's turns under load took (turns: more "
    "than\n"
    "--tick-us, and it did not get the processor).\n"
    "rewind: traces begin anew now, not with the first packet. capacity: the bytes that they let pass in "
    "the\n"
    "first MS of their time.\n"
    "rebind: a NAT at A gives its UDP flows new ports (and ADDR), and drops what comes to the old ones.\n";

struct options {
    struct link_dev_spec a, b;
    struct link_settings set[LINK_DIRS];
    unsigned dev_mtu;
    uint64_t seed;
    uint32_t slots;
    int64_t tick_ns;
    const char *control;
    bool use_stdin;
};

static volatile sig_atomic_t stopped;

static void on_signal(int sig)
{
    (void)sig;
    stopped = 1;
}

int64_t link_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * LINK_NS_PER_SEC + ts.tv_nsec;
}

static const char *set_impairment(struct options *o, const char *key, const char *value)
{
    bool only_a2b = strncmp(key, "a2b-", 4) == 0, only_b2a = strncmp(key, "b2a-", 4) == 0;
    if (only_a2b || only_b2a)
        key += 4;
    const char *wrong = only_b2a ? NULL : link_settings_set(&o->set[LINK_A2B], key, value);
    return wrong || only_a2b ? wrong : link_settings_set(&o->set[LINK_B2A], key, value);
}

/* One option with its value. NULL, or what is wrong. */
static const char *set_option(struct options *o, const char *key, const char *value)
{
    if (strcmp(key, "a") == 0)
        return link_dev_parse(&o->a, value) ? NULL : "bad end: --a";
    if (strcmp(key, "b") == 0)
        return link_dev_parse(&o->b, value) ? NULL : "bad end: --b";
    if (strcmp(key, "control") == 0) {
        o->control = value;
        return NULL;
    }
    char *end;
    unsigned long long n = strtoull(value, &end, 10);
    bool whole = *end == '\0' && end != value;
    if (strcmp(key, "dev-mtu") == 0) {
        o->dev_mtu = (unsigned)n;
        return whole && n >= 68 && n <= 65535 ? NULL : "bad --dev-mtu";
    }
    if (strcmp(key, "seed") == 0) {
        o->seed = n;
        return whole ? NULL : "bad --seed";
    }
    if (strcmp(key, "slots") == 0) {
        for (o->slots = 64; o->slots < n && o->slots < 1u << 22;)
            o->slots *= 2;
        return whole ? NULL : "bad --slots";
    }
    if (strcmp(key, "tick-us") == 0) {
        o->tick_ns = (int64_t)n * 1000;
        return whole && n <= 100000 ? NULL : "bad --tick-us";
    }
    return set_impairment(o, key, value);
}

static bool parse_options(struct options *o, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--stdin") == 0) {
            o->use_stdin = true;
            continue;
        }
        const char *wrong = strncmp(argv[i], "--", 2) != 0 ? "unexpected argument"
                            : i + 1 >= argc                ? "missing value"
                                                           : set_option(o, argv[i] + 2, argv[i + 1]);
        if (wrong) {
            fprintf(stderr, "skt-link: %s: %s\n%s", argv[i], wrong, usage);
            return false;
        }
        i++;
    }
    if (!o->a.name[0] || !o->b.name[0]) {
        fputs(usage, stderr);
        return false;
    }
    o->a.mtu = o->b.mtu = o->dev_mtu;
    return true;
}

/* A packet has come in at one end; takes the slot over. */
static void offer(struct link *l, enum link_dir_name from, uint32_t slot, size_t len, int64_t now)
{
    struct link_dir *d = &l->dir[from], *back = &l->dir[!from];
    uint8_t *packet = link_pool_at(&l->pool, slot);
    d->count.in_packets++;
    d->count.in_bytes += len;
    d->count.in_udp += link_ip_is_udp(packet, len);
    if (d->set.down) {
        d->count.down++;
        link_pool_give(&l->pool, slot);
        return;
    }
    if (d->set.block && link_ip_has_port(packet, len, d->set.block)) {
        d->count.blocked++;
        link_pool_give(&l->pool, slot);
        return;
    }
    if (from == LINK_A2B) {
        link_nat_outward(&l->nat, packet, len);
    } else if (!link_nat_inward(&l->nat, packet, len)) {
        d->count.unmapped++;
        link_pool_give(&l->pool, slot);
        return;
    }
    if (len > d->set.mtu)
        link_ip_too_big(d, back, slot, len, now);
    else
        link_dir_admit(d, slot, len, now);
}

static unsigned receive(struct link *l, enum link_dir_name from)
{
    unsigned n = 0;
    while (n < READ_BATCH) {
        uint32_t slot;
        if (!link_pool_take(&l->pool, &slot)) {
            uint8_t scrap[64];
            if (read(l->fd[from], scrap, sizeof scrap) < 0)
                break;
            l->dir[from].count.in_packets++;
            l->dir[from].count.overflow++;
            n++;
            continue;
        }
        ssize_t len = read(l->fd[from], link_pool_at(&l->pool, slot), l->pool.slot_len);
        if (len <= 0) {
            link_pool_give(&l->pool, slot);
            break;
        }
        offer(l, from, slot, (size_t)len, link_now());
        n++;
    }
    return n;
}

/* Waits until a descriptor is ready or `until` is there. Under load (`busy`) packets wait for the next tick:
 * one wake-up then moves several. */
static void wait_for_work(struct link *l, struct link_control *c, int64_t until, bool busy,
                          const sigset_t *mask)
{
    int fds[LINK_CONTROL_FDS];
    struct pollfd p[LINK_CONTROL_FDS + 2];
    size_t controls = link_control_fds(c, fds), n = controls;
    for (size_t i = 0; i < n; i++)
        p[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
    if (!busy) {
        p[n++] = (struct pollfd){.fd = l->fd[0], .events = POLLIN};
        p[n++] = (struct pollfd){.fd = l->fd[1], .events = POLLIN};
    }
    int64_t left = until - link_now();
    if (left < 0)
        left = 0;
    struct timespec ts = {.tv_sec = left / LINK_NS_PER_SEC, .tv_nsec = left % LINK_NS_PER_SEC};
    if (ppoll(p, (nfds_t)n, until == LINK_NEVER ? NULL : &ts, mask) <= 0)
        return;
    for (size_t i = 0; i < controls; i++)
        if (p[i].revents)
            link_control_ready(c, p[i].fd);
}

static void run(struct link *l, struct link_control *c, const sigset_t *mask)
{
    int64_t last = LINK_NEVER; /* when the turn before began, if it moved packets */
    while (!stopped && !l->quit) {
        int64_t start = link_now();
        if (last != LINK_NEVER)
            link_times_add(&l->turns, start - last);
        unsigned moved = receive(l, LINK_A2B) + receive(l, LINK_B2A);
        int64_t now = link_now(), due = LINK_NEVER;
        for (int i = 0; i < LINK_DIRS; i++) {
            moved += link_dir_deliver(&l->dir[i], now);
            int64_t e = link_dir_expiry(&l->dir[i]);
            due = e < due ? e : due;
        }
        bool busy = moved > 0 && l->tick_ns > 0;
        last = busy ? start : LINK_NEVER;
        wait_for_work(l, c, busy ? start + l->tick_ns : due, busy, mask);
    }
}

static bool start(struct link *l, const struct options *o)
{
    if (!link_pool_init(&l->pool, o->dev_mtu, o->slots))
        return false;
    for (unsigned i = 0; i < LINK_DIRS; i++) {
        if (!link_dir_init(&l->dir[i], &l->pool, o->seed * 2 + i))
            return false;
        l->dir[i].set = o->set[i];
    }
    l->tick_ns = o->tick_ns;
    l->fd[0] = link_dev_open(&o->a);
    l->fd[1] = l->fd[0] < 0 ? -1 : link_dev_open(&o->b);
    l->dir[LINK_A2B].out_fd = l->fd[1];
    l->dir[LINK_B2A].out_fd = l->fd[0];
    return l->fd[0] >= 0 && l->fd[1] >= 0;
}

int main(int argc, char **argv)
{
    static struct link l;
    static struct link_control control;
    struct options o = {.dev_mtu = 1500, .seed = 1, .slots = 65536, .tick_ns = 200000};
    for (int i = 0; i < LINK_DIRS; i++)
        link_settings_init(&o.set[i]);
    if (!parse_options(&o, argc, argv))
        return 2;
    /* Signals arrive only while waiting. */
    struct sigaction sa = {.sa_handler = on_signal};
    sigset_t blocked, mask;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGINT);
    sigprocmask(SIG_BLOCK, &blocked, &mask);
    sigaction(SIGTERM, &sa, NULL);
    sigaction(SIGINT, &sa, NULL);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_TIMERSLACK, 1000L);
    bool ok = start(&l, &o) && link_control_init(&control, &l, o.control, o.use_stdin);
    if (ok) {
        printf("ready\n");
        fflush(stdout);
        run(&l, &control, &mask);
        link_control_dispose(&control);
    }
    for (int i = 0; i < LINK_DIRS; i++)
        link_dir_dispose(&l.dir[i]);
    link_pool_dispose(&l.pool);
    return ok ? 0 : 1;
}
