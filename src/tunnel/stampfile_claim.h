/* SPDX-License-Identifier: MIT */
/* Which of the files of stamps is ours: processes that serve one psk have a file each, which a lock holds for
 * them; those that nobody has any more go to the next that starts. */
#ifndef SKT_TUNNEL_STAMPFILE_CLAIM_H
#define SKT_TUNNEL_STAMPFILE_CLAIM_H

#include "io/statefile.h"
#include "proto/keys/stampcache.h"

#include <stdbool.h>

enum {
    SKT_STAMPFILE_CLAIMS_MAX =
        8, /* processes with the same psk on a machine; the next one keeps nothing, and says so */
    SKT_STAMPFILE_PATH_MAX = 512, /* bytes of a file's path, the end included */
};

struct skt_stampfile_claim {
    int fds[SKT_STAMPFILE_CLAIMS_MAX]; /* files that are locked by us; -1: not there, or another process's */
    int own;                           /* the index of the one that is ours from now on; -1: none */
};

/* Restores what every process's file holds, and takes the first free one: true, with its path; or why not. To
 * be released in any case. */
bool skt_stampfile_claim(struct skt_stampfile_claim *c, const char *base, struct skt_stampcache *cache,
                         const struct skt_stamp_clock *now, char path[SKT_STAMPFILE_PATH_MAX],
                         char why[SKT_STATEFILE_WHY_MAX]);

/* Closes all of them; remove_others: and removes those that nobody has, which ours holds all of. */
void skt_stampfile_release(struct skt_stampfile_claim *c, const char *base, bool remove_others);

#endif
