/* SPDX-License-Identifier: MIT */
/* The status page, src/cli/page.html, as cmake/EmbedPage.cmake puts it into the program. */
#ifndef SKT_CLI_PAGE_H
#define SKT_CLI_PAGE_H

#include <stddef.h>

extern const char skt_cli_page[];
extern const size_t skt_cli_page_len;

/* The lines of the header that let the page run what it has, and nothing else, and say how it is packed. */
extern const char skt_cli_page_policy[];

#endif
