/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "base/check.h"

static void integers_are_little_endian(void **state)
{
    (void)state;
    uint8_t buf[15];
    struct skt_writer w = skt_writer_of(buf, sizeof buf);
    skt_write_u8(&w, 0x01);
    skt_write_u16(&w, 0x0302);
    skt_write_u32(&w, 0x07060504);
    skt_write_u64(&w, UINT64_C(0xff0e0d0c0b0a0908));
    assert_false(w.bad);
    assert_int_equal(skt_writer_len(&w), sizeof buf);
    static const uint8_t expected[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0xff};
    assert_memory_equal(buf, expected, sizeof buf);

    struct skt_reader r = skt_reader_of(buf, sizeof buf);
    assert_int_equal(skt_read_u8(&r), 0x01);
    assert_int_equal(skt_read_u16(&r), 0x0302);
    assert_int_equal(skt_read_u32(&r), 0x07060504);
    assert_true(skt_read_u64(&r) == UINT64_C(0xff0e0d0c0b0a0908));
    assert_false(r.bad);
    assert_int_equal(r.left, 0);
}

/* Extremes of every width survive the way out and back, and no byte beside them is touched. */
static void extremes_survive(void **state)
{
    (void)state;
    uint8_t buf[10];
    memset(buf, 0xaa, sizeof buf);
    skt_put_u64(buf + 1, UINT64_MAX);
    check_that(skt_get_u64(buf + 1), ==, UINT64_MAX);
    skt_put_u64(buf + 1, UINT64_C(1) << 63);
    check_that(skt_get_u64(buf + 1), ==, UINT64_C(1) << 63);
    skt_put_u32(buf + 1, UINT32_C(0x80000000));
    check_that(skt_get_u32(buf + 1), ==, UINT32_C(0x80000000));
    skt_put_u16(buf + 1, 0xfffe);
    assert_int_equal(skt_get_u16(buf + 1), 0xfffe);
    assert_int_equal(buf[0], 0xaa);
    assert_int_equal(buf[9], 0xaa);
}

/* A field that does not fit is not read in part, and nothing can be read after it even if it would fit. */
static void reading_past_the_end_sticks(void **state)
{
    (void)state;
    static const uint8_t buf[] = {1, 2, 3};
    struct skt_reader r = skt_reader_of(buf, sizeof buf);
    assert_int_equal(skt_read_u32(&r), 0);
    assert_true(r.bad);
    assert_int_equal(r.left, 3);
    assert_int_equal(skt_read_u8(&r), 0);
    assert_null(skt_read_bytes(&r, 0));
}

static void every_truncation_is_noticed(void **state)
{
    (void)state;
    static const uint8_t buf[15] = {0};
    for (size_t len = 0; len <= sizeof buf; len++) {
        struct skt_reader r = skt_reader_of(buf, len);
        skt_read_u8(&r);
        skt_read_u16(&r);
        skt_read_u32(&r);
        skt_read_u64(&r);
        assert_int_equal(r.bad, len < sizeof buf);
    }
}

static void writing_past_the_end_sticks(void **state)
{
    (void)state;
    uint8_t buf[4] = {0xaa, 0xaa, 0xaa, 0xaa};
    struct skt_writer w = skt_writer_of(buf, 3);
    skt_write_u16(&w, 0x0201);
    skt_write_u16(&w, 0x0403);
    assert_true(w.bad);
    assert_int_equal(skt_writer_len(&w), 2);
    skt_write_u8(&w, 5);
    skt_write_bytes(&w, "x", 1);
    assert_int_equal(skt_writer_len(&w), 2);
    static const uint8_t expected[] = {1, 2, 0xaa, 0xaa};
    assert_memory_equal(buf, expected, sizeof buf);
}

static void strings_and_lengths_near_size_max(void **state)
{
    (void)state;
    uint8_t buf[4];
    struct skt_writer w = skt_writer_of(buf, sizeof buf);
    skt_write_bytes(&w, NULL, 0);
    skt_write_bytes(&w, "abcd", 4);
    assert_false(w.bad);
    assert_null(skt_write_room(&w, SIZE_MAX));
    assert_true(w.bad);

    struct skt_reader r = skt_reader_of(buf, sizeof buf);
    assert_ptr_equal(skt_read_bytes(&r, 4), buf);
    assert_non_null(skt_read_bytes(&r, 0));
    assert_null(skt_read_bytes(&r, SIZE_MAX));
    assert_true(r.bad);
}

static void varints_survive(void **state)
{
    (void)state;
    static const uint64_t values[] = {0,         1,       0x7f,       0x80,
                                      0x3fff,    0x4000,  0x1fffff,   0x200000,
                                      0xfffffff, 1 << 28, UINT32_MAX, (UINT64_C(1) << 35) - 1};
    static const size_t lens[] = {1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 5};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        uint8_t buf[SKT_VARINT_MAX];
        struct skt_writer w = skt_writer_of(buf, sizeof buf);
        skt_write_varint(&w, values[i]);
        assert_false(w.bad);
        assert_int_equal(skt_writer_len(&w), lens[i]);
        struct skt_reader r = skt_reader_of(buf, lens[i]);
        assert_true(skt_read_varint(&r) == values[i] && !r.bad && r.left == 0);
        r = skt_reader_of(buf, lens[i] - 1);
        skt_read_varint(&r);
        assert_true(r.bad);
    }
    static const uint8_t endless[] = {0x80, 0x80, 0x80, 0x80, 0x80, 0};
    struct skt_reader r = skt_reader_of(endless, sizeof endless);
    assert_int_equal(skt_read_varint(&r), 0);
    assert_true(r.bad);
}

static void zigzag_is_small_for_small_numbers(void **state)
{
    (void)state;
    static const int32_t numbers[] = {0, -1, 1, -2, 2, INT32_MAX, INT32_MIN};
    static const uint32_t codes[] = {0, 1, 2, 3, 4, UINT32_MAX - 1, UINT32_MAX};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        assert_int_equal(skt_zigzag(numbers[i]), codes[i]);
        assert_int_equal(skt_unzigzag(codes[i]), numbers[i]);
    }
}

CHECK_GROUP(bytes)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_little_endian),
        cmocka_unit_test(extremes_survive),
        cmocka_unit_test(reading_past_the_end_sticks),
        cmocka_unit_test(every_truncation_is_noticed),
        cmocka_unit_test(writing_past_the_end_sticks),
        cmocka_unit_test(strings_and_lengths_near_size_max),
        cmocka_unit_test(varints_survive),
        cmocka_unit_test(zigzag_is_small_for_small_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
