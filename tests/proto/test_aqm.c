/* SPDX-License-Identifier: MIT */
/* The managed queue before a simulated link of a given rate: fairness, waiting times, order, limits. */
#include "proto/queue/aqm.h"

#include "sim/rng.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"

#define MS  SKT_US_PER_MS
#define SEC SKT_US_PER_SEC

enum { FLOWS = 64 };

/* A link that takes the next packet when it has sent the one before. */
struct bench {
    struct skt_aqm q;
    uint64_t rate; /* bytes/s */
    skt_us now, free_at;
    uint64_t sent[FLOWS], count[FLOWS];
    skt_us longest[FLOWS], total[FLOWS]; /* waiting times since `from` */
    uint64_t marked[FLOWS], bulk[FLOWS];
    skt_us from;
};

/* The flow of a packet and its place in it stand in the data. */
static void push(struct bench *b, uint32_t flow, size_t len, bool ecn)
{
    struct skt_aqm_packet *p = skt_aqm_packet_new(len);
    assert_non_null(p);
    p->ecn = ecn;
    memcpy(p->data, &flow, sizeof flow);
    skt_aqm_push(&b->q, b->now, flow * UINT64_C(0x9e3779b97f4a7c15), p);
}

static void deliver(struct bench *b)
{
    while (b->free_at <= b->now) {
        struct skt_aqm_packet *p = skt_aqm_pull(&b->q, b->now);
        if (!p)
            return;
        uint32_t flow;
        memcpy(&flow, p->data, sizeof flow);
        b->free_at = (b->free_at > b->now ? b->free_at : b->now) + p->len * SEC / b->rate;
        if (b->now >= b->from) {
            skt_us wait = b->now - p->at;
            b->sent[flow] += p->len;
            b->count[flow]++;
            b->total[flow] += wait;
            b->marked[flow] += p->marked;
            b->bulk[flow] += p->bulk;
            if (wait > b->longest[flow])
                b->longest[flow] = wait;
        }
        skt_aqm_packet_free(p);
    }
}

/* A sender that halves its rate at a loss or a mark and raises it otherwise, once a round trip of 50 ms. */
struct sender {
    double rate; /* bytes/s */
    double credit;
    skt_us next_rtt;
    uint64_t punished;
};

static uint64_t punishments(const struct bench *b)
{
    return b->q.stats.dropped + b->q.stats.marked + b->q.stats.overflow;
}

static void adapt(struct bench *b, struct sender *s)
{
    if (b->now < s->next_rtt)
        return;
    s->next_rtt = b->now + 50 * MS;
    uint64_t now_punished = punishments(b);
    s->rate = now_punished > s->punished ? s->rate * 0.7 : s->rate + 20 * 1400;
    s->punished = now_punished;
}

static void bulk_beside_a_thin_flow(bool ecn)
{
    struct bench b = {.rate = 2500000, .from = 5 * SEC};
    struct sender s = {.rate = 1000000};
    skt_aqm_init(&b.q, 1024, 4 << 20);
    for (b.now = 0; b.now < 30 * SEC; b.now += 100) {
        adapt(&b, &s);
        for (s.credit += s.rate / 10000; s.credit >= 1400; s.credit -= 1400)
            push(&b, 1, 1400, ecn);
        if (b.now % (10 * MS) == 0)
            push(&b, 2, 84, false);
        deliver(&b);
    }
    /* CoDel keeps the standing queue of a well-behaved sender near its target ... */
    assert_in_range(b.total[1] / b.count[1], 0, 12 * MS);
    /* ... and the link busy; ... */
    assert_in_range(b.sent[1] / 25, 2000000, 2500000);
    /* ... a thin flow waits for no more than the packet on the wire and its turn. */
    assert_in_range(b.longest[2], 0, 2 * MS);
    assert_int_equal(b.count[2], 2500);
    check_that(punishments(&b), >, 0);
    if (ecn) {
        assert_int_equal(b.q.stats.dropped, 0);
        check_that(b.marked[1], >, 0);
    } else {
        assert_int_equal(b.q.stats.marked, 0);
    }
    skt_aqm_dispose(&b.q);
}

