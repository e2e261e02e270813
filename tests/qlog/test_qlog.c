/* SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "qlog/qlog.h"
#include "sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "sim/connected.h"

/* What a trace had, counted by its text. */
struct sink {
    char *text;
    size_t len, cap;
    size_t records, most; /* records taken; most: refused beyond, 0: never */
};

static bool take(void *user, const char *record, size_t len)
{
    struct sink *s = user;
    if (s->most && s->records >= s->most)
        return false;
    check_that(len, <=, 2 * SKT_QLOG_RECORD_MAX);
    assert_int_equal(record[0], 0x1e);
    assert_int_equal(record[1], '{');
    assert_int_equal(record[len - 2], '}');
    assert_int_equal(record[len - 1], '\n');
    assert_null(memchr(record, 0, len));
    assert_null(memchr(record + 1, 0x1e, len - 1));
    if (s->len + len + 1 > s->cap) {
        s->cap = 2 * (s->cap + len + 1);
        s->text = realloc(s->text, s->cap);
        assert_non_null(s->text);
    }
    memcpy(s->text + s->len, record, len);
    s->len += len;
    s->text[s->len] = 0;
    s->records++;
    return true;
}

/* How many records of a session have all of these words. */
static uint64_t count(const struct sink *s, const char *group, const char *name, const char *word)
{
    char head[96];
    uint64_t n = 0;
    snprintf(head, sizeof head, "\"name\":\"skcptun:%s\",\"group_id\":\"%s\"", name, group);
    for (char *at = strchr(s->text, 0x1e); at; at = strchr(at + 1, 0x1e)) {
        char *end = strchr(at, '\n');
        *end = 0;
        n += strstr(at, head) && strstr(at, word);
        *end = '\n';
    }
    return n;
}

/* The sum of a number over a session's records of a name. */
static uint64_t sum(const struct sink *s, const char *group, const char *name, const char *field)
{
    char head[96];
    uint64_t total = 0;
    snprintf(head, sizeof head, "\"name\":\"skcptun:%s\",\"group_id\":\"%s\"", name, group);
    for (char *at = strchr(s->text, 0x1e); at; at = strchr(at + 1, 0x1e)) {
        char *end = strchr(at, '\n');
        *end = 0;
        const char *found = strstr(at, head) ? strstr(at, field) : NULL;
        total += found ? strtoull(found + strlen(field), NULL, 10) : 0;
        *end = '\n';
    }
    return total;
}

static struct skt_qlog *begin(struct sink *s)
{
    struct skt_qlog *q;
    struct skt_qlog_conf conf = {take, s, 1000 * SKT_US_PER_SEC, UINT64_C(1700000000123), "test", "network"};
    assert_int_equal(skt_qlog_new(&q, &conf), SKT_OK);
    return q;
}

static struct sim_world *lossy(struct skt_qlog *q)
{
    struct sim_world_config c = sim_link_of(20 * SKT_US_PER_MS, 300, 5);
    c.up.rate = 2500000;
    c.up.buffer = 100000;
    if (q)
        c.trace = skt_qlog_trace(q);
    struct sim_world *w = sim_connected(&c);
    assert_true(sim_world_open(w, "", 3000000) >= 0);
    assert_true(sim_world_open(w, "", 200) >= 0);
    assert_true(sim_world_run(w, w->now + 60 * SKT_US_PER_SEC, sim_all_done));
    return w;
}

static void test_counts_are_those_of_the_session(void **state)
{
    struct sink s = {0};
    struct skt_qlog *q = begin(&s);
    struct sim_world *w = lossy(q);
    (void)state;
    const struct skt_session_stats *st = skt_session_stats(w->client.session);
    const struct skt_path_stats *p = &skt_session_path(w->client.session)->stats;
    check_that(p->retransmitted, >, 20);
    assert_int_equal(sum(&s, "1", "datagram_sent", "\"length\":"), st->bytes_tx);
    assert_int_equal(sum(&s, "1", "datagram_received", "\"length\":"), st->bytes_rx);
    assert_int_equal(count(&s, "1", "segment_sent", "\"first\""), p->sent);
    assert_int_equal(count(&s, "1", "segment_sent", "\"again\"") + count(&s, "1", "segment_sent", "\"tail\""),
                     p->retransmitted);
    assert_int_equal(count(&s, "1", "segment_sent", "\"copy\""), p->duplicated);
    assert_int_equal(count(&s, "1", "segment_lost", "") + sum(&s, "1", "parity_mended", "\"packets\":"),
                     p->lost);
    assert_int_equal(count(&s, "1", "spurious_loss", ""), p->spurious);
    assert_int_equal(count(&s, "1", "datagram_sent", "\"parity\""),
                     skt_session_parity_sent(w->client.session));
    assert_int_equal(count(&s, "2", "parity_recovered", ""),
                     skt_session_parity_recovered(sim_world_session(w)));
    assert_int_equal(count(&s, "1", "stream_opened", "\"us\""), 2);
    assert_int_equal(count(&s, "2", "stream_opened", "\"peer\""), 2);
    check_that(count(&s, "1", "limit_updated", "\"window\""), >, 0);
    check_that(count(&s, "1", "phase_updated", "\"probe_bw\""), >, 0);
    assert_int_equal(count(&s, "1", "keys_updated", "\"new\""), 1);
    assert_int_equal(count(&s, "2", "session_started", "\"server\""), 1);
    sim_world_free(w);
    assert_int_equal(count(&s, "1", "session_ended", ""), 1);
    skt_qlog_free(q);
    free(s.text);
}

