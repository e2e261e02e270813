/* SPDX-License-Identifier: MIT */
#ifdef __linux__
#define _GNU_SOURCE
#include "netcfg/stage.h"

#include "io/netns.h"
#include "netcfg/hook.h"

#include <stdlib.h>
#include <sys/stat.h>

static bool can_run;

struct skt_loop *stage_loop;
struct skt_tun *stage_eth, *stage_tunnel;
char stage_dir[] = "/tmp/skt-netcfg-XXXXXX", stage_journal[64], stage_resolv[64];

/* --- looking --- */

/* What a command prints. */
const char *output_of(const char *command)
{
    static char text[8192];
    FILE *f = popen(command, "r");
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof text - 1, f);
    text[n] = '\0';
    pclose(f);
    return text;
}

bool says(const char *command, const char *what)
{
    return strstr(output_of(command), what) != NULL;
}

void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

bool file_is(const char *path, const char *text)
{
    char got[1024] = "";
    FILE *f = fopen(path, "r");
    if (!f)
        return false;
    size_t n = fread(got, 1, sizeof got - 1, f);
    fclose(f);
    got[n] = '\0';
    return strcmp(got, text) == 0;
}

/* Everything that may change, in one text. */
void snapshot(char text[SNAPSHOT_MAX])
{
    snprintf(text, SNAPSHOT_MAX, "%s",
             output_of("ip route show table main; ip -6 route show table main | grep -v '^fe80\\|^ff00';"
                       "cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding"));
    size_t len = strlen(text);
    if (skt_hook_exists("nft"))
        snprintf(text + len, SNAPSHOT_MAX - len, "%s",
                 output_of("nft list tables 2>/dev/null | grep skcptun"));
}

/* --- the stage --- */

struct skt_tun *stage_open_tun(const char *name, const char *v4, const char *v6)
{
    struct skt_tun *tun = NULL;
    struct skt_ipnet net;
    assert_int_equal(skt_tun_open(&tun, stage_loop, &(struct skt_tun_options){.name = name}, NULL, 0),
                     SKT_OK);
    assert_int_equal(skt_ipnet_parse(&net, v4), SKT_OK);
    assert_int_equal(skt_tun_set_address(tun, &net, NULL), SKT_OK);
    assert_int_equal(skt_ipnet_parse(&net, v6), SKT_OK);
    assert_int_equal(skt_tun_set_address(tun, &net, NULL), SKT_OK);
    assert_int_equal(skt_tun_set_up(tun), SKT_OK);
    return tun;
}

int stage_begin(void **state)
{
    (void)state;
    if (!can_run)
        return 0;
    if (skt_loop_new(&stage_loop))
        return -1;
    stage_eth = stage_open_tun("eth", "192.168.77.2/24", "fd77::2/64");
    stage_tunnel = stage_open_tun("sktt", "10.9.0.1/24", "fd09::1/64");
    write_text(stage_resolv, "search example.org\nnameserver 192.168.77.1\n");
    return system("ip route add default via 192.168.77.1 dev eth metric 100 &&"
                  "ip -6 route add default via fd77::1 dev eth metric 100");
}

int stage_end(void **state)
{
    (void)state;
    if (can_run) {
        skt_tun_close(stage_eth);
        skt_tun_close(stage_tunnel);
        skt_loop_free(stage_loop);
        unlink(stage_journal);
    }
    return 0;
}

void stage_needed(void)
{
    if (!can_run)
        skip();
}

struct skt_netcfg *start(const char *up, const char *down)
{
    char err[SKT_NETCFG_TEXT_MAX] = "";
    struct skt_netcfg *nc = NULL;
    struct skt_netcfg_options options = {
        .journal = stage_journal, .up = up, .down = down, .hook_limit_s = 2, .resolv_conf = stage_resolv};
    if (skt_netcfg_new(&nc, stage_loop, &options, err, sizeof err))
        fail_msg("%s", err);
    return nc;
}

void on_answer(void *user, int err, const char *text)
{
    struct answers *a = user;
    a->count++;
    a->failed += err != SKT_OK;
    if (err)
        snprintf(a->text, sizeof a->text, "%s", text);
}

void wait_for(struct answers *a, int count)
{
    for (int i = 0; i < 6000 && a->count < count; i++)
        run_for(stage_loop, 10 * SKT_US_PER_MS);
    assert_int_equal(a->count, count);
}

struct skt_addr host(const char *ip)
{
    struct skt_addr a;
    assert_int_equal(skt_addr_parse(&a, ip, 0), SKT_OK);
    return a;
}

struct skt_ipnet network(const char *text)
{
    struct skt_ipnet net;
    assert_int_equal(skt_ipnet_parse(&net, text), SKT_OK);
    return net;
}

void expect_original(const char *before)
{
    char now[SNAPSHOT_MAX];
    snapshot(now);
    assert_string_equal(now, before);
    assert_true(file_is(stage_resolv, "search example.org\nnameserver 192.168.77.1\n"));
}

void make_script(const char *path, const char *text)
{
    write_text(path, text);
    assert_int_equal(chmod(path, 0755), 0);
}

void stage_enter(void)
{
    can_run = netns_enter() && mkdtemp(stage_dir) != NULL;
    snprintf(stage_journal, sizeof stage_journal, "%s/journal", stage_dir);
    snprintf(stage_resolv, sizeof stage_resolv, "%s/resolv.conf", stage_dir);
}

int stage_leave(int result)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", stage_dir);
    return can_run && system(command) != 0 ? 1 : result;
}

#endif
