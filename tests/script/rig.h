/* SPDX-License-Identifier: MIT */
/* Instances in one process on one loop, real sockets on loopback, and the log in a file that tests can read.
 */
#ifndef SKT_TESTS_LUA_RIG_H
#define SKT_TESTS_LUA_RIG_H

#include "script/app.h"

#include <stdbool.h>
#include <stdint.h>

#define RIG_TICKET "0123456789abcdef0123456789abcdef"

struct rig {
    struct skt_loop *loop;
    char dir[64]; /* for configurations, scripts and the log */
};

struct rig_app {
    struct skt_config *conf;
    struct skt_script *app;
};

/* For cmocka's setup and teardown; *state is the rig. */
int rig_setup(void **state);
int rig_teardown(void **state);

/* A TCP and UDP port of loopback that is free now. */
uint16_t rig_port(void);

/* Makes and starts an instance from the text of a configuration (named after `name`). */
void rig_start(struct rig *rig, struct rig_app *a, const char *name, const char *text);

/* What SIGHUP does, with this text. */
void rig_reload(struct rig_app *a, const char *text);

/* The same, where the start is expected to fail with err. */
void rig_start_fails(struct rig *rig, const char *name, const char *text, char *err, size_t err_cap);
void rig_stop(struct rig_app *a);

/* The instance that tests/script/scripts run in: a custom mode with a listener, a server entry, and remote
 * entries to it, one with a good ticket and one that the server will not like. `secret` is the entries'
 * password or key as the configuration has it. */
void rig_start_script(struct rig *rig, struct rig_app *a, const char *secret, const char *script);

/* The text of its configuration. */
void rig_script_config(const char *secret, const char *script, char *text, size_t cap);

/* Runs a script until it logs PASS; nothing may go wrong. */
void rig_run_script(struct rig *rig, const char *script, unsigned limit_ms);

/* Writes a file into the rig's folder. */
void rig_write(struct rig *rig, const char *name, const char *text);

/* What is waited for is given up after so many times what it should take: a busy machine is no failure. The
 * waits for the log below add it themselves. */
enum { RIG_GUARD = 20 };

/* Runs the loop until done(user) or the limit; false: the limit. */
bool rig_run(struct rig *rig, bool (*done)(void *user), void *user, unsigned limit_ms);

/* Runs the loop until the log holds the text. */
bool rig_wait_log(struct rig *rig, const char *text, unsigned limit_ms);

/* Until it holds it so often. */
bool rig_wait_count(struct rig *rig, const char *text, unsigned count, unsigned limit_ms);

/* How often the text is in the log so far. */
unsigned rig_count_log(struct rig *rig, const char *text);
void rig_show_log(struct rig *rig);

#endif
