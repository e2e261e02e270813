/* SPDX-License-Identifier: MIT */
/* The closed environment that a configuration runs in: string, table, math, os.getenv and the harmless basic
 * functions; a limit of memory and of instructions; memory is wiped when it is given back, as it held
 * passwords. */
#ifndef SKT_CONFIG_SANDBOX_H
#define SKT_CONFIG_SANDBOX_H

#include <lua.h>

#include <stdbool.h>
#include <stddef.h>

enum {
    SKT_SANDBOX_UNSET_MAX =
        8, /* variables that warnings name: who has forgotten quotes mends the first ones */
    SKT_SANDBOX_NAME_LEN = 40, /* letters of such a name in a line */
};

struct skt_sandbox {
    lua_State *L;    /* NULL: not open */
    size_t used_len; /* bytes of memory in use */
    long steps_left; /* of SKT_SANDBOX_STEP instructions */
    struct {
        char name[SKT_SANDBOX_NAME_LEN + 1]; /* cut off there */
        int line;                            /* in the file, from 1 */
    } unset[SKT_SANDBOX_UNSET_MAX]; /* variables that were read and that nobody has set: nil; the first ones
                                     */
    size_t unset_count;             /* of `unset` */
};

enum {
    SKT_SANDBOX_MEMORY = 32 * 1024 * 1024, /* bytes: four lists of 1,024 items with 1 KB each are 4 MB */
    SKT_SANDBOX_STEP = 10000,              /* instructions between two looks at the limit */
    SKT_SANDBOX_STEPS = 10000,             /* a hundred million instructions: about a second */
};

/* SKT_ERR_NOMEM. */
int skt_sandbox_open(struct skt_sandbox *box);
void skt_sandbox_close(struct skt_sandbox *box);

/* Runs a text chunk (binary ones are refused) whose messages name it `name`. On success the environment table
 * is on top of the stack; else SKT_ERR_ARG with the message there, or SKT_ERR_NOMEM with a text. */
int skt_sandbox_run(struct skt_sandbox *box, const char *text, size_t len, const char *name);

/* Runs a text and pushes the one value that it returns, or the error's message. SKT_OK; SKT_ERR_ARG,
 * SKT_ERR_NOMEM. */
int skt_sandbox_eval(const struct skt_sandbox *box, const char *text, size_t len, const char *name);

#endif
