/* SPDX-License-Identifier: MIT */
/* How the configuration's tables are read: tables of fields say name, type, place, range and where a field
 * belongs; the readers of the types say what is wrong. A reader that fails ends by lua_error, which
 * skt_config_try catches: the next field is read all the same, so that one run finds every mistake. What is
 * allocated hangs on the configuration before anything can fail. */
#ifndef SKT_CONFIG_READ_H
#define SKT_CONFIG_READ_H

#include "config/config.h"
#include "config/sandbox.h"

#include <lua.h>

struct config_problem; /* config/problem.h */

struct config_reader {
    const struct skt_sandbox *box;      /* that L is of */
    lua_State *L;                       /* what the file has left is on its stack */
    struct skt_config *conf;            /* that is filled */
    const struct skt_config_opener *by; /* opens the files that it names; NULL: open(2) */
    const char *file;                   /* as messages name it */
    const char *text;                   /* what the file holds, to find lines in it */
    size_t text_len;                    /* of `text` */
    struct config_problem *problems;    /* found so far */
    size_t problem_count;               /* of `problems` */
    bool no_memory;                     /* nothing is read any more */
    bool in_tickets_file;               /* `file` and `text` are those of tickets_file */
    size_t where_len;                   /* of `where`, without the end */
    char where[256]; /* the place that is read now: "proxy_client.skcp_remote_servers[2].port" */
};

struct config_field;

/* Reads the value on top of the stack (not nil) into `at`; leaves the stack as it was. */
typedef void config_read_fn(struct config_reader *r, const struct config_field *f, void *at);

/* What a field's table belongs to, a set. */
enum config_scope {
    IN_PROXY_CLIENT = 1 << SKT_CONFIG_PROXY_CLIENT,
    IN_PROXY_SERVER = 1 << SKT_CONFIG_PROXY_SERVER,
    IN_TUN_CLIENT = 1 << SKT_CONFIG_TUN_CLIENT,
    IN_TUN_SERVER = 1 << SKT_CONFIG_TUN_SERVER,
    IN_CUSTOM = 1 << SKT_CONFIG_CUSTOM,
    IN_PROXY = IN_PROXY_CLIENT | IN_PROXY_SERVER,
    IN_TUN = IN_TUN_CLIENT | IN_TUN_SERVER,
    IN_CLIENTS = IN_PROXY_CLIENT | IN_TUN_CLIENT | IN_CUSTOM,
    IN_SERVERS = IN_PROXY_SERVER | IN_TUN_SERVER | IN_CUSTOM,
    IN_ALL = IN_PROXY | IN_TUN | IN_CUSTOM,
    IN_SERVER_ENTRY = 1 << 8,
    IN_REMOTE_ENTRY = 1 << 9,
    IN_ENTRIES = IN_SERVER_ENTRY | IN_REMOTE_ENTRY,
};

enum config_flag {
    REQUIRED = 1,      /* must be there */
    SECRET = 2,        /* the value is never shown */
    NOT_YET = 4,       /* known, but not in this version: refused */
    NAMES_ANY = 8,     /* of a table: unknown fields are the script's own (custom modes) */
    ZERO_DEFAULT = 16, /* 0 and less stand for the default, as the original had it: with a warning */
    LIVE = 32, /* a reload takes it over (config/diff.h); all else takes a restart, and the reload says so */
    LIVE_BUILT_IN = 64 /* a reload takes it over, unless a script of one's own runs: it has read it from
                          skt.conf at its start */
};

struct config_field {
    const char *name;     /* as it is written in the file */
    config_read_fn *read; /* its type */
    uint16_t offset;      /* of its place in the object; 0 where size is 0 */
    uint16_t size;        /* bytes of its place; 0: the reader knows where to put it */
    uint16_t scope;       /* tables that it stands in (enum config_scope); 0: in all that use the list */
    uint16_t flags;       /* of enum config_flag */
    double min;           /* numbers: the least; texts: 1 where they may not be empty */
    double max;           /* numbers: the greatest */
    double preset;        /* numbers: the default; of all else it is zero bytes */
};

/* Reads the table on top of the stack into the object at `base`: every field of the list that belongs to
 * `scope`; unknown ones fail. */
void skt_config_read_table(struct config_reader *r, const struct config_field *fields, unsigned scope,
                           void *base, unsigned flags);

/* Does the field stand in tables of this scope? */
bool skt_config_belongs(const struct config_field *f, unsigned scope);

/* Does the table on top of the stack hold the named field? */
bool skt_config_has(struct config_reader *r, const char *name);

/* Adds to what messages call the place: ".name", "[3]"; returns what skt_config_leave gets. */
size_t skt_config_enter(struct config_reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void skt_config_leave(struct config_reader *r, size_t mark);

/* Adds a line to the warnings, unless it is there already. */
void skt_config_warn(struct config_reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The same for the place that is read now: "<where>: <text> (line <n>)". */
void skt_config_warn_here(struct config_reader *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* A copy of the string on top of the stack, without a zero in it, or a failure. */
char *skt_config_take_string(struct config_reader *r, const struct config_field *f);
void skt_config_set_string(struct config_reader *r, char **at, const char *value);

/* Grows a list of `*count` items by one, zeroed, which it returns; fails above SKT_CONFIG_LIST_MAX. */
void *skt_config_append(struct config_reader *r, void *items, size_t *count, size_t item_len);

/* The items of the list on top of the stack, one after the other: pushes item i (from 1) and returns true, or
 * pushes nothing and returns false at the end. Keys that are no list's fail. */
void skt_config_check_list(struct config_reader *r, const struct config_field *f, const char *what);
bool skt_config_list_item(struct config_reader *r, lua_Integer i);

#endif
