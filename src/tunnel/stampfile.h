/* SPDX-License-Identifier: MIT */
/* Keeps the handshake replay cache over a restart: a header, then one record appended for each accepted
 * stamp, so that a killed process loses nothing. Where the file can't be trusted (another boot without a
 * clean end, records that did not fit on the disk, or gone with a file system in memory) stamps from before
 * are refused instead. Several processes that serve the same psk on one machine have a file each, and each
 * reads them all at its start. */
#ifndef SKT_TUNNEL_STAMPFILE_H
#define SKT_TUNNEL_STAMPFILE_H

#include "proto/keys/stampcache.h"

#include <stdint.h>

struct skt_stampfile;

/* The time by the wall clock that is handed in, and since the machine's start. */
struct skt_stamp_clock skt_stampfile_clock(uint64_t wall_ms);

/* Opens or creates BASE.stamps, or BASE-1.stamps and so on where another process has it (its folder, too),
 * restores what all of them hold into cache, and what it must refuse. Never fails for good: where nothing can
 * be kept *out is NULL, a warning is logged, and stamps before this start are refused. base NULL means
 * that. */
void skt_stampfile_open(struct skt_stampfile **out, const char *base, struct skt_stampcache *cache,
                        const struct skt_stamp_clock *now);

/* Appends a stamp that the cache has accepted. NULL is allowed. */
void skt_stampfile_append(struct skt_stampfile *f, const struct skt_stamp *stamp);

/* Something was answered that no record tells of (by a cookie), or that is long ago: as long as it is on, the
 * next start refuses what is stamped before it. NULL is allowed; cheap where nothing changes. */
void skt_stampfile_set_unsure(struct skt_stampfile *f, bool on);

/* Marks a clean end and closes. NULL is allowed. */
void skt_stampfile_close(struct skt_stampfile *f);

#endif
