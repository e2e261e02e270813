/* SPDX-License-Identifier: MIT */
/* Plain KCP on UDP, for tests against other implementations: no encryption, no session, never installed.
 *
 *   kcp_echo PORT CONV [stream]
 *       echoes every message (or byte) of conversation CONV, of each address that sends one, until SIGTERM
 *   kcp_echo PORT CONV message|stream COUNT LONGEST
 *       the other side: sends COUNT messages of 1 to LONGEST bytes (or that many bytes' worth as a stream) to
 *       127.0.0.1:PORT and checks what comes back; exit status 0 when all did, in order and unchanged */
#include "base/err.h"
#include "base/pool.h"
#include "proto/frame.h"
#include "proto/kcp/kcp.h"
#include "proto/kcp/turns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    PEERS_MAX = 16,
    PAYLOAD_LIMIT = 1400, /* the MTU that others start with */
    DATAGRAM_MAX = 2048,
    IOVS = 16,
};

struct peer {
    bool used;
    struct sockaddr_in addr;
    struct skt_path path;
    struct skt_kcp kcp;
    skt_us heard_at;
};

struct echo {
    int fd;
    uint32_t conv;
    bool stream;
    struct skt_pool pool;
    struct peer peers[PEERS_MAX];
    /* The active side only. */
    uint64_t count, longest; /* 0: this is the passive side */
    uint64_t sent, checked;  /* messages or bytes */
    bool wrong;
};

static volatile sig_atomic_t ended;
static uint8_t message[256 * SKT_KCP_DATA_MAX];

static void on_signal(int sig)
{
    (void)sig;
    ended = 1;
}

static skt_us clock_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (skt_us)t.tv_sec * SKT_US_PER_SEC + (skt_us)t.tv_nsec / 1000;
}

/* --- peers --- */

static void drop_peer(struct peer *p)
{
    if (!p->used)
        return;
    skt_kcp_dispose(&p->kcp);
    skt_path_dispose(&p->path);
    p->used = false;
}

static int add_peer(struct echo *e, struct peer *p, const struct sockaddr_in *addr, skt_us now)
{
    static const struct skt_kcp_limits limits = {.rcv_wnd_max = 4096, .snd_unsent_max = 1 << 20};
    drop_peer(p);
    p->addr = *addr;
    p->heard_at = now;
    skt_path_init(&p->path, &e->pool, &skt_cc_turbo, PAYLOAD_LIMIT, now);
    p->used = true;
    return skt_kcp_init(&p->kcp, e->conv, e->stream, &p->path, &limits);
}

/* The peer of an address; a new one takes the place of the one that was heard of the longest ago. */
static struct peer *find_peer(struct echo *e, const struct sockaddr_in *addr, skt_us now)
{
    struct peer *place = &e->peers[0];
    for (int i = 0; i < PEERS_MAX; i++) {
        struct peer *p = &e->peers[i];
        if (p->used && p->addr.sin_port == addr->sin_port && p->addr.sin_addr.s_addr == addr->sin_addr.s_addr)
            return p;
        if (!p->used || (place->used && p->heard_at < place->heard_at))
            place = p;
    }
    if (e->count > 0 || add_peer(e, place, addr, now) != SKT_OK)
        return NULL;
    return place;
}

/* --- what to say --- */

static void echo_stream(struct peer *p)
{
    struct iovec iov[IOVS];
    for (int n; (n = skt_kcp_read_begin(&p->kcp, iov, IOVS)) > 0;) {
        size_t used = 0;
        for (int i = 0; i < n; i++) {
            if (skt_kcp_write(&p->kcp, iov[i].iov_base, iov[i].iov_len) != SKT_OK)
                break;
            used += iov[i].iov_len;
        }
        skt_kcp_read_consume(&p->kcp, used);
        if (used == 0)
            return;
    }
    if (skt_kcp_at_end(&p->kcp))
        skt_kcp_finish(&p->kcp);
}

