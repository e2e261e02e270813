/* SPDX-License-Identifier: MIT */
/* The types of the configuration's fields: each reads the value on top of the stack, or says what it expects
 * instead. */
#ifndef SKT_CONFIG_TYPES_H
#define SKT_CONFIG_TYPES_H

#include "config/read.h"

config_read_fn skt_config_read_string, skt_config_read_bool, skt_config_read_strings, skt_config_read_key,
    skt_config_read_keys, skt_config_read_cipher, skt_config_read_redundancy, skt_config_read_ticket,
    skt_config_read_log_level, skt_config_read_skip;

/* true or false, kept the other way round: tun_offload = false is tun_plain. */
config_read_fn skt_config_read_tun_offload;

#endif
