/* SPDX-License-Identifier: MIT */
/* How far an instance is in its life, and when it ends. */
#ifndef SKT_SCRIPT_LIFE_H
#define SKT_SCRIPT_LIFE_H

#include "config/config.h"
#include "io/loop.h"

#include <stdbool.h>

struct skt_script;

struct skt_script_life {
    skt_us created;  /* when it was made, for the status */
    bool started;    /* the script has run */
    bool ready;      /* on_init has returned, too */
    bool stopping;   /* skt_script_stop was called: no new connections */
    bool closed;     /* the script can make nothing new any more */
    bool failed;     /* it has given up */
    skt_us leave_at; /* the grace is over: relays read no more from TCP, and what they have read arrives
                        before stop_at; SKT_NEVER: not stopping, or they do so already */
    skt_us stop_at;  /* all is closed, whatever is open still; SKT_NEVER: not stopping */
    struct skt_loop_timer stop_timer;     /* looks whether all has ended */
    void (*on_stopped)(void *user);       /* told once that all is closed; NULL: it was, or not stopping */
    void *stopped_user;                   /* handed to on_stopped */
    char fail_text[SKT_CONFIG_ERROR_MAX]; /* why it has given up */
};

/* Gives up: the start fails with this text, or the loop stops, and the process ends with status 1. */
void skt_script_fail(struct skt_script *app, const char *text);

#endif