static void test_bulk_is_kept_short_by_drops(void **state)
{
    (void)state;
    bulk_beside_a_thin_flow(false);
}

static void test_bulk_is_kept_short_by_marks(void **state)
{
    (void)state;
    bulk_beside_a_thin_flow(true);
}

static void test_unresponsive_flow_harms_itself_only(void **state)
{
    (void)state;
    struct bench b = {.rate = 2500000, .from = 2 * SEC};
    skt_aqm_init(&b.q, 1024, 1 << 20);
    for (b.now = 0; b.now < 10 * SEC; b.now += 200) {
        push(&b, 0, 1400, false); /* 7 MB/s */
        if (b.now % (2 * MS) == 0)
            push(&b, 1, 1400, false); /* 0.7 MB/s */
        deliver(&b);
    }
    assert_int_equal(b.count[1], 4000);
    assert_in_range(b.longest[1], 0, 4 * MS);
    assert_in_range(b.q.bytes, 0, 1 << 20);
    skt_aqm_dispose(&b.q);
}

static void test_shares_are_equal_in_bytes(void **state)
{
    (void)state;
    struct bench b = {.rate = 2500000};
    uint64_t pushed[FLOWS] = {0};
    skt_aqm_init(&b.q, 1024, 4 << 20);
    for (b.now = 0; b.now < 10 * SEC; b.now += 100) {
        for (uint32_t f = 0; f < 5; f++) {
            size_t len = f == 0 ? 60000 : 200 * f + 400; /* GSO and small ones */
            for (; pushed[f] < b.sent[f] + 200000; pushed[f] += len)
                push(&b, f, len, true);
        }
        deliver(&b);
    }
    for (int f = 0; f < 5; f++)
        assert_in_range(b.sent[f], 4500000, 5500000);
    skt_aqm_dispose(&b.q);
}

/* A flow below its share goes next, as often as it comes, however many have packets waiting; and it is known
 * for what it is, as they are. */
static void test_a_flow_below_its_share_goes_next(void **state)
{
    (void)state;
    enum { BULK = 60 };
    struct bench b = {.rate = 2500000}; /* 0.56 ms a packet, 34 ms a round */
    uint64_t pushed[FLOWS] = {0};
    skt_aqm_init(&b.q, 1024, 4 << 20);
    for (b.now = 0; b.now < 20 * SEC; b.now += 100) {
        for (uint32_t f = 0; f < BULK; f++) { /* some refill at each packet, some run empty between two */
            size_t ahead = f % 2 ? 1400 : 30000;
            for (; pushed[f] < b.sent[f] + ahead && b.now % (1 + f % 5) == 0; pushed[f] += 1400)
                push(&b, f, 1400, true);
        }
        for (uint32_t f = BULK; f < FLOWS; f++) /* 8 to 15 KB/s of 41 */
            if (b.now >= SEC && b.now % ((10 + f % 4) * MS) < 100)
                push(&b, f, 100 + 10 * (f % 4), false);
        deliver(&b);
    }
    for (uint32_t f = BULK; f < FLOWS; f++) {
        assert_in_range(b.longest[f], 0, 3 * MS); /* the packet on the wire, and the other thin ones */
        assert_int_equal(b.bulk[f], 0);
    }
    for (uint32_t f = 0; f < BULK; f++)
        assert_in_range(b.bulk[f], b.count[f] * 98 / 100, b.count[f]);
    skt_aqm_dispose(&b.q);
}

/* Where nothing waits, since many senders wait for their acknowledgements, they are bulk none the less. A
 * single one with half of the rate is not. */
