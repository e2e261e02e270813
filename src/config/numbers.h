/* SPDX-License-Identifier: MIT */
/* The types of fields that are numbers: their range and default stand in the field's row. */
#ifndef SKT_CONFIG_NUMBERS_H
#define SKT_CONFIG_NUMBERS_H

#include "config/read.h"

config_read_fn skt_config_read_integer, skt_config_read_number;

/* 1 or 0, kept as enum skt_speed. */
config_read_fn skt_config_read_speed_mode;

/* A share, kept in thousandths. */
config_read_fn skt_config_read_permille;

/* Mbit/s, kept in bytes/s. */
config_read_fn skt_config_read_rate;

/* Bytes, or a string with K, M or G behind the number. */
config_read_fn skt_config_read_size;

/* Gives the numbers of the object at `base` their defaults. */
void skt_config_preset(const struct config_field *fields, void *base);

#endif
