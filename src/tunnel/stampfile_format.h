/* SPDX-License-Identifier: MIT */
/* What is in a file of stamps (stampfile.h): a header that says how far it can be trusted, and the records.
 */
#ifndef SKT_TUNNEL_STAMPFILE_FORMAT_H
#define SKT_TUNNEL_STAMPFILE_FORMAT_H

#include "proto/keys/stampcache.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    SKT_STAMPFILE_RECORD_LEN = SKT_STAMP_KEY_LEN + 2 + 4,
    SKT_STAMPFILE_HEADER_LEN = 56 + SKT_STAMP_RANGES * 8,
};

/* Flags of the header. */
enum {
    SKT_STAMPFILE_CLEAN = 1, /* the process ended well: what it has answered is all in the file */
    SKT_STAMPFILE_LOST = 2,  /* what was answered is not all in it */
};

/* Takes over what an open file holds, and how far it can be trusted: where it can't, the cache refuses what
 * is stamped before now, or before this boot. */
void skt_stampfile_restore(int fd, struct skt_stampcache *cache, const struct skt_stamp_clock *now);

/* Writes the header at the beginning of the file, and leaves its position at the end. flags: as above. False
 * with errno. */
bool skt_stampfile_write_header(int fd, const struct skt_stampcache *cache, uint8_t flags);

/* Writes all of the cache behind what is there. False with errno. */
bool skt_stampfile_write_records(int fd, const struct skt_stampcache *cache);

void skt_stampfile_encode(const struct skt_stamp *stamp, uint8_t out[SKT_STAMPFILE_RECORD_LEN]);

#endif
