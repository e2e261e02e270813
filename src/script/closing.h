/* SPDX-License-Identifier: MIT */
/* Sessions that the script has closed. Messages of its own may be under way: once the peer has acknowledged
 * all, or after a while, on_skcp_close is called with the session still open; what is sent there has its
 * time, too, and then the session ends. */
#ifndef SKT_SCRIPT_CLOSING_H
#define SKT_SCRIPT_CLOSING_H

#include "base/list.h"
#include "io/loop.h"

#include <stdbool.h>
#include <stdint.h>

struct skt_script;
struct skt_script_skcp;

/* All of an app. */
struct skt_script_closings {
    struct skt_list sessions;    /* struct skt_script_closing */
    struct skt_loop_timer timer; /* the next look at them; runs while there are any */
};

void skt_script_closing_init(struct skt_script *app);

/* Closes a session for the script; it ends when the peer has all messages, 10 s later at most, and
 * on_skcp_close comes then. SKT_ERR_CLOSED: there is none, or it is being closed already. */
int skt_script_closing_begin(struct skt_script_skcp *k, uint32_t cid);

/* Is it being closed? Has on_skcp_close been called for it? */
bool skt_script_closing_has(const struct skt_script_skcp *k, uint32_t cid);
bool skt_script_closing_was_told(const struct skt_script_skcp *k, uint32_t cid);

/* The session has ended (cid 0: all of the endpoint's). */
void skt_script_closing_forget(struct skt_script_skcp *k, uint32_t cid);

#endif