static void echo_messages(struct peer *p)
{
    for (long len; (len = skt_kcp_message_len(&p->kcp)) >= 0;) {
        /* A message is read only where there is room for its echo. */
        if ((size_t)len > skt_kcp_writable(&p->kcp) && !skt_kcp_drained(&p->kcp))
            return;
        len = skt_kcp_read_message(&p->kcp, message, sizeof message);
        if (len < 0 || (len > 0 && skt_kcp_write(&p->kcp, message, (size_t)len) != SKT_OK)) {
            fprintf(stderr, "kcp_echo: a message of %ld bytes could not be echoed\n", len);
            return;
        }
    }
}

static uint8_t pattern(uint64_t pos)
{
    return (uint8_t)(pos * 131 + pos / 256 * 7 + pos / 65536);
}

static size_t length_of(const struct echo *e, uint64_t index)
{
    return 1 + (size_t)(index * index * 7919 + index * 104729) % e->longest;
}

static bool matches(const uint8_t *data, size_t len, uint64_t pos)
{
    for (size_t i = 0; i < len; i++) {
        if (data[i] != pattern(pos + i))
            return false;
    }
    return true;
}

static void ask_stream(struct echo *e, struct peer *p)
{
    uint64_t total = e->count * e->longest;
    while (e->sent < total) {
        size_t len = total - e->sent < 4096 ? (size_t)(total - e->sent) : 4096;
        for (size_t i = 0; i < len; i++)
            message[i] = pattern(e->sent + i);
        if (skt_kcp_write(&p->kcp, message, len) != SKT_OK)
            break;
        e->sent += len;
    }
    struct iovec iov[IOVS];
    for (int n; (n = skt_kcp_read_begin(&p->kcp, iov, IOVS)) > 0;) {
        size_t used = 0;
        for (int i = 0; i < n; used += iov[i++].iov_len)
            e->wrong |= !matches((const uint8_t *)iov[i].iov_base, iov[i].iov_len, e->checked + used);
        skt_kcp_read_consume(&p->kcp, used);
        e->checked += used;
    }
    ended |= e->checked >= total || e->wrong;
}

static void ask_messages(struct echo *e, struct peer *p)
{
    for (; e->sent < e->count; e->sent++) {
        size_t len = length_of(e, e->sent);
        for (size_t i = 0; i < len; i++)
            message[i] = pattern(e->sent + i);
        if (skt_kcp_write(&p->kcp, message, len) != SKT_OK)
            break;
    }
    for (long len; (len = skt_kcp_read_message(&p->kcp, message, sizeof message)) >= 0; e->checked++)
        e->wrong |= (size_t)len != length_of(e, e->checked) || !matches(message, (size_t)len, e->checked);
    ended |= e->checked >= e->count || e->wrong;
}

static void serve(struct echo *e, struct peer *p)
{
    if (e->count == 0)
        e->stream ? echo_stream(p) : echo_messages(p);
    else
        e->stream ? ask_stream(e, p) : ask_messages(e, p);
}

/* --- the loop --- */

static void receive(struct echo *e, skt_us now)
{
    uint8_t buf[DATAGRAM_MAX];
    struct sockaddr_in from;
    for (;;) {
        socklen_t from_len = sizeof from;
        ssize_t n = recvfrom(e->fd, buf, sizeof buf, 0, (struct sockaddr *)&from, &from_len);
        if (n < 0)
            return;
        struct skt_reader r = skt_reader_of(buf, (size_t)n);
        struct skt_kcp_header h;
        const uint8_t *data;
        while (r.left > 0 && skt_kcp_parse(&r, &h, &data) == SKT_OK) {
            struct peer *p = h.conv == e->conv ? find_peer(e, &from, now) : NULL;
            if (!p)
                continue;
            p->heard_at = now;
            skt_kcp_receive(&p->kcp, now, &h, data);
        }
    }
}

