/* SPDX-License-Identifier: MIT */
#include "base/err.h"

#include <errno.h>

const char *skt_err_str(int err)
{
    switch (err) {
    case SKT_OK:
        return "ok";
    case SKT_ERR_NOMEM:
        return "out of memory";
    case SKT_ERR_ARG:
        return "invalid argument";
    case SKT_ERR_TRUNCATED:
        return "truncated";
    case SKT_ERR_MALFORMED:
        return "malformed";
    case SKT_ERR_AUTH:
        return "authentication failed";
    case SKT_ERR_REPLAY:
        return "replayed";
    case SKT_ERR_AGAIN:
        return "would block";
    case SKT_ERR_FULL:
        return "full";
    case SKT_ERR_CLOSED:
        return "closed";
    case SKT_ERR_NOTFOUND:
        return "not found";
    case SKT_ERR_CRYPTO:
        return "cryptographic library failure";
    case SKT_ERR_IO:
        return "system call failed";
    case SKT_ERR_VERSION:
        return "protocol version not supported";
    case SKT_ERR_LIMIT:
        return "key usage limit reached";
    default:
        return "unknown error";
    }
}

bool skt_err_is_passing(int error)
{
    switch (error) {
    case ENOMEM:
    case EAGAIN:
    case EINTR:
    case ENOBUFS:
    case EBUSY:
    case EMFILE:
    case ENFILE:
    case ENOSPC:
    case EDQUOT:
        return true;
    default:
        return false;
    }
}