static void test_many_flows_that_fill_the_way_are_bulk(void **state)
{
    (void)state;
    enum { BULK = 60 };
    struct bench b = {.rate = 2500000, .from = 2 * SEC};
    skt_aqm_init(&b.q, 1024, 4 << 20);
    skt_aqm_set_rate(&b.q, b.rate);
    for (b.now = 0; b.now < 10 * SEC; b.now += 100) {
        for (uint32_t f = 0; f < BULK; f++) /* a packet every 36 ms: 38 KB/s of 39 */
            if (b.now % (36 * MS) == f * 600)
                push(&b, f, 1400, false);
        for (uint32_t f = BULK; f < FLOWS; f++) /* 8 to 15 KB/s */
            if (b.now >= SEC && b.now % ((10 + f % 4) * MS) < 100)
                push(&b, f, 100 + 10 * (f % 4), false);
        deliver(&b);
    }
    for (uint32_t f = 0; f < BULK; f++)
        assert_int_equal(b.bulk[f], b.count[f]);
    for (uint32_t f = BULK; f < FLOWS; f++)
        assert_int_equal(b.bulk[f], 0);
    for (b.from = b.now + 2 * SEC, b.bulk[0] = 0; b.now < 14 * SEC; b.now += 100) {
        for (unsigned f = 0; f < b.q.count; f++)
            skt_aqm_arrived(&b.q, b.now, f);
        if (b.now % (SEC / 1000) < 100)
            push(&b, 0, 1200, false);
        deliver(&b);
    }
    assert_int_equal(b.bulk[0], 0);
    skt_aqm_dispose(&b.q);
}

/* Whoever comes and goes gets its share and four packets, no more: one sends nothing for a while, then as
 * much as it can. */
static void test_no_flow_gains_by_running_empty(void **state)
{
    (void)state;
    struct bench b = {.rate = 2500000};
    uint64_t pushed[FLOWS] = {0};
    skt_aqm_init(&b.q, 1024, 4 << 20);
    for (b.now = 0; b.now < 10 * SEC; b.now += 100) {
        for (uint32_t f = 0; f < 10; f++) {
            bool resting = f == 0 && b.now % (20 * MS) < 10 * MS;
            size_t ahead = f == 1 ? 1400 : 30000; /* flow 1 runs empty with every packet */
            for (; !resting && pushed[f] < b.sent[f] + ahead; pushed[f] += 1400)
                push(&b, f, 1400, true);
        }
        deliver(&b);
    }
    for (int f = 0; f < 10; f++)
        assert_in_range(b.sent[f], 2200000, 2700000);
    skt_aqm_dispose(&b.q);
}

static void test_acknowledgements_in_a_row_go_once(void **state)
{
    (void)state;
    static const bool acks[] = {true, true, false, true, true, false, false};
    static const bool once[] = {false, true, false, false, true, false, false};
    struct bench b = {.rate = 1000};
    skt_aqm_init(&b.q, 4, 1 << 20);
    for (int i = 0; i < 7; i++) {
        struct skt_aqm_packet *p = skt_aqm_packet_new(60);
        p->ack = acks[i];
        skt_aqm_push(&b.q, 0, 5, p);
        p = skt_aqm_pull(&b.q, 0);
        assert_int_equal(p->once, once[i]);
        skt_aqm_packet_free(p);
    }
    skt_aqm_dispose(&b.q);
}

static void test_one_large_packet_is_no_queue(void **state)
{
    (void)state;
    struct bench b = {.rate = 2500000};
    skt_aqm_init(&b.q, 1024, 4 << 20);
    for (b.now = 0; b.now < 10 * SEC; b.now += 100) { /* 26 ms each, at the link's rate */
        if (b.now % 26000 == 0)
            push(&b, 1, 64000, false);
        deliver(&b);
    }
    assert_int_equal(punishments(&b), 0);
    skt_aqm_dispose(&b.q);
}

