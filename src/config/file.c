/* SPDX-License-Identifier: MIT */
#include "config/file.h"

#include "base/err.h"
#include "base/wipe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FILE_MAX_LEN = 16 * 1024 * 1024 }; /* half of what the sandbox may hold (SKT_SANDBOX_MEMORY) */

int skt_config_read_file(int fd, char **text, size_t *len, struct stat *st)
{
    FILE *f = fd >= 0 ? fdopen(fd, "rb") : NULL;
    if (!f) {
        if (fd >= 0)
            close(fd);
        return SKT_ERR_IO;
    }
    int err = SKT_ERR_IO;
    if (fstat(fileno(f), st) != 0)
        goto out;
    if (!S_ISREG(st->st_mode) && !S_ISFIFO(st->st_mode) && !S_ISCHR(st->st_mode)) {
        errno = S_ISDIR(st->st_mode) ? EISDIR : EINVAL;
        goto out;
    }
    size_t cap = S_ISREG(st->st_mode) && st->st_size < FILE_MAX_LEN ? (size_t)st->st_size + 1 : 65536;
    *text = malloc(cap);
    err = *text ? SKT_OK : SKT_ERR_NOMEM;
    *len = *text ? fread(*text, 1, cap, f) : 0;
    if (err == SKT_OK && (ferror(f) || *len == cap)) {
        err = SKT_ERR_IO;
        errno = ferror(f) ? EIO : EFBIG;
    }
    if (err != SKT_OK && *text) {
        skt_wipe(*text, *len);
        free(*text);
    }
out:
    (void)fclose(f);
    return err;
}
