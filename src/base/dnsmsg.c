/* SPDX-License-Identifier: MIT */
#include "base/dnsmsg.h"

#include "base/err.h"
#include "base/netorder.h"

#include <string.h>

/* Of RFC 1035, 4.1 and 2.3.4. */
enum {
    HEADER_LEN = 12,       /* bytes */
    FLAGS_ASK = 0x0100,    /* recursion desired */
    FLAG_ANSWER = 0x8000,  /* a response, not a query */
    CODE_MASK = 0x000f,    /* the response code in the flags */
    CODE_NO_NAME = 3,      /* a response code: there is no such name */
    CLASS_IN = 1,          /* the Internet */
    LABEL_MAX = 63,        /* bytes of a part of a name */
    RECORD_FIXED_LEN = 10, /* bytes of a record behind its name: type, class, ttl, length */
};

size_t skt_dns_ask(uint8_t buf[SKT_DNS_QUESTION_MAX], uint16_t id, const char *name, enum skt_dns_type type)
{
    size_t at = HEADER_LEN;
    memset(buf, 0, HEADER_LEN);
    skt_net_put16(buf, id);
    skt_net_put16(buf + 2, FLAGS_ASK);
    skt_net_put16(buf + 4, 1);
    while (*name) {
        size_t len = strcspn(name, ".");
        if (len == 0 || len > LABEL_MAX || at + 1 + len + 1 + 4 > SKT_DNS_QUESTION_MAX)
            return 0;
        buf[at++] = (uint8_t)len;
        memcpy(buf + at, name, len);
        at += len;
        name += len + (name[len] == '.');
    }
    if (at == HEADER_LEN)
        return 0;
    buf[at++] = 0;
    skt_net_put16(buf + at, (uint16_t)type);
    skt_net_put16(buf + at + 2, CLASS_IN);
    return at + 4;
}

/* Past a name: labels, or a pointer, which ends it. 0: it runs over the end. */
static size_t skip_name(const uint8_t *msg, size_t len, size_t at)
{
    while (at < len) {
        uint8_t label = msg[at];
        if (label >= 0xc0)
            return at + 2 <= len ? at + 2 : 0;
        if (label == 0)
            return at + 1;
        at += 1 + (size_t)label;
    }
    return 0;
}

static int lower(int c)
{
    return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

/* Does it repeat the question? Servers may change the name's case. */
static bool repeats(const uint8_t *msg, size_t len, const uint8_t *question, size_t question_len)
{
    if (len < question_len || memcmp(msg, question, 2) != 0 || skt_net_get16(msg + 4) != 1)
        return false;
    for (size_t i = HEADER_LEN; i < question_len; i++)
        if (lower(msg[i]) != lower(question[i]))
            return false;
    return true;
}

/* The record at `at`; where the next one begins, 0: it can't be read. */
static size_t read_record(const uint8_t *msg, size_t len, size_t at, unsigned type, struct skt_addr *addr)
{
    at = skip_name(msg, len, at);
    if (at == 0 || len - at < RECORD_FIXED_LEN)
        return 0;
    const uint8_t *fixed = msg + at;
    size_t data_len = skt_net_get16(fixed + 8), wanted = type == SKT_DNS_A ? 4 : 16;
    at += RECORD_FIXED_LEN;
    if (len - at < data_len)
        return 0;
    if (skt_net_get16(fixed) == type && skt_net_get16(fixed + 2) == CLASS_IN && data_len == wanted) {
        *addr = (struct skt_addr){.family = type == SKT_DNS_A ? 4 : 6};
        memcpy(addr->ip, msg + at, wanted);
    }
    return at + data_len;
}

int skt_dns_read(const uint8_t *msg, size_t len, const uint8_t *question, size_t question_len,
                 struct skt_addr *addrs, size_t max)
{
    if (!repeats(msg, len, question, question_len) || !(skt_net_get16(msg + 2) & FLAG_ANSWER))
        return SKT_ERR_MALFORMED;
    unsigned code = skt_net_get16(msg + 2) & CODE_MASK, count = skt_net_get16(msg + 6);
    unsigned type = skt_net_get16(question + question_len - 4);
    size_t n = 0, at = question_len;
    if (code == CODE_NO_NAME)
        return 0;
    if (code != 0)
        return SKT_ERR_AGAIN;
    for (; count > 0 && n < max; count--) { /* what leads from one name to another (CNAME) is passed over */
        struct skt_addr addr = {0};
        at = read_record(msg, len, at, type, &addr);
        if (at == 0)
            break; /* cut off: what came before stands */
        if (addr.family)
            addrs[n++] = addr;
    }
    return (int)n;
}