static void test_numbers_are_reused_only_when_idle(void **state)
{
    (void)state;
    struct bench b = {.rate = 1000};
    skt_aqm_init(&b.q, 4, 1 << 20);
    for (uint32_t f = 0; f < 4; f++)
        push(&b, f, 100, false);
    struct skt_aqm_packet *p[4];
    unsigned numbers = 0;
    for (int i = 0; i < 4; i++) {
        p[i] = skt_aqm_pull(&b.q, 0);
        assert_non_null(p[i]);
        numbers |= 1u << p[i]->flow;
    }
    assert_int_equal(numbers, 15);
    push(&b, 10, 100, false); /* all four are on their way: one is shared */
    assert_int_equal(b.q.stats.shared, 1);
    skt_aqm_packet_free(skt_aqm_pull(&b.q, 0));
    skt_aqm_arrived(&b.q, 0, 2);
    push(&b, 11, 100, false);
    assert_int_equal(b.q.stats.shared, 1);
    struct skt_aqm_packet *q = skt_aqm_pull(&b.q, 0);
    assert_int_equal(q->flow, 2);
    skt_aqm_packet_free(q);
    push(&b, 11, 100, false); /* the same flow keeps its number */
    q = skt_aqm_pull(&b.q, 0);
    assert_int_equal(q->flow, 2);
    skt_aqm_packet_free(q);
    for (int i = 0; i < 4; i++)
        skt_aqm_packet_free(p[i]);
    skt_aqm_dispose(&b.q);
}

/* Nobody takes the number of a flow that was idle for long and has begun anew. */
static void test_a_flow_that_comes_back_keeps_its_number(void **state)
{
    (void)state;
    struct bench b = {.rate = 1000000};
    struct skt_aqm_packet *p;
    skt_aqm_init(&b.q, 1024, 1 << 20);
    push(&b, 1, 100, false);
    p = skt_aqm_pull(&b.q, b.now);
    unsigned number = p->flow;
    skt_aqm_packet_free(p);
    skt_aqm_arrived(&b.q, b.now, number);
    b.now += 5 * SEC;
    push(&b, 1, 100, false);
    push(&b, 2, 100, false);
    push(&b, 1, 100, false);
    for (int i = 0; i < 3; i++) {
        uint32_t flow;
        p = skt_aqm_pull(&b.q, b.now);
        memcpy(&flow, p->data, sizeof flow);
        assert_true((p->flow == number) == (flow == 1));
        skt_aqm_packet_free(p);
    }
    skt_aqm_dispose(&b.q);
}

static void test_few_numbers_do_for_flows_that_follow_each_other(void **state)
{
    (void)state;
    struct bench b = {.rate = 1000};
    skt_aqm_init(&b.q, 1024, 1 << 20);
    for (uint32_t f = 0; f < 1000; f++, b.now += 2 * SEC) {
        push(&b, f % FLOWS + 1000 * f, 100, false);
        struct skt_aqm_packet *p = skt_aqm_pull(&b.q, b.now);
        skt_aqm_arrived(&b.q, b.now, p->flow);
        assert_int_equal(p->flow, 0);
        skt_aqm_packet_free(p);
        assert_null(skt_aqm_pull(&b.q, b.now));
    }
    skt_aqm_dispose(&b.q);
}

static void test_held_flow_keeps_its_order_and_stops_no_other(void **state)
{
    (void)state;
    struct bench b = {.rate = 1000};
    skt_aqm_init(&b.q, 1024, 1 << 20);
    for (size_t i = 0; i < 3; i++)
        push(&b, 1, 100 + i, false);
    struct skt_aqm_packet *p = skt_aqm_pull(&b.q, 0);
    assert_int_equal(p->len, 100);
    unsigned flow = p->flow;
    skt_aqm_hold(&b.q, p);
    assert_null(skt_aqm_pull(&b.q, 0));
    push(&b, 1, 103, false);
    push(&b, 2, 50, false);
    p = skt_aqm_pull(&b.q, 0);
    assert_int_equal(p->len, 50);
    skt_aqm_packet_free(p);
    assert_null(skt_aqm_pull(&b.q, 0));
    skt_aqm_release(&b.q, 0, flow);
    for (size_t i = 0; i < 4; i++) {
        p = skt_aqm_pull(&b.q, 0);
        assert_int_equal(p->len, 100 + i);
        skt_aqm_packet_free(p);
    }
    skt_aqm_dispose(&b.q);
}

