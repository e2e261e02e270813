/* SPDX-License-Identifier: MIT */
#include "base/check.h"
#include "base/err.h"
#include "netcfg/journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void the_journal_keeps_what_stands(void **state)
{
    (void)state;
    struct skt_journal j, other;
    char dir[] = "/tmp/skt-journal-XXXXXX", folder[64], path[80];
    char why[SKT_STATEFILE_WHY_MAX];
    assert_non_null(mkdtemp(dir));
    snprintf(folder, sizeof folder, "%s/new", dir);
    snprintf(path, sizeof path, "%s/journal", folder);
    assert_int_equal(skt_journal_open(&j, path, 0, why), SKT_OK);
    assert_int_equal(skt_journal_open(&other, path, 0.1, why), SKT_ERR_FULL);
    assert_int_equal(skt_journal_add(&j, "route %d", 1), SKT_OK);
    assert_int_equal(skt_journal_add(&j, "route 2"), SKT_OK);
    assert_int_equal(skt_journal_add(&j, "dns x"), SKT_OK);
    assert_int_equal(skt_journal_add(&j, "two\nlines"), SKT_ERR_ARG);
    assert_true(skt_journal_remove(&j, "route 2"));
    assert_false(skt_journal_remove(&j, "route 2"));
    assert_int_equal(write(j.fd, "+half a li", 10), 10); /* and then the power failed */
    skt_journal_close(&j);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(skt_journal_open(&j, path, 0, why), SKT_OK);
        assert_int_equal(j.count, 2 + (size_t)round);
        assert_true(skt_journal_has(&j, "route 1") && skt_journal_has(&j, "dns x"));
        assert_int_equal(skt_journal_find(&j, "rou"), 0);
        assert_int_equal(skt_journal_find(&j, "sysctl"), -1);
        if (round == 0)
            assert_int_equal(skt_journal_add(&j, "nft t"), SKT_OK);
        skt_journal_close(&j);
    }
    assert_int_equal(skt_journal_open(&j, path, 0, why), SKT_OK);
    while (j.count > 0)
        skt_journal_remove(&j, j.lines[0]);
    skt_journal_close(&j);
    assert_int_not_equal(access(path, F_OK), 0);
    for (int i = 0; i < SKT_JOURNAL_LINES_MAX; i++) {
        if (i == 0)
            assert_int_equal(skt_journal_open(&j, path, 0, why), SKT_OK);
        assert_int_equal(skt_journal_add(&j, "line %d", i), SKT_OK);
    }
    assert_int_equal(skt_journal_add(&j, "one more"), SKT_ERR_FULL);
    skt_journal_close(&j);
    assert_int_equal(unlink(path) | rmdir(folder) | rmdir(dir), 0);
}

CHECK_GROUP(journal)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_journal_keeps_what_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
