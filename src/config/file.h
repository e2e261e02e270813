/* SPDX-License-Identifier: MIT */
/* The file of a configuration, as bytes. */
#ifndef SKT_CONFIG_FILE_H
#define SKT_CONFIG_FILE_H

#include <stddef.h>
#include <sys/stat.h>

/* All of an open file (a pipe, too); closes it. fd -1 with errno is an error like another. *text is on the
 * heap and holds secrets; *st says whose the file is. SKT_ERR_IO with errno, SKT_ERR_NOMEM. */
int skt_config_read_file(int fd, char **text, size_t *len, struct stat *st);

#endif
