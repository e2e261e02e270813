/* SPDX-License-Identifier: MIT */
#include "cli/status_fetch.h"

#include "base/err.h"
#include "cli/cli.h"
#include "cli/status_path.h"
#include "cli/status_socket.h"
#include "io/sockaddr.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_MAX = 64 * 1024 * 1024 };

static int connect_to(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    size_t path_len = strlen(path);
    if (path_len >= sizeof addr.sun_path)
        return SKT_ERR_NOTFOUND;
    memcpy(addr.sun_path, path, path_len);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0)
        return SKT_ERR_IO;
    int err = skt_fd_prepare(fd);
    if (err == SKT_OK && connect(fd, (struct sockaddr *)&addr, sizeof addr) != 0) {
        if (errno == ENOENT || errno == ECONNREFUSED)
            err = SKT_ERR_NOTFOUND;
        else
            err = errno == EAGAIN ? SKT_ERR_AGAIN : SKT_ERR_IO;
    }
    if (err == SKT_OK)
        return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return err;
}

static int wait_readable(int fd, double deadline)
{
    double left = deadline - skt_cli_now();
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int n = left > 0 ? poll(&p, 1, (int)(left * 1000) + 1) : 0;
    if (n == 0)
        return SKT_ERR_AGAIN;
    return n > 0 || errno == EINTR ? SKT_OK : SKT_ERR_IO;
}

int skt_status_ask(const char *path, const char *question, int timeout_ms, char **text, size_t *len)
{
    double deadline = skt_cli_now() + timeout_ms / 1e3;
    size_t cap = 0, n = 0;
    char *buf = NULL;
    int fd = connect_to(path);
    int err = fd < 0 ? fd : SKT_OK;
    if (fd >= 0 && write(fd, question, strlen(question)) < 0 && errno == EPIPE)
        err = SKT_ERR_NOTFOUND; /* what else is wrong shows in reading */
    while (err == SKT_OK) {
        if (cap - n < 4096) {
            cap = cap ? 2 * cap : 16384;
            char *larger = cap <= ANSWER_MAX ? realloc(buf, cap) : NULL;
            if (!larger) {
                err = cap <= ANSWER_MAX ? SKT_ERR_NOMEM : SKT_ERR_MALFORMED;
                break;
            }
            buf = larger;
        }
        ssize_t got = read(fd, buf + n, cap - n - 1);
        /* One of an earlier version reads no question, and its end of the line breaks behind the answer. */
        if (got == 0 || (got < 0 && errno == ECONNRESET && n > 0))
            break;
        if (got > 0)
            n += (size_t)got;
        else if (errno == EAGAIN || errno == EINTR)
            err = wait_readable(fd, deadline);
        else
            err = SKT_ERR_IO;
    }
    if (fd >= 0)
        close(fd);
    if (err < 0) {
        free(buf);
        return err;
    }
    buf[n] = 0;
    *text = buf;
    *len = n;
    return SKT_OK;
}

int skt_status_fetch(const char *path, int timeout_ms, char **text, size_t *len)
{
    return skt_status_ask(path, SKT_STATUS_PLAIN, timeout_ms, text, len);
}
