/* SPDX-License-Identifier: MIT */
#include "tools/qr.h"

#ifdef SKT_HAVE_QRENCODE

#include <qrencode.h>

/* Light modules around the code; the standard asks for four, and every reader tried is content with two. */
enum { QUIET = 2 };

static bool is_dark(const QRcode *code, int x, int y)
{
    return x >= 0 && y >= 0 && x < code->width && y < code->width && (code->data[y * code->width + x] & 1);
}

bool skt_qr_is_there(void)
{
    return true;
}

bool skt_qr_print(FILE *out, const char *text)
{
    /* L, the least correction: a screen is clean, and a smaller code has larger modules. */
    QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);
    if (!code)
        return false;
    /* Two modules a character: foreground black, background white, the block says which half is dark. */
    static const char *const blocks[2][2] = {{" ", "\xe2\x96\x84"}, {"\xe2\x96\x80", "\xe2\x96\x88"}};
    for (int y = -QUIET; y < code->width + QUIET; y += 2) {
        fputs("\033[38;5;16;48;5;231m", out);
        for (int x = -QUIET; x < code->width + QUIET; x++)
            fputs(blocks[is_dark(code, x, y)][is_dark(code, x, y + 1)], out);
        fputs("\033[0m\n", out);
    }
    QRcode_free(code);
    return true;
}

#else

bool skt_qr_is_there(void)
{
    return false;
}

bool skt_qr_print(FILE *out, const char *text)
{
    (void)out;
    (void)text;
    return false;
}

#endif
