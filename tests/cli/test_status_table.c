/* SPDX-License-Identifier: MIT */
/* The table of a status: order, sums, rates, and what fits on a screen. */
#include "base/check.h"
#include "base/err.h"
#include "cli/status_table.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 65536, COLUMNS = 80 };

struct session {
    unsigned cid;
    double age_s;
    unsigned long long tx, rx;
};

/* A status with these sessions, as an instance writes it; tun: what it says of its interface, or "". */
static struct skt_json status_with(const struct session *list, size_t n, const char *tun, char *text)
{
    int len = snprintf(text, TEXT_MAX,
                       "{\"version\":\"0.1.0\",\"mode\":\"a_mode_of_ones_own_with_a_very_long_name_indeed_"
                       "yes\",\"pid\":123456,\"uptime_s\":100000,\"rss_bytes\":12345678,\"sessions\":[");
    for (size_t i = 0; i < n; i++)
        len += snprintf(
            text + len, TEXT_MAX - (size_t)len,
            "%s{\"cid\":%u,\"state\":\"connecting\",\"peer\":\"[2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff]:"
            "65535\","
            "\"name\":\"alice\",\"age_s\":%.3f,\"rtt_ms\":{\"last\":1.0,\"smoothed\":12345.6,\"min\":1.0},"
            "\"loss_tx\":1.0,\"loss_rx\":1.0,\"mtu\":1472,\"bytes_tx\":%llu,\"bytes_rx\":%llu,"
            "\"retransmitted\":1234567890,\"duplicated\":1234567890,\"fec_sent\":1234567890,"
            "\"fec_recovered\":1234567890,\"streams\":1000000}",
            i ? "," : "", list[i].cid, list[i].age_s, list[i].tx, list[i].rx);
    len +=
        snprintf(text + len, TEXT_MAX - (size_t)len,
                 "],\"tcp\":{\"open\":1,\"accepted\":2,\"refused\":3,\"closed\":4},%s\"drops\":{\"auth\":1,"
                 "\"replay\":2,\"malformed\":3,\"overload\":4}}",
                 tun);
    struct skt_json value = skt_json_of(text, (size_t)len);
    assert_non_null(value.p);
    return value;
}

static struct skt_json status_of(const struct session *list, size_t n, char *text)
{
    return status_with(list, n, "", text);
}

/* The lines of a table, each of which must fit; how many there are. */
static int print(struct skt_json status, const struct skt_status_items *items, struct skt_status_view view,
                 char **text)
{
    size_t len;
    FILE *f = open_memstream(text, &len);
    assert_non_null(f);
    skt_status_table_show(f, status, items, &view);
    assert_int_equal(fclose(f), 0);
    int lines = 0;
    for (const char *p = *text, *end; (end = strchr(p, '\n')); p = end + 1, lines++)
        assert_in_range(end - p, 0, COLUMNS);
    return lines;
}

static void the_busiest_is_first(void **state)
{
    (void)state;
    static char text[TEXT_MAX], text2[TEXT_MAX];
    const struct session first[] = {{1, 50, 100, 200}, {2, 50, 5000, 1}, {3, 50, 1, 9000}, {4, 50, 7, 7}};
    /* 1 is busy, 3 sleeps; 4 has gone, and 5 has come. */
    const struct session then[] = {
        {2, 52, 6000, 1}, {3, 52, 1, 9000}, {1, 52, 250100, 200}, {5, 1, 2000, 4000}};
    struct skt_status_items a, b;
    assert_int_equal(skt_status_items_read(&a, status_of(first, 4, text), NULL, 0), SKT_OK);
    const unsigned by_bytes[] = {3, 2, 1, 4};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal((unsigned)a.list[i].cid, by_bytes[i]);
    assert_int_equal((int)(a.tx + a.rx), 100 + 200 + 5000 + 1 + 1 + 9000 + 14);
    assert_int_equal((int)(a.tx_s + a.rx_s), 0);
    assert_int_equal(skt_status_items_read(&b, status_of(then, 4, text2), &a, 2), SKT_OK);
    const unsigned by_rate[] = {1, 5, 2, 3};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal((unsigned)b.list[i].cid, by_rate[i]);
    assert_int_equal((int)b.list[0].tx_s, 125000);
    assert_int_equal((int)b.list[1].rx_s, 2000);
    assert_int_equal((int)b.list[3].rx_s, 0);
    assert_int_equal((int)b.tx_s, 125000 + 1000 + 500);
    skt_status_items_free(&a);
    skt_status_items_free(&b);
}

static void rates_and_sums_are_shown(void **state)
{
    (void)state;
    static char text[TEXT_MAX], text2[TEXT_MAX];
    const struct session first[] = {{1, 50, 0, 0}, {2, 50, 0, 0}};
    const struct session then[] = {{1, 51, 1250000, 0}, {2, 51, 0, 25000000}};
    struct skt_status_items a, b;
    char *out;
    assert_int_equal(skt_status_items_read(&a, status_of(first, 2, text), NULL, 0), SKT_OK);
    struct skt_json status = status_of(then, 2, text2);
    assert_int_equal(skt_status_items_read(&b, status, &a, 1), SKT_OK);
    print(status, &b, (struct skt_status_view){.rates = true}, &out);
    assert_non_null(strstr(out, "     0.00    200.0 "));
    assert_non_null(strstr(out, "     10.0     0.00 "));
    assert_non_null(strstr(out, "     all 2 "));
    assert_non_null(strstr(out, "     10.0    200.0 2000000\n"));
    assert_non_null(strstr(out, "sent 1.2 MB, received 0 B"));
    free(out);
    print(status, &b, (struct skt_status_view){0}, &out);
    assert_non_null(strstr(out, "   1.2 MB  25.0 MB 2000000\n"));
    free(out);
    skt_status_items_free(&a);
    skt_status_items_free(&b);
}

