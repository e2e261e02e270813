/* SPDX-License-Identifier: MIT */
/* In the helper: the name server file where nobody else owns it. It is written anew, with what was there kept
 * beside it (PATH.skcptun), so that it also outlasts a power cut. In the journal: "dns-file PATH". */
#ifndef SKT_NETCFG_DNS_FILE_H
#define SKT_NETCFG_DNS_FILE_H

#include "base/ipnet.h"

#include <stddef.h>

struct skt_netcfg_helper;

/* A file's text (to be freed), or NULL with errno. */
char *skt_netcfg_dns_file_read(const char *path);

/* Writes these servers; lines of the original about other things stay. An error has the text set. */
int skt_netcfg_dns_file_set(struct skt_netcfg_helper *h, const struct skt_ipnet *servers, size_t n);

/* Writes them again where somebody else has written the file since. 1, 0, or negative with the text set. */
int skt_netcfg_dns_file_restore(struct skt_netcfg_helper *h);

/* Finds a file that an earlier run with this journal changed and could not put back (the machine was switched
 * off), and puts it back. */
void skt_netcfg_dns_file_recover(struct skt_netcfg_helper *h);

/* The undoer: what is kept beside the file goes back, unless somebody else has written it since. Where that
 * is empty there was no file. */
int skt_netcfg_dns_file_undo(struct skt_netcfg_helper *h, const char *rest);

#endif
