/* SPDX-License-Identifier: MIT */
/* What the tests of netcfg/netcfg.h play on: a network namespace of the test's own with
 *
 *     eth (192.168.77.2/24, fd77::2/64), default routes by .1      sktt, the tunnel (10.9.0.1/24, fd09::1/64)
 *
 * Both are TUNs whose packets nobody takes. "Who looks" is ip(8), which knows nothing of the code under test.
 */
#ifndef SKT_TESTS_NETCFG_STAGE_H
#define SKT_TESTS_NETCFG_STAGE_H

#include "base/check.h"
#include "base/err.h"
#include "io/run_for.h"
#include "io/tun.h"
#include "netcfg/netcfg.h"

#include <stdbool.h>

enum { SNAPSHOT_MAX = 16384 };

extern struct skt_loop *stage_loop;
extern struct skt_tun *stage_eth, *stage_tunnel;
extern char stage_dir[], stage_journal[64], stage_resolv[64];

/* Enters the namespace and makes the folder; and removes it. */
void stage_enter(void);
int stage_leave(int result);

/* Set-up and tear-down of a test. */
int stage_begin(void **state);
int stage_end(void **state);

/* First thing in a test: skips it where namespaces can't be had. */
void stage_needed(void);

struct skt_tun *stage_open_tun(const char *name, const char *v4, const char *v6);

/* What a command prints; whether that contains a text. */
const char *output_of(const char *command);
bool says(const char *command, const char *what);

void write_text(const char *path, const char *text);
void make_script(const char *path, const char *text);
bool file_is(const char *path, const char *text);

/* Routes, forwarding and tables in one text. */
void snapshot(char text[SNAPSHOT_MAX]);
void expect_original(const char *before);

struct skt_netcfg *start(const char *up, const char *down);

struct answers {
    int count, failed;
    char text[SKT_NETCFG_TEXT_MAX];
};

void on_answer(void *user, int err, const char *text);
void wait_for(struct answers *a, int count);

/* Sends the request and expects success. */
#define OK(request_, ...)                                                                                    \
    do {                                                                                                     \
        struct answers a_ = {0};                                                                             \
        assert_int_equal(request_(__VA_ARGS__, on_answer, &a_), SKT_OK);                                     \
        wait_for(&a_, 1);                                                                                    \
        if (a_.failed)                                                                                       \
            fail_msg("%s", a_.text);                                                                         \
    } while (0)

struct skt_addr host(const char *ip);
struct skt_ipnet network(const char *text);

#endif
