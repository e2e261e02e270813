/* SPDX-License-Identifier: MIT */
/* Messages of DNS (RFC 1035, 3596): a question for addresses, and the addresses in an answer. */
#ifndef SKT_BASE_DNSMSG_H
#define SKT_BASE_DNSMSG_H

#include "base/addr.h"

#include <stddef.h>
#include <stdint.h>

enum skt_dns_type { SKT_DNS_A = 1, SKT_DNS_AAAA = 28 };

enum { SKT_DNS_QUESTION_MAX = 12 + 255 + 4 }; /* header, name, type and class */

/* Writes a question for the addresses of a name; its length, 0 for what is no name. */
size_t skt_dns_ask(uint8_t buf[SKT_DNS_QUESTION_MAX], uint16_t id, const char *name, enum skt_dns_type type);

/* Reads the answer to a question of ours: how many addresses were put into addrs (port 0), 0 where the name
 * has none of the type. SKT_ERR_MALFORMED: it is no answer to this question, or can't be read;
 * SKT_ERR_AGAIN: the server could not find out (its fault or its refusal), another one may. */
int skt_dns_read(const uint8_t *msg, size_t len, const uint8_t *question, size_t question_len,
                 struct skt_addr *addrs, size_t max);

#endif
