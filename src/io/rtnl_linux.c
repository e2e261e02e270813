/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "base/err.h"
#include "io/rtnl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
    ANSWER_MAX = 32768, /* one message of a dump batch (the kernel's NLMSG_GOODSIZE is less) */
    ANSWER_LIMIT_S = 5,
};

/* --- building --- */

void skt_rtnl_begin(struct skt_rtnl_request *r, uint16_t type, uint16_t flags, const void *body, size_t len)
{
    memset(r, 0, sizeof *r);
    r->header.nlmsg_type = type;
    r->header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
    r->header.nlmsg_seq = 1;
    r->header.nlmsg_len = (uint32_t)(NLMSG_HDRLEN + len);
    memcpy(r->bytes + NLMSG_HDRLEN, body, len);
}

void skt_rtnl_put(struct skt_rtnl_request *r, uint16_t type, const void *data, size_t len)
{
    size_t at = NLMSG_ALIGN(r->header.nlmsg_len);
    size_t room = sizeof r->bytes - at;
    if (RTA_SPACE(len) > room) {
        r->full = true;
        return;
    }
    struct rtattr a = {.rta_len = (uint16_t)RTA_LENGTH(len), .rta_type = type};
    memcpy(r->bytes + at, &a, sizeof a);
    memcpy(r->bytes + at + RTA_LENGTH(0), data, len);
    r->header.nlmsg_len = (uint32_t)(at + RTA_LENGTH(len));
}

void skt_rtnl_put_u32(struct skt_rtnl_request *r, uint16_t type, uint32_t value)
{
    skt_rtnl_put(r, type, &value, sizeof value);
}

struct rtattr *skt_rtnl_next(uint8_t **at, size_t *left)
{
    struct rtattr *a = (struct rtattr *)(void *)*at;
    if (*left < sizeof *a || a->rta_len < sizeof *a || a->rta_len > *left)
        return NULL;
    size_t step = ((size_t)a->rta_len + RTA_ALIGNTO - 1) & ~(size_t)(RTA_ALIGNTO - 1);
    if (step > *left)
        step = *left;
    *at += step;
    *left -= step;
    return a;
}

uint32_t skt_rtnl_u32(const struct rtattr *a, uint32_t otherwise)
{
    uint32_t value = otherwise;
    if (a && RTA_PAYLOAD(a) >= sizeof value)
        memcpy(&value, RTA_DATA(a), sizeof value);
    return value;
}

/* --- talking --- */

/* A socket of its own for every request: no answer of an earlier one can be mistaken for this one's. */
static int open_and_send(const struct skt_rtnl_request *r)
{
    if (r->full) {
        errno = EMSGSIZE;
        return -1;
    }
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0)
        return -1;
    struct timeval limit = {.tv_sec = ANSWER_LIMIT_S};
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) ||
        sendto(fd, r->bytes, r->header.nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof kernel) < 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

/* One batch of messages from the kernel; its length, or -1 with errno. */
static ssize_t receive(int fd, void *buf)
{
    for (;;) {
        struct sockaddr_nl from = {0};
        struct iovec iov = {buf, ANSWER_MAX};
        struct msghdr h = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &iov, .msg_iovlen = 1};
        ssize_t got = recvmsg(fd, &h, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got >= 0 && from.nl_pid != 0)
            continue; /* not from the kernel */
        if (got >= 0 && h.msg_flags & MSG_TRUNC) {
            errno = EMSGSIZE;
            return -1;
        }
        return got;
    }
}

/* Who gets the messages of a dump. */
struct listener {
    uint16_t type;                                                   /* of these only */
    size_t body_len;                                                 /* bytes of their fixed part */
    void (*fn)(void *user, const void *body, struct rtattr **attrs); /* see skt_rtnl_dump */
    void *user;                                                      /* handed to fn */
};

static void hand_over(const struct listener *l, const struct nlmsghdr *m)
{
    struct rtattr *attrs[SKT_RTNL_ATTRS] = {NULL};
    if (m->nlmsg_len < NLMSG_LENGTH(l->body_len))
        return;
    uint8_t *body = (uint8_t *)(uintptr_t)m + NLMSG_HDRLEN;
    uint8_t *at = body + NLMSG_ALIGN(l->body_len);
    size_t end = m->nlmsg_len - NLMSG_HDRLEN, start = NLMSG_ALIGN(l->body_len);
    size_t left = end > start ? end - start : 0;
    for (struct rtattr *a; (a = skt_rtnl_next(&at, &left)) != NULL;) {
        unsigned type = a->rta_type & 0x3fffu; /* NLA_TYPE_MASK */
        if (type < SKT_RTNL_ATTRS)
            attrs[type] = a;
    }
    l->fn(l->user, body, attrs);
}

/* Reads a batch. 1: there is more to come; 0: the end; -1 with errno. */
static int take_batch(const uint8_t *buf, size_t len, const struct listener *l)
{
    size_t at = 0;
    while (len - at >= sizeof(struct nlmsghdr)) {
        const struct nlmsghdr *m = (const struct nlmsghdr *)(const void *)(buf + at);
        if (m->nlmsg_len < sizeof *m || m->nlmsg_len > len - at)
            break;
        if (m->nlmsg_type == NLMSG_ERROR) {
            const struct nlmsgerr *e = NLMSG_DATA(m);
            if (m->nlmsg_len < NLMSG_LENGTH(sizeof *e))
                break;
            errno = -e->error;
            return e->error ? -1 : 0;
        }
        if (m->nlmsg_type == NLMSG_DONE)
            return 0;
        if (l && m->nlmsg_type == l->type)
            hand_over(l, m);
        at += NLMSG_ALIGN(m->nlmsg_len);
        if (at >= len)
            return 1;
    }
    errno = EPROTO;
    return -1;
}

static int run(struct skt_rtnl_request *r, const struct listener *l)
{
    uint8_t *buf = malloc(ANSWER_MAX);
    int fd = buf ? open_and_send(r) : -1;
    int more = fd < 0 ? -1 : 1;
    while (more > 0) {
        ssize_t got = receive(fd, buf);
        more = got < 0 ? -1 : take_batch(buf, (size_t)got, l);
    }
    int error = errno;
    if (fd >= 0)
        close(fd);
    free(buf);
    errno = error;
    return more < 0 ? SKT_ERR_IO : SKT_OK;
}

int skt_rtnl_talk(struct skt_rtnl_request *r)
{
    r->header.nlmsg_flags |= NLM_F_ACK;
    return run(r, NULL);
}

int skt_rtnl_ask(struct skt_rtnl_request *r, uint16_t type, size_t body_len,
                 void (*fn)(void *user, const void *body, struct rtattr **attrs), void *user)
{
    struct listener l = {type, body_len, fn, user};
    r->header.nlmsg_flags |= NLM_F_ACK;
    return run(r, &l);
}

int skt_rtnl_dump(struct skt_rtnl_request *r, uint16_t type, size_t body_len,
                  void (*fn)(void *user, const void *body, struct rtattr **attrs), void *user)
{
    struct listener l = {type, body_len, fn, user};
    r->header.nlmsg_flags |= NLM_F_DUMP;
    return run(r, &l);
}
