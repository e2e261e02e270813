/* SPDX-License-Identifier: MIT */
/* A small HTTP/1.1 responder in a loop: GET and HEAD of documents that are made when they are asked for, one
 * a connection. Bounded: 8 connections, 4 KiB of a request, 5 s for both; who comes then waits until one of
 * them is through, or has had a second. A request is taken only under a name that nobody else can give this
 * machine (an IP address, "localhost", its host name), so that no page of the web can read what is here by a
 * name that leads to it (DNS rebinding). */
#ifndef SKT_CLI_WEB_H
#define SKT_CLI_WEB_H

#include "base/addr.h"
#include "io/loop.h"

#include <stdio.h>

struct skt_web;

/* What is asked for. */
struct skt_web_request {
    const char *path;   /* from "/" on, without what is behind a "?" */
    const char *accept; /* what the line Accept says; "": nothing */
};

/* What is answered: set by the owner before it writes the body. */
struct skt_web_answer {
    const char *status; /* "200 OK" */
    const char *type;   /* of the body, with its parameters */
    const char *more;   /* further lines of the header, each with its CR LF */
    FILE *body;         /* to write to */
};

/* Listens there. Nobody is answered before skt_web_serve. SKT_ERR_IO (errno), SKT_ERR_NOMEM. */
int skt_web_new(struct skt_web **out, struct skt_loop *loop, const struct skt_addr *addr);

/* From now on `answer` is asked; it fills in and writes the answer, which is "404 Not Found" if it does
 * nothing. */
void skt_web_serve(struct skt_web *w,
                   void (*answer)(void *user, const struct skt_web_request *req, struct skt_web_answer *out),
                   void *user);

/* Ends all connections and closes the socket; NULL is allowed. */
void skt_web_free(struct skt_web *w);

#endif
