/* SPDX-License-Identifier: MIT */
/* In the helper: requests (request.h) are checked and done. */
#ifndef SKT_NETCFG_REQUESTS_H
#define SKT_NETCFG_REQUESTS_H

struct skt_netcfg_helper;

/* Does what a line asks for (it is taken apart), as far as the configuration named it; the text is set. */
int skt_netcfg_requests_do(struct skt_netcfg_helper *h, char *line);

#endif
