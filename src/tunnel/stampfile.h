/* SPDX-License-Identifier: MIT */
/* Keeps the handshake replay cache over a restart: a header, then one record appended for each accepted
 * stamp, so that a killed process loses nothing. Where the file can't be trusted (another boot without a
 * clean end, or gone with a file system in memory) stamps from before that boot are refused instead. */
#ifndef SKT_TUNNEL_STAMPFILE_H
#define SKT_TUNNEL_STAMPFILE_H

#include "proto/stampcache.h"

#include <stdint.h>

struct skt_stampfile;

/* Opens or creates the file (its folder, too), restores what it holds into cache and sets the cache's floor.
 * Never fails for good: where nothing can be kept *out is NULL, a warning is logged, and stamps before now_ms
 * are refused. path NULL means that. */
void skt_stampfile_open(struct skt_stampfile **out, const char *path, struct skt_stampcache *cache,
                        uint64_t now_ms);

/* Appends a stamp that the cache has accepted. NULL is allowed. */
void skt_stampfile_append(struct skt_stampfile *f, const struct skt_stamp *stamp);

/* Marks a clean end and closes. NULL is allowed. */
void skt_stampfile_close(struct skt_stampfile *f);

#endif
