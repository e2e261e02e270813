/* SPDX-License-Identifier: MIT */
/* Where the status sockets are: /run/skcptun (base/folders.h), or for processes that may not write there
 * $XDG_RUNTIME_DIR/skcptun, or /tmp/skcptun-UID. */
#ifndef SKT_CLI_STATUS_PATH_H
#define SKT_CLI_STATUS_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/un.h>

enum {
    SKT_STATUS_PATH_MAX = sizeof(((struct sockaddr_un *)0)->sun_path), /* the end included */
    SKT_STATUS_FOLDERS = 3, /* places where a socket may be, in this order */
};

/* The folder of number i < SKT_STATUS_FOLDERS into buf; SKT_ERR_NOTFOUND where there is no such folder for
 * this user, SKT_ERR_FULL where its name is too long. */
int skt_status_folder(int i, char buf[SKT_STATUS_PATH_MAX]);

/* The socket of an instance of this name in the default folder, into buf. SKT_ERR_FULL: the name is too long.
 */
int skt_status_default(const char *name, char buf[SKT_STATUS_PATH_MAX]);

/* Is it a socket in the default folder? Its name is the program's choice then. */
bool skt_status_is_default(const char *wanted);

/* The path at which a socket is to be made: `wanted` (the configuration's status_socket), and where that is
 * the default and can't be written to, the same name in the next folder that can. Makes the folder.
 * SKT_ERR_IO (errno), SKT_ERR_FULL (too long for a socket). */
int skt_status_place(const char *wanted, char buf[SKT_STATUS_PATH_MAX]);

/* The path at which a socket of `wanted` is now: `wanted` itself, or one of the places above.
 * SKT_ERR_NOTFOUND. */
int skt_status_locate(const char *wanted, char buf[SKT_STATUS_PATH_MAX]);

#endif
