/* SPDX-License-Identifier: MIT */
/* A peer with good keys says what it likes: in single frames. */
#include "sim/forge.h"
#include "sim/inner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "proto/session_internal.h"

#define SEC SKT_US_PER_SEC
#define MS  SKT_US_PER_MS

/* --- REPORT --- */

static size_t put_report(uint8_t *out, uint32_t lost, uint32_t runs, uint32_t recovered)
{
    out[0] = SKT_FRAME_REPORT;
    out[1] = SKT_REPORT_LEN;
    skt_put_u32(out + 2, lost);
    skt_put_u32(out + 6, runs);
    skt_put_u32(out + 10, recovered);
    return 2 + SKT_REPORT_LEN;
}

static void give_reports(struct sim_world *w, bool to_server)
{
    static const uint32_t edges[] = {0, 1, 9, 600, 0x7fffffff, 0x80000000, 0xfffffff0};
    enum { EDGES = sizeof edges / sizeof edges[0] };
    for (unsigned i = 0; i < EDGES * EDGES * EDGES; i++) {
        uint8_t frame[2 + SKT_REPORT_LEN];
        size_t len = put_report(frame, edges[i % EDGES], edges[i / EDGES % EDGES], edges[i / EDGES / EDGES]);
        assert_int_equal(sim_forge(w, to_server, frame, len), 0);
    }
}

/* No count of the peer's is believed that cannot be: more lost than was sent, more mended than lost. */
static void test_reports(void **state)
{
    (void)state;
    struct sim_world_config c = {.up.delay = 20 * MS, .down.delay = 20 * MS, .seed = 1};
    struct sim_inner *in = sim_inner_new(&c);
    struct sim_world *w = in->world;
    sim_inner_add_tcp(in, w->now);
    sim_inner_add_thin(in, w->now);
    for (int i = 0; i < 20; i++) {
        sim_inner_run(in, w->now + 100 * MS);
        give_reports(w, true);
        give_reports(w, false);
    }
    for (int i = 0; i < 2; i++) {
        const struct skt_session *s = i ? w->client.session : sim_world_session(w);
        assert_true(s->parity.heard_lost <= s->stats.packets_tx);
        assert_true(s->path.stats.lost <= s->stats.packets_tx);
    }
    uint64_t before = in->tcp[0].received;
    sim_inner_run(in, w->now + 1 * SEC);
    assert_true(in->tcp[0].received > before + 100 && in->took_count > 20);
    sim_inner_free(in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
