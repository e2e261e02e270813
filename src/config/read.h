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

/* One mistake. */
struct config_problem {
    unsigned line; /* in the file, from 1; 0: nobody knows */
    char *where;   /* "proxy_client.skcp_remote_servers[2].port" */
    char *text;    /* "<file>: <where>: expected ..., got ..."; NULL: said by another one */
};

struct config_reader {
    const struct skt_sandbox *box; /* that L is of */
    lua_State *L;
    struct skt_config *conf;
    const char *file; /* as messages name it */
    const char *text; /* what it holds, to find lines in it */
    size_t text_len;
    struct config_problem *problems; /* found so far */
    size_t problem_count;
    bool no_memory; /* nothing is read any more */
    size_t where_len;
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
    REQUIRED = 1,
    SECRET = 2,        /* the value is never shown */
    NOT_YET = 4,       /* known, but not in this version: refused */
    NAMES_ANY = 8,     /* of a table: unknown fields are the script's own (custom modes) */
    ZERO_DEFAULT = 16, /* 0 and less stand for the default, as the original had it: with a warning */
    LIVE = 32, /* a reload takes it over (config/diff.h); all else takes a restart, and the reload says so */
    LIVE_BUILT_IN = 64 /* the same, but a script of one's own has read it from skt.conf at its start */
};

struct config_field {
    const char *name;
    config_read_fn *read;
    size_t offset, size; /* where in the object, and bytes of it; size 0: the reader knows, offset is 0 */
    unsigned scope;      /* 0: everywhere */
    unsigned flags;
    double min, max; /* numbers: the range */
    double preset;   /* numbers: the default; of all else it is zero bytes */
};

/* Reads the table on top of the stack into the object at `base`: every field of the list that belongs to
 * `scope`; unknown ones fail. */
void skt_config_read_table(struct config_reader *r, const struct config_field *fields, unsigned scope,
                           void *base, unsigned flags);

/* Gives the numbers of the object at `base` their defaults. */
void skt_config_preset(const struct config_field *fields, void *base);

/* Does the table on top of the stack hold the named field? */
bool skt_config_has(struct config_reader *r, const char *name);

/* Calls fn with the value on top of the stack as its own; the stack is as it was afterwards. False: it
 * failed, and what is wrong was noted. */
bool skt_config_try(struct config_reader *r, void (*fn)(struct config_reader *r, void *arg), void *arg);

/* Notes "<file>: <where>: <text>", unless something was said of this place or of one inside it already (it
 * would be the same mistake again), and ends the reading of this value. */
void skt_config_fail(struct config_reader *r, const char *fmt, ...)
    __attribute__((noreturn, format(printf, 2, 3)));

/* What is wrong at this place was said at another one. */
void skt_config_note_silently(struct config_reader *r);

/* Ends it with "expected <what>, got <the value on top of the stack>". */
void skt_config_fail_got(struct config_reader *r, const struct config_field *f, const char *what)
    __attribute__((noreturn));
void skt_config_fail_memory(struct config_reader *r) __attribute__((noreturn));

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

/* The types. */
config_read_fn skt_config_read_string, skt_config_read_integer, skt_config_read_number, skt_config_read_bool,
    skt_config_read_speed_mode, skt_config_read_permille, skt_config_read_rate, skt_config_read_strings,
    skt_config_read_key, skt_config_read_port_range, skt_config_read_cipher, skt_config_read_redundancy,
    skt_config_read_ticket, skt_config_read_log_level, skt_config_read_size, skt_config_read_skip;
/* Those of lists, into the mode's table; and of a switch that is kept the other way round (config/tables.c).
 */
config_read_fn skt_config_read_tickets, skt_config_read_listeners, skt_config_read_targets,
    skt_config_read_tun_offload;
config_read_fn skt_config_read_relay; /* config/read_relay.c */

/* "host:port", "[v6]:port": config/types.c. */
void skt_config_parse_host_port(struct config_reader *r, const struct config_field *f, char **host,
                                uint16_t *port);

/* Has the field the same value in the objects at a and b? True for what is no value of its own: entries,
 * other modes' tables (config/diff.c). */
bool skt_config_same_field(const struct config_field *f, const void *a, const void *b);

/* The tables (config/tables.c). */
extern const struct config_field skt_config_entry_fields[];
extern const struct config_field skt_config_ticket_fields[];
extern const struct config_field skt_config_listener_fields[];
extern const struct config_field skt_config_top_fields[];
extern const struct config_field skt_config_mode_fields[];

/* The distance between two words: single letters added, left out, changed or swapped with the next. */
unsigned skt_config_edit_distance(const char *a, const char *b);

#endif