static void it_fits_on_a_screen(void **state)
{
    (void)state;
    static char text[TEXT_MAX];
    struct session list[40];
    struct skt_status_items items;
    char *out;
    for (unsigned i = 0; i < 40; i++)
        list[i] = (struct session){4294967295U - i, 1e6, 1000000000000ULL * i, 999900000ULL};
    struct skt_json status = status_of(list, 40, text);
    assert_int_equal(skt_status_items_read(&items, status, NULL, 0), SKT_OK);
    for (int rows = 16; rows < 60; rows++) {
        assert_in_range(
            print(status, &items, (struct skt_status_view){.rates = true, .rows_max = rows}, &out), 6,
            rows - 1);
        assert_non_null(strstr(out, "4294967256 ")); /* the busiest is always there */
        assert_non_null(strstr(out, " less busy ones are not shown\n"));
        free(out);
    }
    assert_in_range(print(status, &items, (struct skt_status_view){0}, &out), 120, 210);
    assert_null(strstr(out, "not shown"));
    free(out);
    skt_status_items_free(&items);
}

/* An interface that has read and written so much, with everything in its lines that can be there. */
static const char *tun_of(unsigned long long packets_in, unsigned long long bytes_in,
                          unsigned long long packets_out, unsigned long long bytes_out)
{
    static char text[2][1024];
    static int turn;
    turn = !turn;
    snprintf(text[turn], sizeof text[turn],
             "\"tun\":{\"name\":\"interface-of-15\",\"ip\":\"255.255.255.255/24\","
             "\"ip6\":\"2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff/64\",\"mtu\":1420,\"packets_in\":%llu,"
             "\"bytes_in\":%llu,\"packets_out\":%llu,\"bytes_out\":%llu,\"forwarded\":1234567890,"
             "\"dropped\":1234567890,\"overflow\":1234567890,\"spoofed\":1234567890,\"malformed\":1234567890,"
             "\"group\":1234567890,\"no_route\":1234567890},",
             packets_in, bytes_in, packets_out, bytes_out);
    return text[turn];
}

static void a_tuns_rates_and_sums_are_shown(void **state)
{
    (void)state;
    static char text[TEXT_MAX], text2[TEXT_MAX];
    const struct session first[] = {{1, 50, 0, 0}, {2, 50, 0, 0}, {3, 50, 0, 0}};
    const struct session then[] = {{1, 52, 10, 10}, {2, 52, 2500000, 50000000}, {3, 52, 25000, 0}};
    struct skt_status_items a, b;
    char *out;
    struct skt_json status = status_with(first, 3, tun_of(1000, 1000000, 50, 5000), text);
    assert_int_equal(skt_status_items_read(&a, status, NULL, 0), SKT_OK);
    check_that(a.tun_read.bytes_s + a.tun_written.bytes_s, <=, 0);
    status = status_with(then, 3, tun_of(3000, 51000000, 150, 15000), text2);
    assert_int_equal(skt_status_items_read(&b, status, &a, 2), SKT_OK);
    print(status, &b, (struct skt_status_view){.rates = true}, &out);
    assert_non_null(strstr(out, "interface-of-15 now: read 200.0 Mbit/s, 1000 packets/s,\n            "
                                "written 0.04 Mbit/s, 50 packets/s\n"));
    assert_non_null(strstr(out, "read 3000 packets (51.0 MB),"));
    assert_non_null(strstr(out, " written 150 packets (15.0 kB)"));
    assert_non_null(strstr(out, "     10.1    200.0 3000000\n"));
    assert_true(strstr(out, "\n         2  ") < strstr(out, "\n         3  ") &&
                strstr(out, "\n         3  ") < strstr(out, "\n         1  "));
    free(out);
    print(status, &b, (struct skt_status_view){0}, &out);
    assert_null(strstr(out, " now: "));
    free(out);
    skt_status_items_free(&a);
    skt_status_items_free(&b);
}

static void a_tun_fits_on_a_screen(void **state)
{
    (void)state;
    static char text[TEXT_MAX];
    const unsigned long long most = 999999999999999ULL;
    struct session list[40];
    struct skt_status_items items;
    char *out;
    for (unsigned i = 0; i < 40; i++)
        list[i] = (struct session){4294967295U - i, 1e6, 1000000000000ULL * i, 999900000ULL};
    struct skt_json status = status_with(list, 40, tun_of(most, most, most, most), text);
    assert_int_equal(skt_status_items_read(&items, status, NULL, 0), SKT_OK);
    items.tun_read = items.tun_written = (struct skt_status_flow){9e14, 9e17, 9999999, 12345678900};
    for (int rows = 24; rows < 60; rows++) {
        assert_in_range(
            print(status, &items, (struct skt_status_view){.rates = true, .rows_max = rows}, &out), 6,
            rows - 1);
        assert_non_null(strstr(out, "4294967256 "));
        assert_non_null(strstr(out, " now: read "));
        free(out);
    }
    skt_status_items_free(&items);
}

CHECK_GROUP(status_table)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_busiest_is_first),   cmocka_unit_test(rates_and_sums_are_shown),
        cmocka_unit_test(it_fits_on_a_screen),    cmocka_unit_test(a_tuns_rates_and_sums_are_shown),
        cmocka_unit_test(a_tun_fits_on_a_screen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
