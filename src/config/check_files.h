/* SPDX-License-Identifier: MIT */
/* The files that are written to, and the account that has to write them. */
#ifndef SKT_CONFIG_CHECK_FILES_H
#define SKT_CONFIG_CHECK_FILES_H

#include "config/read.h"

/* log_file, trace_file and user: notes what is wrong with each, and warns of what an account can't do. */
void skt_config_check_files(struct config_reader *r);

/* The folder of a path, "." where it names none. Heap; NULL without memory. */
char *skt_config_folder_of(const char *path);

#endif
