/* SPDX-License-Identifier: MIT */
/* Loading a text as a configuration, which must be right, or wrong in the expected words. */
#ifndef SKT_TESTS_CONFIG_LOAD_H
#define SKT_TESTS_CONFIG_LOAD_H

#include "config/config.h"

/* The configuration, to be freed by skt_config_free; the test fails where there is none. */
struct skt_config *must_load(const char *text);

/* The test fails unless the text is refused with this line. */
void must_fail(const char *text, const char *expected);

#endif
