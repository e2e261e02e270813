/* SPDX-License-Identifier: MIT */
#include "base/check.h"
#include "base/err.h"
#include "crypto/crypto.h"
#include "proto/keys/keys.h"
#include "proto/keys/packet.h"

#include <string.h>

static const skt_us START = 1000 * SKT_US_PER_SEC;
static const skt_us SEC = SKT_US_PER_SEC;

static struct skt_keypair *pair(bool is_initiator, uint32_t id, skt_us now)
{
    struct skt_handshake_keys keys;
    memset(&keys, (int)id, sizeof keys);
    struct skt_keypair *kp =
        skt_keypair_new(skt_crypto_null(), &keys, SKT_CIPHER_AES_256_GCM, is_initiator, id, id + 1000, now);
    assert_non_null(kp);
    assert_int_equal(kp->local_id, id);
    assert_int_equal(kp->remote_id, id + 1000);
    return kp;
}

/* Takes what was dropped; the sum of the ids, each being a different power of two. */
static uint32_t dropped(struct skt_keys *keys)
{
    uint32_t sum = 0;
    for (struct skt_keypair *kp; (kp = skt_keys_take_dropped(keys));) {
        sum += kp->local_id;
        skt_keypair_free(skt_crypto_null(), kp);
    }
    return sum;
}

static uint32_t id_of(const struct skt_keypair *kp)
{
    return kp ? kp->local_id : 0;
}

#define CHECK_KEYS(keys, p, c, n)                                                                            \
    do {                                                                                                     \
        assert_int_equal(id_of((keys)->previous), p);                                                        \
        assert_int_equal(id_of((keys)->current), c);                                                         \
        assert_int_equal(id_of((keys)->next), n);                                                            \
    } while (0)

static void initiator_rotates_at_once(void **state)
{
    (void)state;
    struct skt_keys keys;
    skt_keys_init(&keys);
    assert_true(skt_keys_needs_rekey(&keys, START));
    assert_null(skt_keys_sending(&keys, START));
    assert_int_equal(skt_keys_expiry(&keys), SKT_NEVER);
    assert_int_equal(skt_keys_rekey_at(&keys), SKT_NEVER);

    skt_keys_install(&keys, pair(true, 1, START));
    CHECK_KEYS(&keys, 0, 1, 0);
    assert_int_equal(id_of(skt_keys_sending(&keys, START)), 1);
    assert_int_equal(skt_keys_rekey_at(&keys), START + 120 * SEC);
    assert_int_equal(skt_keys_expiry(&keys), START + 180 * SEC);

    skt_keys_install(&keys, pair(true, 2, START + 121 * SEC));
    CHECK_KEYS(&keys, 1, 2, 0);
    assert_int_equal(dropped(&keys), 0);
    assert_int_equal(id_of(skt_keys_sending(&keys, START + 121 * SEC)), 2);
    /* a third before the first has expired */
    skt_keys_install(&keys, pair(true, 4, START + 122 * SEC));
    CHECK_KEYS(&keys, 2, 4, 0);
    assert_int_equal(dropped(&keys), 1);
    skt_keys_drop_all(&keys);
    CHECK_KEYS(&keys, 0, 0, 0);
    assert_int_equal(dropped(&keys), 6);
}

static void responder_waits_for_a_packet(void **state)
{
    (void)state;
    struct skt_keys keys;
    skt_keys_init(&keys);
    struct skt_keypair *first = pair(false, 1, START);
    skt_keys_install(&keys, first);
    CHECK_KEYS(&keys, 0, 0, 1);
    assert_null(skt_keys_sending(&keys, START));
    assert_true(skt_keys_confirm(&keys, first, START));
    CHECK_KEYS(&keys, 0, 1, 0);
    assert_false(skt_keys_confirm(&keys, first, START));
    assert_int_equal(id_of(skt_keys_sending(&keys, START)), 1);
    assert_int_equal(skt_keys_rekey_at(&keys), SKT_NEVER);
    assert_false(skt_keys_needs_rekey(&keys, START + 1000 * SEC));

    /* a second: what is sent stays under the first until a packet came under it; an unconfirmed one gives way
     */
    skt_keys_install(&keys, pair(false, 2, START + 120 * SEC));
    CHECK_KEYS(&keys, 0, 1, 2);
    struct skt_keypair *third = pair(false, 4, START + 121 * SEC);
    skt_keys_install(&keys, third);
    CHECK_KEYS(&keys, 0, 1, 4);
    assert_int_equal(dropped(&keys), 2);
    assert_int_equal(id_of(skt_keys_sending(&keys, START + 121 * SEC)), 1);
    assert_false(skt_keys_confirm(&keys, first, START + 121 * SEC)); /* a packet under the old one */
    assert_true(skt_keys_confirm(&keys, third, START + 122 * SEC));
    CHECK_KEYS(&keys, 1, 4, 0);
    /* packets in flight are still opened for a while */
    assert_int_equal(skt_keys_expiry(&keys), START + 142 * SEC);
    skt_keys_expire(&keys, START + 142 * SEC - 1);
    CHECK_KEYS(&keys, 1, 4, 0);
    skt_keys_expire(&keys, START + 142 * SEC);
    CHECK_KEYS(&keys, 0, 4, 0);
    assert_int_equal(dropped(&keys), 1);
    /* a new one drops the previous: its packets are two rotations old */
    skt_keys_install(&keys, pair(false, 8, START + 240 * SEC));
    assert_true(skt_keys_confirm(&keys, keys.next, START + 240 * SEC));
    CHECK_KEYS(&keys, 4, 8, 0);
    skt_keys_install(&keys, pair(false, 16, START + 241 * SEC));
    CHECK_KEYS(&keys, 0, 8, 16);
    assert_int_equal(dropped(&keys), 4);
    skt_keys_drop_all(&keys);
    assert_int_equal(dropped(&keys), 24);
}