static void test_limit_takes_from_the_longest(void **state)
{
    (void)state;
    struct bench b = {.rate = 1000};
    skt_aqm_init(&b.q, 1024, 100000);
    push(&b, 1, 1000, false);
    for (int i = 0; i < 1000; i++)
        push(&b, 2, 1000, false);
    assert_in_range(b.q.bytes, 30000, 100000);
    b.free_at = 0;
    struct skt_aqm_packet *p = skt_aqm_pull(&b.q, 0);
    uint32_t flow;
    memcpy(&flow, p->data, sizeof flow);
    assert_int_equal(flow, 1);
    skt_aqm_packet_free(p);
    skt_aqm_dispose(&b.q);
}

/* Whatever the calls: packets of a flow come out in order, or not at all; the counts agree. */
static void test_random_calls_keep_order(void **state)
{
    (void)state;
    struct sim_rng rng = {.state = 99};
    struct bench b = {.rate = 1000000};
    uint32_t pushed[FLOWS] = {0}, pulled[FLOWS] = {0};
    uint64_t out = 0;
    skt_aqm_init(&b.q, 16, 50000); /* 64 flows: four share a number, and up to eight are kept in order */
    for (int i = 0; i < 200000; i++) {
        b.now += sim_rng_below(&rng, 2000);
        uint32_t what = (uint32_t)sim_rng_below(&rng, 10), flow = (uint32_t)sim_rng_below(&rng, FLOWS);
        if (what < 5) {
            struct skt_aqm_packet *p = skt_aqm_packet_new(8 + (size_t)sim_rng_below(&rng, 1400));
            p->ecn = flow % 2;
            pushed[flow]++;
            memcpy(p->data, &flow, 4);
            memcpy(p->data + 4, &pushed[flow], 4);
            skt_aqm_push(&b.q, b.now, flow, p);
        } else if (what < 8) {
            struct skt_aqm_packet *p = skt_aqm_pull(&b.q, b.now);
            if (!p)
                continue;
            if (sim_rng_below(&rng, 8) == 0) {
                skt_aqm_hold(&b.q, p);
                continue;
            }
            uint32_t of, sn;
            memcpy(&of, p->data, 4);
            memcpy(&sn, p->data + 4, 4);
            check_that(sn, >, pulled[of]);
            pulled[of] = sn;
            out++;
            skt_aqm_packet_free(p);
        } else if (what == 8) {
            skt_aqm_arrived(&b.q, b.now, (unsigned)sim_rng_below(&rng, 16));
        } else {
            skt_aqm_release(&b.q, b.now, (unsigned)sim_rng_below(&rng, 16));
        }
        assert_in_range(b.q.bytes, 0, 50000);
    }
    const struct skt_aqm_stats *st = &b.q.stats;
    assert_int_equal(st->pulled, out);
    assert_int_equal(st->pushed, out + st->dropped + st->overflow + b.q.packets);
    skt_aqm_dispose(&b.q);
}

CHECK_GROUP(aqm)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bulk_is_kept_short_by_drops),
        cmocka_unit_test(test_many_flows_that_fill_the_way_are_bulk),
        cmocka_unit_test(test_bulk_is_kept_short_by_marks),
        cmocka_unit_test(test_unresponsive_flow_harms_itself_only),
        cmocka_unit_test(test_shares_are_equal_in_bytes),
        cmocka_unit_test(test_a_flow_below_its_share_goes_next),
        cmocka_unit_test(test_no_flow_gains_by_running_empty),
        cmocka_unit_test(test_acknowledgements_in_a_row_go_once),
        cmocka_unit_test(test_one_large_packet_is_no_queue),
        cmocka_unit_test(test_numbers_are_reused_only_when_idle),
        cmocka_unit_test(test_a_flow_that_comes_back_keeps_its_number),
        cmocka_unit_test(test_few_numbers_do_for_flows_that_follow_each_other),
        cmocka_unit_test(test_held_flow_keeps_its_order_and_stops_no_other),
        cmocka_unit_test(test_limit_takes_from_the_longest),
        cmocka_unit_test(test_random_calls_keep_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
