/* SPDX-License-Identifier: MIT */
/* Segments that no correct peer sends, into conversations in all kinds of states: nothing breaks, memory
 * stays bounded, and what the peer can't know is refused. Run under ASan and UBSan by `make check-asan`. */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include <string.h>

#include "base/err.h"
#include "proto/kcp/turns.h"
#include "sim/link.h"
#include "sim/pair.h"
#include "sim/rig.h"

static uint8_t junk[4096];

static void fill_junk(struct sim_rng *rng)
{
    for (size_t i = 0; i < sizeof junk; i++)
        junk[i] = (uint8_t)sim_rng_next(rng);
}

/* Values near the ones that matter. */
static uint32_t near(struct sim_rng *rng, uint32_t base)
{
    static const uint32_t far[] = {0, 1, 0x7fffffff, 0x80000000, 0xffffffff};
    if (sim_rng_chance(rng, 1000))
        return base + far[sim_rng_below(rng, 5)];
    return base + (uint32_t)sim_rng_below(rng, 64) - 32;
}

static void random_header(struct sim_rng *rng, const struct rig *r, struct skt_kcp_header *h)
{
    h->conv = RIG_CONV;
    h->cmd = (uint8_t)sim_rng_range(rng, SKT_KCP_CMD_PUSH, SKT_KCP_CMD_WINS);
    h->frg = sim_rng_chance(rng, 7000) ? 0 : (uint8_t)sim_rng_below(rng, 256);
    h->wnd = sim_rng_chance(rng, 3000) ? 0 : (uint16_t)sim_rng_below(rng, 65536);
    bool push = h->cmd == SKT_KCP_CMD_PUSH;
    h->sn = near(rng, push ? r->kcp.rcv.nxt : r->kcp.snd.una);
    h->una = near(rng, r->kcp.snd.una);
    h->ts = near(rng, (uint32_t)(r->now / SKT_KCP_TICK_US));
    h->len = push ? (uint32_t)sim_rng_below(rng, SKT_KCP_DATA_MAX + 1) : 0;
    if (sim_rng_chance(rng, 500))
        h->len = 0;
    if (!push && r->count > 0 && sim_rng_chance(rng, 5000)) {
        const struct skt_kcp_header *sent = &r->out[sim_rng_below(rng, r->count)].h;
        h->sn = sent->sn;
        h->ts = sent->ts;
    }
}

static void act(struct sim_rng *rng, struct rig *r, bool stream)
{
    struct iovec iov[4];
    switch (sim_rng_below(rng, 8)) {
    case 0:
        skt_kcp_write(&r->kcp, junk, (size_t)sim_rng_below(rng, sizeof junk));
        break;
    case 1:
        if (stream && skt_kcp_write_begin(&r->kcp, iov, 4) > 0)
            skt_kcp_write_commit(&r->kcp, (size_t)sim_rng_below(rng, iov[0].iov_len + 1));
        break;
    case 2:
        if (stream)
            rig_read(r);
        else
            while (skt_kcp_read_message(&r->kcp, junk, sizeof junk) >= 0) {
            }
        break;
    case 3:
        r->now += sim_rng_below(rng, 300000);
        skt_turns_expire(&r->path, r->now);
        break;
    case 4:
        if (sim_rng_chance(rng, 200))
            skt_kcp_resend_all(&r->kcp, r->now);
        if (sim_rng_chance(rng, 200))
            skt_path_reset(&r->path, r->now);
        if (stream && sim_rng_chance(rng, 100))
            skt_kcp_finish(&r->kcp);
        break;
    case 5:
        skt_path_set_payload_limit(&r->path, (size_t)sim_rng_range(rng, 1075, 1447));
        break;
    default:
        skt_kcp_take_events(&r->kcp);
        rig_send(r);
    }
}

static void test_random_segments(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct sim_rng rng = sim_rng_of(seed);
        struct rig r;
        bool stream = seed % 2;
        fill_junk(&rng);
        rig_init(&r, stream, seed % 3 ? 0 : 200, NULL);
        if (seed % 5 == 0)
            skt_kcp_set_sn(&r.kcp, UINT32_MAX - 20, UINT32_MAX - 10);
        for (int i = 0; i < 400; i++) {
            struct skt_kcp_header h;
            random_header(&rng, &r, &h);
            uint32_t una = r.kcp.snd.una, nxt = r.kcp.snd.nxt;
            int err = skt_kcp_receive(&r.kcp, r.now, &h, junk);
            assert_true(err == SKT_OK || err == SKT_ERR_MALFORMED);
            if (skt_serial_before(nxt, h.una))
                assert_int_equal(err, SKT_ERR_MALFORMED);
            if (err)
                assert_int_equal(r.kcp.snd.una, una);
            if (sim_rng_chance(&rng, 5000))
                act(&rng, &r, stream);
            check_that(r.pool.used, <=, (size_t)6000 * SKT_KCP_BLOCK_LEN);
        }
        rig_dispose(&r);
    }
}

static void test_random_bytes_parse(void **state)
{
    (void)state;
    struct sim_rng rng = sim_rng_of(7);
    for (int i = 0; i < 20000; i++) {
        uint8_t buf[96];
        size_t len = (size_t)sim_rng_below(&rng, sizeof buf + 1);
        for (size_t j = 0; j < len; j++)
            buf[j] = (uint8_t)sim_rng_next(&rng);
        if (len > 4 && sim_rng_chance(&rng, 8000))
            buf[4] = (uint8_t)sim_rng_range(&rng, 80, 85);
        if (len > 23 && sim_rng_chance(&rng, 8000))
            memset(buf + 21, 0, 3);
        struct skt_reader r = skt_reader_of(buf, len);
        struct skt_kcp_header h;
        const uint8_t *data;
        while (skt_kcp_parse(&r, &h, &data) == SKT_OK) {
            assert_true(data + h.len <= buf + len);
            check_that(r.left + SKT_KCP_HEADER_LEN, <=, len);
        }
    }
}

/* Transfers over links that change bytes on the way (sealing would stop that): they may stall or differ, no
 * more. */
static void test_mutated_transfers(void **state)
{
    (void)state;
    static struct sim_pair pair;
    for (uint64_t seed = 1; seed <= 150; seed++) {
        struct sim_pair_config c;
        sim_pair_defaults(&c);
        c.seed = seed;
        c.budget = (size_t)2000 * SKT_KCP_BLOCK_LEN;
        for (int i = 0; i < 2; i++) {
            c.link[i].delay = 10 * SKT_US_PER_MS;
            c.link[i].mutate = 2000;
            c.link[i].loss = 300;
        }
        sim_pair_init(&pair, &c);
        sim_pair_add(&pair, true, 30000, 30000, 1000);
        sim_pair_add(&pair, false, 20, 20, 3000);
        sim_pair_run(&pair, 20 * SKT_US_PER_SEC);
        assert_true(pair.host[0].malformed + pair.host[1].malformed > 0 || pair.failure);
        sim_pair_dispose(&pair);
    }
}

CHECK_GROUP(kcp_fuzz)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_segments),
        cmocka_unit_test(test_random_bytes_parse),
        cmocka_unit_test(test_mutated_transfers),
    };
    return cmocka_run_group_tests_name("kcp_fuzz", tests, NULL, NULL);
}
