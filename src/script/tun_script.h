/* SPDX-License-Identifier: MIT */
/* Scripts that read the TUN themselves. */
#ifndef SKT_SCRIPT_TUN_SCRIPT_H
#define SKT_SCRIPT_TUN_SCRIPT_H

struct skt_script;

/* skt.cb.on_tun_read may have come or gone. */
void skt_script_tun_watch_script(struct skt_script *app);

#endif
