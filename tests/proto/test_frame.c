/* SPDX-License-Identifier: MIT */
/* Frames: what is written is read, and what is cut short or has a later version's bytes behind it is taken as
 * the protocol says (doc/protocol.md 7). */
#include "base/check.h"
#include "base/err.h"
#include "proto/frame.h"

static const uint8_t token[SKT_CHALLENGE_LEN] = {1, 2, 3, 4, 5, 6, 7, 8};
static const uint8_t ticket[SKT_TICKET_LEN] = {9, 8, 7}, proof[SKT_PROOF_LEN] = {6, 5};
static const uint8_t bytes[3] = {'a', 'b', 'c'};

/* One of each, with the bytes that it needs behind type and length. */
static const struct sample {
    struct skt_frame frame;
    size_t least;
} samples[] = {
    {{.type = SKT_FRAME_ATTACH, .attach = {ticket, 77, proof, bytes, sizeof bytes}},
     SKT_TICKET_LEN + 4 + SKT_PROOF_LEN},
    {{.type = SKT_FRAME_ACCEPT, .accept = {SKT_ATTACH_TICKET, 5, bytes, sizeof bytes}}, 5},
    {{.type = SKT_FRAME_PING, .stamp = 0xdeadbeef}, 4},
    {{.type = SKT_FRAME_PONG, .stamp = 1}, 4},
    {{.type = SKT_FRAME_CHALLENGE, .token = token}, sizeof token},
    {{.type = SKT_FRAME_RESPONSE, .token = token}, sizeof token},
    {{.type = SKT_FRAME_PROBE, .size = 1452}, 2},
    {{.type = SKT_FRAME_PROBED, .size = 576}, 2},
    {{.type = SKT_FRAME_CLOSE, .reason = SKT_CLOSE_TIMEOUT}, 0},
    {{.type = SKT_FRAME_REPORT, .report = {3, 2, 1}}, 12},
    {{.type = SKT_FRAME_PIECE, .piece = {4, 100, 1000, bytes, sizeof bytes}}, 6},
};
enum { SAMPLES = sizeof samples / sizeof samples[0] };

static size_t encode(const struct skt_frame *f, uint8_t *out, size_t cap)
{
    struct skt_writer w = skt_writer_of(out, cap);
    skt_frame_write(&w, f);
    assert_false(w.bad);
    return skt_writer_len(&w);
}

/* Reads the frame at the beginning; it must be all of it. */
static struct skt_frame decode(const uint8_t *in, size_t len)
{
    struct skt_reader r = skt_reader_of(in, len);
    struct skt_frame f;
    assert_int_equal(skt_frame_read(&r, &f), SKT_OK);
    assert_int_equal(r.left, 0);
    return f;
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++) {
        uint8_t out[256], again[256];
        size_t len = encode(&samples[i].frame, out, sizeof out);
        struct skt_frame f = decode(out, len);
        assert_int_equal(f.type, samples[i].frame.type);
        assert_true(f.good);
        assert_int_equal(encode(&f, again, sizeof again), len);
        assert_memory_equal(again, out, len);
    }
}

/* A body of any length: read within its bounds, and good from the length on that the type needs. */
static void a_short_body_is_not_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++) {
        bool whole = samples[i].frame.type == SKT_FRAME_PIECE; /* has no length of its own */
        uint8_t out[256];
        size_t len = encode(&samples[i].frame, out, sizeof out) - (whole ? 1 : 2);
        for (size_t body = 0; body <= len; body++) {
            if (!whole)
                out[1] = (uint8_t)body;
            if (whole &&
                body < samples[i].least) { /* it takes the rest: nothing that follows could be read */
                struct skt_reader r = skt_reader_of(out, 1 + body);
                struct skt_frame f;
                assert_int_equal(skt_frame_read(&r, &f), SKT_ERR_MALFORMED);
                continue;
            }
            struct skt_frame f = decode(out, (whole ? 1 : 2) + body);
            assert_int_equal(f.good, body >= samples[i].least);
        }
    }
}

static void a_length_beyond_the_packet_is_malformed(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++) {
        uint8_t out[256];
        size_t len = encode(&samples[i].frame, out, sizeof out);
        if (samples[i].frame.type == SKT_FRAME_PIECE)
            continue;
        for (size_t cut = 1; cut < len; cut++) {
            struct skt_reader r = skt_reader_of(out, cut);
            struct skt_frame f;
            assert_int_equal(skt_frame_read(&r, &f), SKT_ERR_MALFORMED);
        }
    }
}

static void bytes_behind_are_a_later_versions(void **state)
{
    (void)state;
    static const uint8_t ping[] = {SKT_FRAME_PING, 6, 1, 0, 0, 0, 99, 99};
    struct skt_frame f = decode(ping, sizeof ping);
    assert_true(f.good);
    assert_int_equal(f.stamp, 1);
    static const uint8_t challenge[] = {SKT_FRAME_CHALLENGE, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    assert_false(decode(challenge, sizeof challenge).good); /* 8 bytes, no more */
    static const uint8_t unknown[] = {200, 3, 1, 2, 3};
    f = decode(unknown, sizeof unknown);
    assert_int_equal(f.type, 200);
    assert_int_equal(f.body_len, 3);
}

static void a_close_without_a_reason_was_asked_for(void **state)
{
    (void)state;
    static const uint8_t close[] = {SKT_FRAME_CLOSE, 0};
    struct skt_frame f = decode(close, sizeof close);
    assert_true(f.good);
    assert_int_equal(f.reason, SKT_CLOSE_LOCAL);
}

static void some_take_the_rest_of_the_packet(void **state)
{
    (void)state;
    static const uint8_t types[] = {SKT_FRAME_PAD, SKT_FRAME_KCP, SKT_FRAME_PARITY};
    for (size_t i = 0; i < sizeof types; i++) {
        const uint8_t packet[] = {types[i], 1, 2, 3};
        struct skt_frame f = decode(packet, sizeof packet);
        assert_int_equal(f.body_len, 3);
        assert_ptr_equal(f.body, packet + 1);
    }
}

static void padding_fills_what_there_is(void **state)
{
    (void)state;
    uint8_t out[10];
    memset(out, 0xff, sizeof out);
    struct skt_writer w = skt_writer_of(out, sizeof out - 2);
    skt_frame_pad(&w, 100);
    assert_int_equal(skt_writer_len(&w), sizeof out - 2);
    assert_false(w.bad);
    assert_int_equal(out[sizeof out - 3], SKT_FRAME_PAD);
    assert_int_equal(out[sizeof out - 2], 0xff);
}

CHECK_GROUP(frame)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(a_short_body_is_not_good),
        cmocka_unit_test(a_length_beyond_the_packet_is_malformed),
        cmocka_unit_test(bytes_behind_are_a_later_versions),
        cmocka_unit_test(a_close_without_a_reason_was_asked_for),
        cmocka_unit_test(some_take_the_rest_of_the_packet),
        cmocka_unit_test(padding_fills_what_there_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
