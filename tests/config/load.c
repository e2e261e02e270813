/* SPDX-License-Identifier: MIT */
#include "config/load.h"

#include "base/err.h"

#include <string.h>

#include "base/check.h"

static char err[SKT_CONFIG_ERROR_MAX];

struct skt_config *must_load(const char *text)
{
    struct skt_config *conf = NULL;
    int rc = skt_config_load_text(&conf, "dir/c.lua", text, strlen(text), err, sizeof err);
    if (rc != SKT_OK)
        print_error("%s\n", err);
    assert_int_equal(rc, SKT_OK);
    return conf;
}

void must_fail(const char *text, const char *expected)
{
    struct skt_config *conf = NULL;
    int rc = skt_config_load_text(&conf, "c.lua", text, strlen(text), err, sizeof err);
    assert_null(conf);
    assert_string_equal(err, expected);
    assert_int_equal(rc, SKT_ERR_ARG);
}