/* On the client the old keys must last until the server is known to have the new ones: it sends under the old
 * till then. */
static void initiators_previous_lasts(void **state)
{
    (void)state;
    struct skt_keys keys;
    skt_keys_init(&keys);
    skt_keys_install(&keys, pair(true, 1, START));
    struct skt_keypair *second = pair(true, 2, START + 120 * SEC);
    skt_keys_install(&keys, second);
    assert_int_equal(skt_keys_expiry(&keys), START + 180 * SEC);
    skt_keys_expire(&keys, START + 179 * SEC);
    CHECK_KEYS(&keys, 1, 2, 0);
    /* a packet under the old keys tells nothing */
    assert_false(skt_keys_confirm(&keys, keys.previous, START + 121 * SEC));
    assert_int_equal(skt_keys_expiry(&keys), START + 180 * SEC);
    /* one under the new ones: the linger begins, and later packets do not prolong it */
    assert_false(skt_keys_confirm(&keys, second, START + 122 * SEC));
    assert_int_equal(skt_keys_expiry(&keys), START + 142 * SEC);
    assert_false(skt_keys_confirm(&keys, second, START + 130 * SEC));
    assert_int_equal(skt_keys_expiry(&keys), START + 142 * SEC);
    skt_keys_expire(&keys, START + 142 * SEC);
    CHECK_KEYS(&keys, 0, 2, 0);
    /* and late in its life never beyond its own expiry */
    skt_keys_install(&keys, pair(true, 4, START + 290 * SEC));
    assert_false(skt_keys_confirm(&keys, keys.current, START + 291 * SEC));
    assert_int_equal(skt_keys_expiry(&keys), START + 300 * SEC);
    skt_keys_drop_all(&keys);
    assert_int_equal(dropped(&keys), 7);
}

static void when_to_rekey(void **state)
{
    (void)state;
    struct skt_keys keys;
    skt_keys_init(&keys);
    struct skt_keypair *kp = pair(true, 1, START);
    skt_keys_install(&keys, kp);
    assert_false(skt_keys_needs_rekey(&keys, START + 120 * SEC - 1));
    assert_true(skt_keys_needs_rekey(&keys, START + 120 * SEC));
    kp->sent = SKT_REKEY_AFTER_PACKETS - 1;
    assert_false(skt_keys_needs_rekey(&keys, START));
    kp->sent = SKT_REKEY_AFTER_PACKETS;
    assert_true(skt_keys_needs_rekey(&keys, START));
    /* a download: the numbers that come in count as well */
    kp->sent = 5;
    assert_true(skt_replay_take(&kp->replay, SKT_REKEY_AFTER_PACKETS - 1));
    assert_false(skt_keys_needs_rekey(&keys, START));
    assert_true(skt_replay_take(&kp->replay, SKT_REKEY_AFTER_PACKETS));
    assert_true(skt_keys_needs_rekey(&keys, START));
    skt_keys_drop_all(&keys);
    assert_int_equal(dropped(&keys), 1);
}

static void expired_keys_go(void **state)
{
    (void)state;
    struct skt_keys keys;
    skt_keys_init(&keys);
    skt_keys_install(&keys, pair(true, 1, START));
    assert_non_null(skt_keys_sending(&keys, START + 180 * SEC - 1));
    assert_null(skt_keys_sending(&keys, START + 180 * SEC));
    skt_keys_expire(&keys, START + 180 * SEC - 1);
    assert_int_equal(dropped(&keys), 0);
    skt_keys_expire(&keys, START + 180 * SEC);
    assert_int_equal(dropped(&keys), 1);
    CHECK_KEYS(&keys, 0, 0, 0);
    /* an unconfirmed one, too */
    skt_keys_install(&keys, pair(false, 2, START));
    assert_int_equal(skt_keys_expiry(&keys), START + 180 * SEC);
    skt_keys_expire(&keys, START + 180 * SEC);
    assert_int_equal(dropped(&keys), 2);
    /* used up by packets */
    skt_keys_install(&keys, pair(true, 4, START));
    keys.current->sent = SKT_REJECT_AFTER_PACKETS;
    assert_null(skt_keys_sending(&keys, START));
    skt_keys_drop_all(&keys);
    assert_int_equal(dropped(&keys), 4);
}

static void unknown_ciphers(void **state)
{
    (void)state;
    struct skt_handshake_keys keys = {{0}, {0}, {0}, {0}};
    assert_null(skt_keypair_new(skt_crypto_null(), &keys, SKT_CIPHER_NONE, true, 1, 2, START));
    skt_keypair_free(skt_crypto_null(), NULL);
}

CHECK_GROUP(keys)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(initiator_rotates_at_once), cmocka_unit_test(responder_waits_for_a_packet),
        cmocka_unit_test(initiators_previous_lasts), cmocka_unit_test(when_to_rekey),
        cmocka_unit_test(expired_keys_go),           cmocka_unit_test(unknown_ciphers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