static void test_listening_changes_nothing(void **state)
{
    struct sink s = {0};
    struct skt_qlog *q = begin(&s);
    (void)state;
    struct sim_world *with = lossy(q);
    struct sim_world *without = lossy(NULL);
    assert_int_equal(with->now, without->now);
    assert_int_equal(with->up_bytes, without->up_bytes);
    assert_int_equal(with->down_bytes, without->down_bytes);
    assert_int_equal(with->turns, without->turns);
    sim_world_free(with);
    sim_world_free(without);
    skt_qlog_free(q);
    free(s.text);
}

static void test_nothing_is_written_after_the_end(void **state)
{
    struct sink s = {.most = 100};
    struct skt_qlog *q = begin(&s);
    (void)state;
    struct sim_world *w = lossy(q);
    assert_int_equal(s.records, 100);
    sim_world_free(w);
    skt_qlog_free(q);
    free(s.text);
}

static void test_a_session_can_begin_to_be_traced_later(void **state)
{
    struct sink s = {0};
    (void)state;
    struct sim_world *w = lossy(NULL);
    struct skt_qlog *q = begin(&s);
    struct skt_trace trace = skt_qlog_trace(q);
    skt_session_set_trace(w->client.session, w->now, &trace);
    assert_int_equal(count(&s, "1", "state_updated", "\"up\""), 1);
    assert_int_equal(count(&s, "1", "path_updated", "\"peer\":\"10.0.0.2:4000\""), 1);
    skt_session_set_trace(w->client.session, w->now, NULL);
    assert_int_equal(count(&s, "1", "session_ended", ""), 1);
    size_t records = s.records;
    assert_true(sim_world_open(w, "", 1000) >= 0);
    assert_true(sim_world_run(w, w->now + 10 * SKT_US_PER_SEC, sim_all_done));
    assert_int_equal(s.records, records);
    skt_qlog_free(q);
    sim_world_free(w);
    free(s.text);
}

/* The switch of the simulator. */
static void test_a_simulation_writes_the_same(void **state)
{
    char path[] = "/tmp/skt-test-XXXXXX", text[4096];
    int fd = mkstemp(path);
    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(setenv("SKT_SIM_TRACE", path, 1), 0);
    sim_world_free(lossy(NULL));
    unsetenv("SKT_SIM_TRACE");
    ssize_t n = read(fd, text, sizeof text - 1);
    assert_true(n > 1000);
    text[n] = 0;
    assert_non_null(strstr(text, "\"title\":\"skcptun simulator\""));
    assert_non_null(strstr(text, "\"name\":\"skcptun:session_started\",\"group_id\":\"1\""));
    close(fd);
    unlink(path);
}

static void test_the_header_names_the_format(void **state)
{
    struct sink s = {0};
    struct skt_qlog *q = begin(&s);
    (void)state;
    assert_string_equal(
        s.text, "\x1e{\"file_schema\":\"urn:ietf:params:qlog:file:sequential\","
                "\"serialization_format\":\"application/qlog+json-seq\",\"title\":\"test\",\"trace\":{"
                "\"common_fields\":{\"time_format\":\"relative_to_epoch\",\"reference_time\":{"
                "\"clock_type\":\"monotonic\",\"epoch\":\"unknown\",\"wall_clock_time\":"
                "\"2023-11-14T22:13:20.123Z\"}},\"vantage_point\":{\"type\":\"network\"},"
                "\"event_schemas\":[\"urn:skcptun:qlog:events:1\"]}}\n");
    skt_qlog_free(q);
    free(s.text);
}

CHECK_GROUP(qlog)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_header_names_the_format),
        cmocka_unit_test(test_counts_are_those_of_the_session),
        cmocka_unit_test(test_listening_changes_nothing),
        cmocka_unit_test(test_nothing_is_written_after_the_end),
        cmocka_unit_test(test_a_simulation_writes_the_same),
        cmocka_unit_test(test_a_session_can_begin_to_be_traced_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