static void turn(struct echo *e, struct peer *p, skt_us now)
{
    uint8_t buf[SKT_FRAME_KCP_LEN + SKT_MTU_MAX];
    if (skt_turns_expiry(&p->path, now) <= now)
        skt_turns_expire(&p->path, now);
    if (skt_kcp_take_events(&p->kcp) || e->count > 0)
        serve(e, p);
    for (size_t n, len; (len = skt_turns_send(&p->path, now, buf, sizeof buf, &n)) > 0;) {
        /* Segments without the frame around them. What the socket does not take is lost on the way like
         * anything else. */
        (void)!sendto(e->fd, buf + len - n, n, 0, (const struct sockaddr *)&p->addr, sizeof p->addr);
        skt_path_on_sent(&p->path, now, n + 28);
    }
    if (!skt_list_empty(&p->kcp.event_node) && skt_kcp_take_events(&p->kcp))
        serve(e, p);
}

static int timeout_ms(const struct echo *e, skt_us now)
{
    skt_us at = SKT_NEVER;
    for (int i = 0; i < PEERS_MAX; i++) {
        if (e->peers[i].used)
            at = skt_us_min(at, skt_turns_expiry(&e->peers[i].path, now));
    }
    if (at == SKT_NEVER)
        return 1000;
    skt_us wait = at > now ? (at - now + SKT_US_PER_MS - 1) / SKT_US_PER_MS : 0;
    return wait < 1000 ? (int)wait : 1000;
}

static int run(struct echo *e)
{
    while (!ended) {
        struct pollfd poller = {.fd = e->fd, .events = POLLIN};
        if (poll(&poller, 1, timeout_ms(e, clock_us())) < 0 && errno != EINTR)
            return 1;
        skt_us now = clock_us();
        receive(e, now);
        for (int i = 0; i < PEERS_MAX; i++) {
            if (e->peers[i].used)
                turn(e, &e->peers[i], now);
        }
    }
    for (int i = 0; i < PEERS_MAX; i++)
        drop_peer(&e->peers[i]);
    skt_pool_dispose(&e->pool);
    if (e->count == 0)
        return 0;
    printf("kcp_echo: %llu of %llu %s came back%s\n", (unsigned long long)e->checked,
           (unsigned long long)(e->stream ? e->count * e->longest : e->count),
           e->stream ? "bytes" : "messages", e->wrong ? ", the last of them wrong" : "");
    return e->wrong || e->checked < e->count;
}

static int open_socket(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(port)};
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0 || bind(fd, (struct sockaddr *)&addr, sizeof addr) < 0) {
        perror("kcp_echo");
        exit(1);
    }
    int size = 4 << 20;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    return fd;
}

static bool number(const char *s, uint64_t max, uint64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoull(s, &end, 0);
    return *s >= '0' && *s <= '9' && !*end && !errno && *out <= max;
}

int main(int argc, char **argv)
{
    static struct echo e;
    uint64_t port, conv;
    bool ok = (argc == 3 || argc == 4 || argc == 6) && number(argv[1], 65535, &port) && port > 0 &&
              number(argv[2], UINT32_MAX, &conv);
    if (ok && argc > 3) {
        e.stream = strcmp(argv[3], "stream") == 0;
        ok = e.stream || (argc == 6 && strcmp(argv[3], "message") == 0);
    }
    if (ok && argc == 6)
        ok = number(argv[4], 1 << 30, &e.count) && e.count > 0 && number(argv[5], 256 * 1024, &e.longest) &&
             e.longest > 0;
    if (!ok) {
        fprintf(stderr, "usage: kcp_echo PORT CONV [stream]\n"
                        "       kcp_echo PORT CONV message|stream COUNT LONGEST\n");
        return 2;
    }
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    e.conv = (uint32_t)conv;
    skt_pool_init(&e.pool, SKT_KCP_BLOCK_LEN, 0);
    e.fd = open_socket(e.count ? 0 : (uint16_t)port);
    if (e.count) {
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (add_peer(&e, &e.peers[0], &to, clock_us()) != SKT_OK)
            return 1;
    }
    return run(&e);
}
