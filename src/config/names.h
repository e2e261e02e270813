/* SPDX-License-Identifier: MIT */
/* The names of fields: those that are not known, and what was probably meant. */
#ifndef SKT_CONFIG_NAMES_H
#define SKT_CONFIG_NAMES_H

#include "config/read.h"

/* Every key of the table on top of the stack must be the name of a field in the list that belongs to `scope`;
 * notes each that is not. */
void skt_config_check_names(struct config_reader *r, const struct config_field *fields, unsigned scope);

/* The distance between two words: single letters added, left out, changed or swapped with the next. Tests
 * call it: what is suggested shows only whether the distance is small. */
unsigned skt_config_edit_distance(const char *a, const char *b);

#endif
