/* SPDX-License-Identifier: MIT */
/* A text as a QR code (ISO/IEC 18004) on a terminal, by libqrencode where the program was built with it. */
#ifndef SKT_TOOLS_QR_H
#define SKT_TOOLS_QR_H

#include <stdbool.h>
#include <stdio.h>

/* Was the program built with libqrencode? */
bool skt_qr_is_there(void);

/* Prints the code in half blocks, dark on light whatever the terminal's colours are, with its quiet zone.
 * False where the text is too long for one or there is no memory; nothing is printed then. */
bool skt_qr_print(FILE *out, const char *text);

#endif
