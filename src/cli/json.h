/* SPDX-License-Identifier: MIT */
/* Reads what a status socket says, and other programs' settings: values of a JSON text (RFC 8259), found in
 * place. Nothing is allocated; malformed text yields nothing instead of a value. */
#ifndef SKT_CLI_JSON_H
#define SKT_CLI_JSON_H

#include <stdbool.h>
#include <stddef.h>

struct skt_json {
    const char *p, *end; /* the value's text; p is NULL for none */
};

/* The value that a whole text of len bytes is, or none where it is not well formed to its end. */
struct skt_json skt_json_of(const char *text, size_t len);

/* The value at a path of member names, "rtt_ms.last"; none where there is none. */
struct skt_json skt_json_get(struct skt_json value, const char *path);

/* Walks an array's items: *pos starts as {0}; false at the end, or where value is no array. */
bool skt_json_next(struct skt_json value, struct skt_json *pos, struct skt_json *item);

/* The same for an object's members; a name is cut to cap - 1 bytes and its escapes stay as they are. */
bool skt_json_next_member(struct skt_json value, struct skt_json *pos, char *name, size_t cap,
                          struct skt_json *item);

/* A number, or `otherwise`. */
double skt_json_number(struct skt_json value, double otherwise);

/* A string's text, cut to cap - 1 bytes, escapes resolved (those above ASCII and control characters become
 * '?'); "" where it is none. Returns buf. */
const char *skt_json_text(struct skt_json value, char *buf, size_t cap);

/* A string's text exactly, as UTF-8. False where it is none, does not fit into cap with its end, or has a
 * zero byte or half a surrogate pair in it. */
bool skt_json_string(struct skt_json value, char *buf, size_t cap);

#endif
