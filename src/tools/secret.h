/* SPDX-License-Identifier: MIT */
/* Secrets from where nobody else can read them. */
#ifndef SKT_TOOLS_SECRET_H
#define SKT_TOOLS_SECRET_H

#include "config/secret_file.h"

#include <stdbool.h>

/* Reads a secret from the first line of a file, or where that is NULL from an environment variable (or NULL),
 * which is overwritten. *found: was there one? An exit status; a mistake has been reported. Says so where
 * others can read the file. */
int skt_secret_read(const char *file, const char *variable, char secret[SKT_SECRET_MAX], bool *found);

#endif
