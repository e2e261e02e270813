/* SPDX-License-Identifier: MIT */
/* The process that runs a configuration, for run*.c: there is one. */
#ifndef SKT_CLI_PROCESS_H
#define SKT_CLI_PROCESS_H

#include "cli/janitor.h"
#include "cli/opener.h"
#include "cli/run.h"
#include "cli/status_socket.h"
#include "cli/web.h"
#include "config/config.h"
#include "io/loop.h"
#include "script/app.h"

struct skt_process {
    const struct skt_run_source *source; /* where the configuration is from */
    struct skt_config *conf;             /* what is in force */
    struct skt_loop *loop;               /* the only one */
    struct skt_script *app;              /* what runs on it */
    char *status_wanted;                 /* the configuration's status_socket as it was written; NULL: none */
    struct skt_status_socket *status;    /* NULL: none */
    struct skt_web *metrics;             /* NULL: none */
    struct skt_addr metrics_addr;        /* where `metrics` listens; family 0: nowhere */
    struct skt_janitor janitor;          /* removes the status socket where we have no right to */
    struct skt_opener opener;            /* opens files where we have no right to */
    char *log_wanted;                    /* log_file at the start, which the opener knows */
    struct skt_loop_signal on_term;      /* SIGTERM: ends */
    struct skt_loop_signal on_int;       /* SIGINT: ends */
    struct skt_loop_signal on_hup;       /* SIGHUP: reads the configuration again */
    bool stopping;                       /* the end was asked for */
};

#endif
