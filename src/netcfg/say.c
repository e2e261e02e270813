/* SPDX-License-Identifier: MIT */
#include "netcfg/say.h"

#include "base/err.h"
#include "netcfg/state.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void make_plain(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ')
            *text = ' ';
}

void skt_netcfg_say_nothing(struct skt_netcfg_helper *h)
{
    h->passing = false;
    h->text[0] = '\0';
}

int skt_netcfg_say(struct skt_netcfg_helper *h, int err, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(h->text, sizeof h->text, fmt, args);
    va_end(args);
    make_plain(h->text);
    if (err == SKT_ERR_NOMEM)
        h->passing = true;
    return err;
}

int skt_netcfg_say_errno(struct skt_netcfg_helper *h, int err, const char *fmt, ...)
{
    int error = errno;
    va_list args;
    va_start(args, fmt);
    vsnprintf(h->text, sizeof h->text, fmt, args);
    va_end(args);
    size_t len = strlen(h->text);
    snprintf(h->text + len, sizeof h->text - len, ": %s", strerror(error));
    make_plain(h->text);
    if (skt_err_is_passing(error))
        h->passing = true;
    return err;
}

/* What nft and others say of themselves, as they have no exit status for it. */
static bool tells_of_passing(const char *text)
{
    static const int errors[] = {ENOMEM, EAGAIN, EINTR, ENOBUFS, EBUSY};
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (strstr(text, strerror(errors[i])))
            return true;
    return strstr(text, "ended by signal 9") != NULL; /* the kernel has taken its memory */
}

int skt_netcfg_say_tool(struct skt_netcfg_helper *h, int err, const char *what, const char *text)
{
    if (tells_of_passing(text))
        h->passing = true;
    return skt_netcfg_say(h, err, "%s: %s", what, text);
}
