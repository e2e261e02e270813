/* SPDX-License-Identifier: MIT */
#include "tools/lua_text.h"

#include <string.h>

void skt_lua_string(FILE *out, const char *text)
{
    fputc('"', out);
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p == '"' || *p == '\\')
            fprintf(out, "\\%c", *p);
        else if (*p < 0x20 || *p == 0x7f)
            fprintf(out, "\\%03d", *p);
        else
            fputc(*p, out);
    }
    fputc('"', out);
}

void skt_lua_text(FILE *out, const char *indent, const char *field, const char *text)
{
    fprintf(out, "%s%s = ", indent, field);
    skt_lua_string(out, text);
    fputc(',', out);
}

void skt_lua_port(FILE *out, const char *indent, const char *field, const char *port)
{
    fprintf(out, strchr(port, '-') ? "%s%s = \"%s\"," : "%s%s = %s,", indent, field, port);
}
