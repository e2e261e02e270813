/* SPDX-License-Identifier: MIT */
/* Numbers for people. */
#ifndef SKT_BASE_FORMAT_H
#define SKT_BASE_FORMAT_H

enum { SKT_FORMAT_MAX = 32 }; /* room for a formatted number, the end included */

/* 1234567 bytes: "1.2 MB"; returns buf. */
const char *skt_format_bytes(double bytes, char buf[SKT_FORMAT_MAX]);

/* 3725 s: "1h02m"; returns buf. */
const char *skt_format_duration(double seconds, char buf[SKT_FORMAT_MAX]);

#endif
