/* SPDX-License-Identifier: MIT */
/* Files beside the configuration that hold a secret: a key or a password, in their first line. */
#ifndef SKT_CONFIG_SECRET_FILE_H
#define SKT_CONFIG_SECRET_FILE_H

#include "config/read.h"

#include <sys/stat.h>

enum { SKT_SECRET_MAX = 1024 }; /* bytes: room for one, the end included */

/* Reads the first line of what is open as fd (-1 with errno: it could not be opened), and closes it. NULL:
 * `secret` holds it; else what is wrong, in words. */
const char *skt_secret_first_line(int fd, char secret[SKT_SECRET_MAX], struct stat *st);

/* Opens a file that the configuration names: relative to its folder, by who opens for it. *path is its path
 * from here, on the heap, and hangs on conf->files. -1 with errno. */
int skt_config_open_named(struct config_reader *r, const char *name, const char **path);

/* Takes the secret of an entry from the file that it names, if any: exactly one of password, password_file,
 * key and key_file is to be there, or none where there are `keys`, the first of which is it then. */
void skt_config_take_secret(struct config_reader *r, struct skt_config_entry *e);

/* Can others read it than its owner and the group that is meant to? A pipe has no readers but us. */
bool skt_config_is_for_others(const struct skt_config *conf, const struct stat *st);

#endif
