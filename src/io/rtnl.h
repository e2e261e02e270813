/* SPDX-License-Identifier: MIT */
/* rtnetlink (rtnetlink(7)): building a request within bounds, its acknowledgement, dumps. Linux only. */
#ifndef SKT_IO_RTNL_H
#define SKT_IO_RTNL_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SKT_RTNL_REQUEST_MAX = 512 }; /* bytes; a route with all that we put into it has about 100 */

struct skt_rtnl_request {
    union {
        struct nlmsghdr header;              /* its beginning; says how long it is */
        uint8_t bytes[SKT_RTNL_REQUEST_MAX]; /* the whole */
    };
    bool full; /* an attribute did not fit: the request is not sent */
};

/* Begins a request; `body` is the type's fixed part (struct rtmsg, ...). */
void skt_rtnl_begin(struct skt_rtnl_request *r, uint16_t type, uint16_t flags, const void *body, size_t len);

void skt_rtnl_put(struct skt_rtnl_request *r, uint16_t type, const void *data, size_t len);
void skt_rtnl_put_u32(struct skt_rtnl_request *r, uint16_t type, uint32_t value);

/* Sends it and waits for the kernel's answer. SKT_ERR_IO with errno. */
int skt_rtnl_talk(struct skt_rtnl_request *r);

/* The same for a request that is answered by one message of `type`, for which fn is called as with a dump. */
int skt_rtnl_ask(struct skt_rtnl_request *r, uint16_t type, size_t body_len,
                 void (*fn)(void *user, const void *body, struct rtattr **attrs), void *user);

/* Sends a dump request and calls fn for each message of `type`, with its fixed part and attributes, both
 * within bounds. SKT_ERR_IO with errno. */
int skt_rtnl_dump(struct skt_rtnl_request *r, uint16_t type, size_t body_len,
                  void (*fn)(void *user, const void *body, struct rtattr **attrs), void *user);

enum { SKT_RTNL_ATTRS = 32 }; /* attributes of higher types are left out; absent ones are NULL */

/* The next attribute of a list, or NULL at its end; steps over it. */
struct rtattr *skt_rtnl_next(uint8_t **at, size_t *left);

/* The value of an attribute of 4 bytes, `otherwise` without one. */
uint32_t skt_rtnl_u32(const struct rtattr *a, uint32_t otherwise);

#endif
