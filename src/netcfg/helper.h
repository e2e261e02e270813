/* SPDX-License-Identifier: MIT */
/* The helper process of netcfg/netcfg.h as a whole. Above the others: requests.h, again.h and watch.h change
 * the system by the kinds of changes (route.h ... script.h), and these stand on undo.h, owed.h, say.h and the
 * journal. */
#ifndef SKT_NETCFG_HELPER_H
#define SKT_NETCFG_HELPER_H

/* The role by which the program becomes one (io/child.h). */
#define SKT_NETCFG_ROLE "network"

/* The helper's whole life: reads what it may do and whether to begin, answers whether it could, then serves
 * requests until the other end is closed, and undoes everything. */
void skt_netcfg_helper_run(int fd);

#endif
