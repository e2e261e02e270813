/* SPDX-License-Identifier: MIT */
/* The script that runs: the built-in one of the mode, or the user's own. */
#ifndef SKT_CONFIG_CHECK_SCRIPT_H
#define SKT_CONFIG_CHECK_SCRIPT_H

#include "config/read.h"

/* Finds script_file, or takes it away where the built-in script is meant, sets script_dir, and compiles what
 * was found. */
void skt_config_check_script(struct config_reader *r);

#endif
