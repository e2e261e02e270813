/* SPDX-License-Identifier: MIT */
#include "tools/secret.h"

#include "base/wipe.h"
#include "cli/cli.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int mistake(const char *where, const char *what)
{
    fprintf(stderr, "skcptun: %s: %s\n", where, what);
    return SKT_EXIT_USAGE;
}

static int read_file(const char *path, char secret[SKT_SECRET_MAX])
{
    struct stat st;
    const char *wrong = skt_secret_first_line(open(path, O_RDONLY | O_CLOEXEC), secret, &st);
    if (wrong)
        return mistake(path, wrong);
    if (S_ISREG(st.st_mode) && (st.st_mode & 077) != 0)
        fprintf(stderr, "skcptun: warning: %s holds a secret and can be read by others: chmod 600\n", path);
    return SKT_EXIT_OK;
}

static int read_variable(const char *variable, char secret[SKT_SECRET_MAX], bool *found)
{
    char *value = getenv(variable);
    size_t len = value ? strlen(value) : 0;
    if (len == 0)
        return SKT_EXIT_OK;
    if (len >= SKT_SECRET_MAX)
        return mistake(variable, "too long for a secret");
    memcpy(secret, value, len + 1);
    /* What ps and /proc/PID/environ show is this memory. */
    skt_wipe(value, len);
    unsetenv(variable);
    *found = true;
    return SKT_EXIT_OK;
}

int skt_secret_read(const char *file, const char *variable, char secret[SKT_SECRET_MAX], bool *found)
{
    *found = false;
    if (!file)
        return variable ? read_variable(variable, secret, found) : SKT_EXIT_OK;
    int status = read_file(file, secret);
    *found = status == SKT_EXIT_OK;
    return status;
}
