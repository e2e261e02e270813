/* SPDX-License-Identifier: MIT */
/* What the commands of skcptun itself say with --help: texts that a device which only carries traffic need
 * not have. */
#ifndef SKT_TOOLS_HELP_H
#define SKT_TOOLS_HELP_H

/* The text of `skcptun NAME --help` behind the usage line; NULL: it is not here. */
const char *skt_help_of(const char *name);

#endif
