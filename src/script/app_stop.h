/* SPDX-License-Identifier: MIT */
/* How an app ends: skt_script_stop and skt_script_free (script/app.h). */
#ifndef SKT_SCRIPT_APP_STOP_H
#define SKT_SCRIPT_APP_STOP_H

struct skt_script;

/* Its life begins: nothing ends it yet. */
void skt_script_stop_init(struct skt_script *app);

#endif
