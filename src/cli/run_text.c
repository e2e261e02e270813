/* SPDX-License-Identifier: MIT */
#include "cli/run_text.h"

#include "base/wipe.h"
#include "cli/cli.h"
#include "cli/run.h"
#include "cli/tools.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int skt_run_text_exec(const char *name, const char *text, size_t len)
{
    int fds[2];
    char number[16];
    if (pipe(fds) != 0 || write(fds[1], text, len) != (ssize_t)len)
        return skt_cli_failure("%s: %s", name, strerror(errno));
    close(fds[1]);
    snprintf(number, sizeof number, "%d", fds[0]);
    execl(skt_tools_program(), "skcptun", "--text", name, number, (char *)NULL);
    return skt_cli_failure("%s: %s", skt_tools_program(), strerror(errno));
}

int skt_run_text(const char *name, const char *fd)
{
    static char text[SKT_RUN_TEXT_MAX];
    size_t len = 0;
    ssize_t n = 1;
    int from = atoi(fd);
    while (n > 0 && len < sizeof text) {
        n = read(from, text + len, sizeof text - len);
        len += n > 0 ? (size_t)n : 0;
    }
    if (n < 0)
        return skt_cli_failure("--text: %s", strerror(errno));
    close(from);
    int status = skt_run(&(struct skt_run_source){.path = name, .text = text, .text_len = len});
    skt_wipe(text, sizeof text);
    return status;
}
