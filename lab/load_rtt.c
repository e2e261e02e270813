/* SPDX-License-Identifier: MIT */
/* Messages go out on schedule, whatever is still unanswered; each carries its number. */
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE_US = 10000000 }; /* for the last answers */

struct message {
    int64_t sent_us, rtt_us; /* rtt_us -1: no answer */
};

struct conn {
    int fd;
    unsigned sent, answered;
    uint8_t *in; /* of the message that is arriving */
    size_t in_len;
    struct message *messages;
};

struct rtt {
    const struct load_options *o;
    int64_t start_us;
    struct conn *conns;
    struct pollfd *polls;
    uint8_t *out;
};

/* The connections take turns within one interval. */
static int64_t due_us(const struct rtt *r, unsigned conn, unsigned number)
{
    int64_t interval = r->o->interval_ms * INT64_C(1000);
    return r->start_us + interval * number + interval * conn / r->o->conns;
}

static size_t answer_size(const struct load_options *o)
{
    return o->answer ? o->answer : o->size;
}

static void open_conns(struct rtt *r)
{
    const struct load_options *o = r->o;
    const struct load_hello hello = {
        .kind = o->answer ? LOAD_ANSWER : LOAD_ECHO, .request = o->size, .answer = o->answer};
    r->conns = calloc(o->conns, sizeof *r->conns);
    r->polls = calloc(o->conns, sizeof *r->polls);
    r->out = calloc(1, o->size);
    for (unsigned i = 0; i < o->conns; i++) {
        struct conn *c = &r->conns[i];
        c->fd = load_connect(o, o->udp ? NULL : &hello);
        c->in = malloc(answer_size(o));
        c->messages = malloc(o->count * sizeof *c->messages);
        for (unsigned k = 0; k < o->count; k++)
            c->messages[k] = (struct message){.sent_us = -1, .rtt_us = -1};
        r->polls[i] = (struct pollfd){.fd = c->fd, .events = POLLIN};
    }
}

static void send_one(struct rtt *r, struct conn *c)
{
    uint32_t number = c->sent++;
    memcpy(r->out, &number, sizeof number);
    c->messages[number].sent_us = load_now_us();
    if (send(c->fd, r->out, r->o->size, 0) != (ssize_t)r->o->size && !r->o->udp) {
        perror("skt-load: send");
        exit(1);
    }
}

static void take_answer(const struct rtt *r, struct conn *c)
{
    uint32_t number;
    memcpy(&number, c->in, sizeof number);
    c->in_len = 0;
    if (number >= r->o->count || c->messages[number].sent_us < 0)
        return;
    struct message *m = &c->messages[number];
    if (m->rtt_us < 0)
        c->answered++;
    m->rtt_us = load_now_us() - m->sent_us;
}

static void receive(const struct rtt *r, struct conn *c)
{
    size_t size = answer_size(r->o);
    for (;;) {
        ssize_t n = recv(c->fd, c->in + c->in_len, size - c->in_len, MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR || r->o->udp))
            return;
        if (n <= 0) {
            fprintf(stderr, "skt-load: connection lost: %s\n", n ? strerror(errno) : "closed");
            c->answered = r->o->count;
            c->sent = r->o->count;
            r->polls[c - r->conns].fd = -1;
            return;
        }
        c->in_len += (size_t)n;
        if (c->in_len == size || r->o->udp)
            take_answer(r, c);
    }
}

/* Sends what is due. When it wants to be called again; -1: all is answered. */
static int64_t turn(struct rtt *r, int64_t now)
{
    int64_t next = -1;
    for (unsigned i = 0; i < r->o->conns; i++) {
        struct conn *c = &r->conns[i];
        int64_t at;
        while (c->sent < r->o->count && due_us(r, i, c->sent) <= now)
            send_one(r, c);
        if (c->sent < r->o->count)
            at = due_us(r, i, c->sent);
        else if (c->answered < r->o->count)
            at = due_us(r, i, r->o->count) + PATIENCE_US;
        else
            continue;
        next = next < 0 || at < next ? at : next;
    }
    return next;
}

int load_rtt(const struct load_options *o)
{
    struct rtt r = {.o = o};
    open_conns(&r);
    r.start_us = load_now_us();
    int64_t end = due_us(&r, 0, o->count) + PATIENCE_US, next;
    if (o->udp)
        end -= PATIENCE_US * 9 / 10; /* some of the answers are lost */
    while ((next = turn(&r, load_now_us())) >= 0 && load_now_us() < end) {
        int64_t left = (next < end ? next : end) - load_now_us();
        left = left < 0 ? 0 : left;
        struct timespec ts = {.tv_sec = left / 1000000, .tv_nsec = left % 1000000 * 1000};
        if (ppoll(r.polls, o->conns, &ts, NULL) <= 0)
            continue;
        for (unsigned i = 0; i < o->conns; i++)
            if (r.polls[i].revents)
                receive(&r, &r.conns[i]);
    }
    for (unsigned i = 0; i < o->conns; i++)
        for (unsigned k = 0; k < o->count; k++)
            printf("%u %u %lld %lld\n", i, k, (long long)r.conns[i].messages[k].sent_us,
                   (long long)r.conns[i].messages[k].rtt_us);
    return 0;
}
