/* SPDX-License-Identifier: MIT */
/* The one set of error codes. A function that can fail returns 0 (or a count) or one of these. */
#ifndef SKT_BASE_ERR_H
#define SKT_BASE_ERR_H

#include <stdbool.h>

enum skt_err {
    SKT_OK = 0,             /* it was done */
    SKT_ERR_NOMEM = -1,     /* allocation failed, or the memory budget is spent */
    SKT_ERR_ARG = -2,       /* the caller broke the contract in a way it can be told */
    SKT_ERR_TRUNCATED = -3, /* input ends before it is complete */
    SKT_ERR_MALFORMED = -4, /* input that no correct peer sends */
    SKT_ERR_AUTH = -5,      /* authentication failed */
    SKT_ERR_REPLAY = -6,    /* authentic, but seen before or too old to tell */
    SKT_ERR_AGAIN = -7,     /* would block: try again after the next event */
    SKT_ERR_FULL = -8,      /* a table, window or buffer has no room */
    SKT_ERR_CLOSED = -9,    /* the object has ended */
    SKT_ERR_NOTFOUND = -10, /* no such object */
    SKT_ERR_CRYPTO = -11,   /* the cryptographic library failed */
    SKT_ERR_IO = -12,       /* a system call failed; errno says why */
    SKT_ERR_VERSION = -13,  /* the peer speaks another protocol version */
    SKT_ERR_LIMIT = -14,    /* a key's usage limit is reached */
};

/* A short lower-case text for an error code, for logs; never NULL. Static storage. */
const char *skt_err_str(int err);

/* Is it an errno of a cause that may be gone a moment later (memory, room, a descriptor, a signal), so that
 * the same call is worth another try? */
bool skt_err_is_passing(int error);

#endif
