/* SPDX-License-Identifier: MIT */
/* The wall clock is set while something waits: nobody may wait longer for it. The calls are this program's
 * own, in front of the C library's. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "base/check.h"
#include "script/lookup.h"

#include <dlfcn.h>
#include <lauxlib.h>
#include <lualib.h>
#include <netdb.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#if defined __linux__ && defined __GLIBC__ /* musl's calls have other names on 32 bits */
#include <sys/syscall.h>

static _Atomic time_t ahead_s; /* of the wall clock when it is asked, and set back right after */

int clock_gettime(clockid_t id, struct timespec *ts)
{
    int err = (int)syscall(SYS_clock_gettime, id, ts);
    if (id == CLOCK_REALTIME)
        ts->tv_sec += ahead_s;
    return err;
}

/* A name server that never answers, while the clock is ahead; the program's other tests have the library's.
 */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **res)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    while (ahead_s)
        pause();
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    return real(name, service, hints, res);
}

static void a_look_up_waits_no_longer(void **state)
{
    (void)state;
    char ip[SKT_ADDR_TEXT_MAX];
    ahead_s = 3600;
    alarm(60); /* a look-up that waits the step ends the test */
    assert_string_equal(skt_script_lookup_ipv4("name.example", ip), "timed out");
    alarm(0);
    ahead_s = 0;
}

#else

static void a_look_up_waits_no_longer(void **state)
{
    (void)state;
}

#endif

/* --- tun_client.lua, whose ticket somebody else uses --- */

static const char world[] =
    "skt = { cb = {}, conf = { skcp_conf_list = { { raw = {}, ticket = 't', addr = 'a', port = 1 } } } }\n"
    "local now, timers = 1e12, {}\n"
    "asked = 0\n"
    "function set_clock(ms) now = ms end\n"
    "function pass(s)\n" /* so many seconds, beat by beat */
    "  for i = 1, s do\n"
    "    for t in pairs(timers) do\n"
    "      t.left = t.left - 1\n"
    "      if t.left <= 0 then timers[t] = nil; t.f() end\n"
    "    end\n"
    "    now = now + 1000\n"
    "    skt.cb.on_beat()\n"
    "  end\n"
    "end\n"
    "local api = {}\n"
    "skt.api = setmetatable(api, { __index = function() return function() return true end end })\n"
    "function api.get_ms() return now end\n"
    "function api.timer_start(s, f) local t = { left = s, f = f }; timers[t] = true; return t end\n"
    "function api.timer_stop(t) timers[t] = nil end\n"
    "function api.skcp_init() return 'skcp' end\n"
    "function api.skcp_score() return 1 end\n"
    "function api.skcp_req_cid() asked = asked + 1; return 'ok' end\n"
    "function api.session_stats() return { close_reason = 'takeover' } end\n";

static const char story[] = "local cb = skt.cb\n"
                            "cb.on_init(); assert(asked == 1)\n"
                            "local function taken(cid) cb.on_skcp_recv_cid('skcp', cid); "
                            "cb.on_skcp_close('skcp', cid); asked = 0 end\n"
                            "taken(1)\n"
                            "set_clock(0)\n" /* 31 years back */
                            "pass(4); assert(asked == 0, 'asks too early')\n"
                            "pass(2); assert(asked >= 1, 'waits for the clock')\n"
                            "taken(2)\n"
                            "set_clock(2e12)\n"
                            "pass(9); assert(asked == 0, 'does not wait longer the second time')\n"
                            "pass(2); assert(asked >= 1)\n"
                            "pass(1000); taken(3)\n"
                            "pass(6); assert(asked >= 1, 'does not forget')\n";

static void a_client_rests_as_long_as_it_says(void **state)
{
    (void)state;
    lua_State *L = luaL_newstate();
    assert_non_null(L);
    luaL_openlibs(L);
    if (luaL_dostring(L, world) || luaL_dofile(L, SKT_SOURCE_DIR "/src/modes/tun_client.lua") ||
        luaL_dostring(L, story))
        fail_msg("%s", lua_tostring(L, -1));
    lua_close(L);
}

CHECK_GROUP(clock_set)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_look_up_waits_no_longer),
        cmocka_unit_test(a_client_rests_as_long_as_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
