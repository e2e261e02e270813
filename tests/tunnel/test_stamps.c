/* SPDX-License-Identifier: MIT */
/* One replay cache for each psk of a process. */
#include "base/err.h"
#include "base/log.h"
#include "tunnel/stamps.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"

#define NOW UINT64_C(1800000000000)

/* A message 1 that one entry has answered was answered again by the next with the same password. */
static void test_entries_with_one_psk_share(void **state)
{
    (void)state;
    struct skt_shared *shared;
    struct skt_stamps *a, *b, *c;
    uint8_t psk[SKT_KEY_LEN] = {1}, other[SKT_KEY_LEN] = {2}, key[SKT_STAMP_KEY_LEN] = {3};
    struct skt_loop *loop;
    skt_log_set_level(SKT_LOG_ERROR);
    assert_int_equal(skt_loop_new(&loop), SKT_OK);
    assert_int_equal(skt_shared_new(&shared, loop, 0), SKT_OK);
    assert_int_equal(skt_stamps_get(&a, shared, psk, NULL, NOW), SKT_OK);
    assert_int_equal(skt_stamps_get(&b, shared, psk, NULL, NOW), SKT_OK);
    assert_int_equal(skt_stamps_get(&c, shared, other, NULL, NOW), SKT_OK);
    assert_ptr_equal(a, b);
    assert_ptr_not_equal(a, c);
    struct skt_stamp_clock now = skt_stampfile_clock(NOW);
    assert_int_equal(skt_stampcache_insert(&a->cache, key, 1, NOW, &now, NULL), SKT_OK);
    skt_stamps_put(a);
    assert_int_equal(skt_stampcache_insert(&b->cache, key, 1, NOW, &now, NULL), SKT_ERR_REPLAY);
    assert_int_equal(skt_stampcache_insert(&c->cache, key, 1, NOW, &now, NULL), SKT_OK);
    skt_stamps_put(b);
    skt_stamps_put(c);
    skt_stamps_put(NULL);
    assert_true(skt_list_empty(&shared->stamps));
    skt_shared_free(shared);
    skt_loop_free(loop);
}

CHECK_GROUP(stamps)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entries_with_one_psk_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
