/* SPDX-License-Identifier: MIT */
/* A client's settings as one line, to hand on by a message or a QR code (doc/uri.md):
 *   skcptun://key:BASE64URL@HOST:PORT?ticket=...&server_key=...#NAME
 * after RFC 3986. It holds the secrets themselves. */
#ifndef SKT_TOOLS_URI_H
#define SKT_TOOLS_URI_H

#include <stdbool.h>
#include <stddef.h>

enum {
    SKT_URI_TEXT = 1024, /* room for one part, the end included */
    SKT_URI_MAX = 4096,  /* room for a whole one: a QR code ends at 2,953 bytes */
};

/* Texts are "" where there are none. All are UTF-8 without a zero byte. */
struct skt_uri {
    bool tun; /* TUN mode, else TCP mode */
    char password[SKT_URI_TEXT];
    char key[48];                         /* 44 characters of base64; this or a password */
    char host[256], port[16];             /* the port may be a range */
    char ticket[33];                      /* 32 bytes */
    char server_key[48];                  /* 44 characters of base64 */
    char speed[4];                        /* skcp_speed_mode */
    char listen_host[64], listen_port[8]; /* TCP mode: where the client listens */
    char target[256];                     /* TCP mode: the server's target that it asks for */
    char tun_ip[32], tun_mask[32];        /* TUN mode */
    char name[SKT_URI_TEXT];              /* what people call it */
};

/* Writes the URI and its end to buf. False where it does not fit. */
bool skt_uri_write(const struct skt_uri *uri, char *buf, size_t cap);

/* Reads one; white space around it is let be. True, or false with *why saying what is wrong (static). What is
 * not known in its query is passed over, as later versions may have more. */
bool skt_uri_read(const char *text, struct skt_uri *out, const char **why);

#endif
