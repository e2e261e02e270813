/* SPDX-License-Identifier: MIT */
#include "base/dnsmsg.h"

#include "base/check.h"
#include "base/err.h"

#include <stdlib.h>
#include <string.h>

static uint8_t question[SKT_DNS_QUESTION_MAX];
static size_t question_len;

static void ask(const char *name, enum skt_dns_type type)
{
    question_len = skt_dns_ask(question, 0x1234, name, type);
    assert_int_not_equal(question_len, 0);
}

/* An answer to `question` with these records behind it. */
static size_t answer(uint8_t *msg, uint8_t code, uint8_t count, const void *records, size_t len)
{
    memcpy(msg, question, question_len);
    msg[2] = 0x81;
    msg[3] = (uint8_t)(0x80 | code);
    msg[7] = count;
    memcpy(msg + question_len, records, len);
    return question_len + len;
}

static int read_it(const uint8_t *msg, size_t len, struct skt_addr *addrs, size_t max)
{
    uint8_t *copy = malloc(len ? len : 1); /* so that sanitizers see what is read beyond it */
    memcpy(copy, msg, len);
    int n = skt_dns_read(copy, len, question, question_len, addrs, max);
    free(copy);
    return n;
}

static void test_question(void **state)
{
    (void)state;
    static const uint8_t expected[] = {0x12, 0x34, 1,   0,   0,   1,   0,   0,   0,   0, 0, 0,  3, 'f', 'a',
                                       'r',  7,    'e', 'x', 'a', 'm', 'p', 'l', 'e', 0, 0, 28, 0, 1};
    ask("far.example", SKT_DNS_AAAA);
    assert_int_equal(question_len, sizeof expected);
    assert_memory_equal(question, expected, sizeof expected);
    assert_int_equal(skt_dns_ask(question, 1, "far.example.", SKT_DNS_A), sizeof expected);
    static const char *const wrong[] = {
        "", ".", "a..b", "a123456789012345678901234567890123456789012345678901234567890123.example"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(skt_dns_ask(question, 1, wrong[i], SKT_DNS_A), 0);
    char longest[300] = "";
    while (strlen(longest) < 260)
        strcat(longest, "abcdefghi.");
    assert_int_equal(skt_dns_ask(question, 1, longest, SKT_DNS_A), 0);
}

static void test_answer(void **state)
{
    (void)state;
    /* An alias, two addresses of it by name and by pointer, one of another type. */
    static const uint8_t records[] = {0xc0, 12,   0,    5,  0, 1,  0, 0, 0, 9, 0, 2, 0xc0, 16,  1,
                                      'x',  0,    0,    1,  0, 1,  0, 0, 0, 9, 0, 4, 192,  0,   2,
                                      1,    0xc0, 12,   0,  1, 0,  1, 0, 0, 0, 9, 0, 4,    192, 0,
                                      2,    2,    0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 9, 0,    1,   0};
    uint8_t msg[512];
    struct skt_addr addrs[4];
    ask("far.example", SKT_DNS_A);
    size_t len = answer(msg, 0, 4, records, sizeof records);
    msg[13] = 'F'; /* servers may change the case */
    assert_int_equal(read_it(msg, len, addrs, 4), 2);
    assert_int_equal(addrs[0].family, 4);
    assert_int_equal(addrs[0].ip[3], 1);
    assert_int_equal(addrs[1].ip[3], 2);
    assert_int_equal(read_it(msg, len, addrs, 1), 1);
    msg[14] = 'z';
    assert_int_equal(read_it(msg, len, addrs, 4), SKT_ERR_MALFORMED); /* another name */
    msg[14] = 'a';
    msg[1] ^= 1;
    assert_int_equal(read_it(msg, len, addrs, 4), SKT_ERR_MALFORMED); /* another question */
    msg[1] ^= 1;
    msg[2] = 0x01;
    assert_int_equal(read_it(msg, len, addrs, 4), SKT_ERR_MALFORMED); /* a question */
}

static void test_failures(void **state)
{
    (void)state;
    uint8_t msg[512];
    struct skt_addr addrs[4];
    ask("far.example", SKT_DNS_AAAA);
    assert_int_equal(read_it(msg, answer(msg, 0, 0, "", 0), addrs, 4), 0);
    assert_int_equal(read_it(msg, answer(msg, 3, 0, "", 0), addrs, 4), 0);
    assert_int_equal(read_it(msg, answer(msg, 2, 0, "", 0), addrs, 4), SKT_ERR_AGAIN);
    assert_int_equal(read_it(msg, answer(msg, 5, 0, "", 0), addrs, 4), SKT_ERR_AGAIN);
    assert_int_equal(read_it(msg, 0, addrs, 4), SKT_ERR_MALFORMED);
}

/* Cut anywhere, and any byte changed: nothing is read beyond the end. */
static void test_whatever_comes(void **state)
{
    (void)state;
    static const uint8_t records[] = {0xc0, 12,   0, 28, 0, 1, 0, 0, 0, 9, 0, 16, 0x20, 1,
                                      0xd,  0xb8, 0, 0,  0, 0, 0, 0, 0, 0, 0, 0,  0,    1};
    uint8_t msg[512];
    struct skt_addr addrs[4];
    ask("far.example", SKT_DNS_AAAA);
    size_t len = answer(msg, 0, 1, records, sizeof records);
    assert_int_equal(read_it(msg, len, addrs, 4), 1);
    assert_int_equal(addrs[0].family, 6);
    for (size_t cut = 0; cut < len; cut++)
        assert_true(read_it(msg, cut, addrs, 4) <= 0);
    for (size_t i = 0; i < len; i++) {
        for (int v = 0; v < 256; v++) {
            uint8_t old = msg[i];
            msg[i] = (uint8_t)v;
            assert_true(read_it(msg, len, addrs, 4) <= 4);
            msg[i] = old;
        }
    }
}

CHECK_GROUP(dnsmsg)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_question),
        cmocka_unit_test(test_answer),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_whatever_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
