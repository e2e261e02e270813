/* SPDX-License-Identifier: MIT */
/* In the helper: the scripts `up` and `down`. They run as root: which event, which names and which values
 * they see is a closed list. */
#ifndef SKT_NETCFG_SCRIPT_H
#define SKT_NETCFG_SCRIPT_H

#include "netcfg/limits.h"

#include <stdbool.h>

struct skt_netcfg_helper;

struct skt_netcfg_scripts {
    char paths[2][SKT_NETCFG_PATH_MAX];                          /* of down and up; "": none */
    double limit_s;                                              /* one that takes longer is ended */
    bool is_up;                                                  /* up was run, down was not since */
    char env[SKT_NETCFG_VARIABLES_MAX][SKT_NETCFG_VARIABLE_MAX]; /* up's variables, for both; "": none */
};

/* The request "hook EVENT" and its variables. */
int skt_netcfg_script_on_request(struct skt_netcfg_helper *h, char *rest);

/* `up`, with the variables of the last request; SKT_ERR_NOMEM: it was not started. */
int skt_netcfg_script_up(struct skt_netcfg_helper *h);

/* `down`, where `up` was run and it was not since. */
int skt_netcfg_script_down(struct skt_netcfg_helper *h);

#endif
