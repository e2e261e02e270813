/* SPDX-License-Identifier: MIT */
#include "cli/status_path.h"

#include "base/err.h"
#include "base/folders.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int skt_status_folder(int i, char buf[SKT_STATUS_PATH_MAX])
{
    int n = 0;
    if (i == 0) {
        n = snprintf(buf, SKT_STATUS_PATH_MAX, "%s", SKT_RUN_FOLDER);
    } else if (i == 1) {
        const char *runtime = getenv("XDG_RUNTIME_DIR");
        if (!runtime || runtime[0] != '/')
            return SKT_ERR_NOTFOUND;
        n = snprintf(buf, SKT_STATUS_PATH_MAX, "%s/skcptun", runtime);
    } else if (i == 2) {
        n = snprintf(buf, SKT_STATUS_PATH_MAX, "/tmp/skcptun-%lu", (unsigned long)geteuid());
    } else {
        return SKT_ERR_NOTFOUND;
    }
    return n < SKT_STATUS_PATH_MAX ? SKT_OK : SKT_ERR_FULL;
}

/* Is the folder there, writable, and nobody else's? In /tmp anybody may have made it, or a link by its name.
 */
static bool usable(const char *folder, bool shared_parent)
{
    struct stat st;
    if (lstat(folder, &st) != 0)
        return false;
    if (!shared_parent)
        return access(folder, W_OK | X_OK) == 0;
    if (S_ISDIR(st.st_mode) && st.st_uid == geteuid() && (st.st_mode & 077) == 0)
        return true;
    errno = EACCES;
    return false;
}

static int join(char buf[SKT_STATUS_PATH_MAX], const char *folder, const char *name)
{
    char path[2 * SKT_STATUS_PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (n >= SKT_STATUS_PATH_MAX)
        return SKT_ERR_FULL;
    memcpy(buf, path, (size_t)n + 1);
    return SKT_OK;
}

/* The name of a socket in the default folder, or NULL for one that the user has put elsewhere. */
static const char *default_name(const char *wanted)
{
    const size_t len = sizeof SKT_RUN_FOLDER - 1;
    if (strncmp(wanted, SKT_RUN_FOLDER "/", len + 1) != 0 || strchr(wanted + len + 1, '/'))
        return NULL;
    return wanted + len + 1;
}

static int copy(char buf[SKT_STATUS_PATH_MAX], const char *path)
{
    size_t len = strlen(path);
    if (len >= SKT_STATUS_PATH_MAX)
        return SKT_ERR_FULL;
    memcpy(buf, path, len + 1);
    return SKT_OK;
}

int skt_status_default(const char *name, char buf[SKT_STATUS_PATH_MAX])
{
    int n = snprintf(buf, SKT_STATUS_PATH_MAX, SKT_RUN_FOLDER "/%s.sock", name);
    return n < SKT_STATUS_PATH_MAX ? SKT_OK : SKT_ERR_FULL;
}

bool skt_status_is_default(const char *wanted)
{
    return default_name(wanted) != NULL;
}

int skt_status_place(const char *wanted, char buf[SKT_STATUS_PATH_MAX])
{
    const char *name = default_name(wanted);
    if (!name)
        return copy(buf, wanted);
    char folder[SKT_STATUS_PATH_MAX];
    int err = SKT_ERR_IO;
    for (int i = 0; i < SKT_STATUS_FOLDERS; i++) {
        if (skt_status_folder(i, folder) < 0)
            continue;
        if (mkdir(folder, i == 0 ? 0755 : 0700) != 0 && errno != EEXIST)
            continue;
        if (!usable(folder, i == 2))
            continue;
        err = join(buf, folder, name);
        if (err == SKT_OK)
            return SKT_OK;
    }
    return err;
}

int skt_status_locate(const char *wanted, char buf[SKT_STATUS_PATH_MAX])
{
    const char *name = default_name(wanted);
    if (!name)
        return access(wanted, F_OK) == 0 ? copy(buf, wanted) : SKT_ERR_NOTFOUND;
    char folder[SKT_STATUS_PATH_MAX];
    for (int i = 0; i < SKT_STATUS_FOLDERS; i++)
        if (skt_status_folder(i, folder) == SKT_OK && (i < 2 || usable(folder, true)) &&
            join(buf, folder, name) == SKT_OK && access(buf, F_OK) == 0)
            return SKT_OK;
    return SKT_ERR_NOTFOUND;
}
