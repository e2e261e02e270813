/* SPDX-License-Identifier: MIT */
/* Real interfaces: their life, packets in and out. */
#ifdef __linux__
#include "io/tun_rig.h"

#include "base/ippkt.h"
#include "base/packets.h"

#include <fcntl.h>
#include <net/if.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

/* --- the interface --- */

static int interface_mtu(const char *name)
{
    struct ifreq ifr = {0};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    memcpy(ifr.ifr_name, name, strlen(name));
    int result = ioctl(fd, SIOCGIFMTU, &ifr);
    close(fd);
    return result == 0 ? ifr.ifr_mtu : -1;
}

static void an_interface_comes_and_goes(void **state)
{
    (void)state;
    NEEDS_ROOT();
    struct skt_tun *tun = open_tun("skttest", false, "10.9.0.1/24");
    assert_string_equal(skt_tun_name(tun), "skttest");
    assert_int_equal(skt_tun_set_mtu(tun, 1390), SKT_OK);
    assert_int_equal(interface_mtu("skttest"), 1390);
    assert_int_equal(skt_tun_set_mtu(tun, 500), SKT_ERR_ARG);
    struct skt_ipnet v6;
    assert_int_equal(skt_ipnet_parse(&v6, "fd09::1/64"), SKT_OK);
    assert_int_equal(skt_tun_set_address(tun, &v6, NULL), SKT_OK);
    assert_int_equal(skt_tun_set_address(tun, &v6, NULL), SKT_OK); /* again */

    /* The address is there at once (no duplicate detection). */
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);
    struct sockaddr_in6 own = {.sin6_family = AF_INET6};
    memcpy(&own.sin6_addr, v6.ip, 16);
    assert_int_equal(bind(fd, (struct sockaddr *)&own, sizeof own), 0);
    close(fd);
    assert_int_not_equal(fcntl(skt_tun_fd(tun), F_GETFD) & FD_CLOEXEC, 0);
    skt_tun_close(tun);
    assert_int_equal(skt_net_ifindex("skttest"), 0);
}

static void names_are_made_and_checked(void **state)
{
    (void)state;
    NEEDS_ROOT();
    char err[SKT_TUN_ERROR_MAX];
    struct skt_tun *a = open_tun(NULL, false, "10.9.1.1/24"), *b = open_tun("", true, "10.9.2.1/24"),
                   *c = NULL;
    assert_string_equal(skt_tun_name(a), "skt0");
    assert_string_equal(skt_tun_name(b), "skt1");
    assert_int_equal(skt_tun_offloads(b), 0);
    static const char *const bad[] = {"a/b", "far-too-long-a-name", "a b", "x%d", "..", "a:1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(skt_tun_open(&c, loop, &(struct skt_tun_options){.name = bad[i]}, err, sizeof err),
                         SKT_ERR_ARG);
    assert_int_equal(skt_tun_open(&c, loop, &(struct skt_tun_options){.name = "skt0"}, err, sizeof err),
                     SKT_ERR_FULL);
    assert_non_null(strstr(err, "another program uses it"));
    assert_int_equal(skt_tun_open(&c, loop, &(struct skt_tun_options){.name = "lo"}, err, sizeof err),
                     SKT_ERR_FULL);
    assert_non_null(strstr(err, "no TUN"));
    skt_tun_close(a);
    skt_tun_close(b);
}

static void without_the_right_to_it_says_so(void **state)
{
    (void)state;
    NEEDS_ROOT();
    const struct passwd *pw = getpwnam("nobody");
    if (!pw)
        skip();
    pid_t pid = fork();
    if (pid == 0) {
        char err[SKT_TUN_ERROR_MAX] = "";
        struct skt_tun *tun;
        if (setuid(pw->pw_uid))
            _exit(1);
        if (skt_tun_open(&tun, loop, &(struct skt_tun_options){0}, err, sizeof err) != SKT_ERR_AUTH)
            _exit(2);
        _exit(strstr(err, "needs root or CAP_NET_ADMIN") ? 0 : 3);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* --- packets --- */

struct echo {
    struct skt_tun *tun;
    unsigned seen, limit;
    struct skt_tun_packet last;
    uint8_t bytes[2048];
};

/* Sends what comes in back to where it came from. */
static void turn_around(void *user, struct skt_tun_packet *p)
{
    struct echo *e = user;
    struct skt_ippkt ip;
    uint8_t swap[16];
    if (skt_ippkt_parse(&ip, p->data, p->len) || ip.protocol != SKT_IPPKT_UDP)
        return;
    size_t n = ip.version == 4 ? 4 : 16;
    uint8_t *src = p->data + (ip.src - p->data), *dst = p->data + (ip.dst - p->data);
    memcpy(swap, src, n);
    memcpy(src, dst, n);
    memcpy(dst, swap, n);
    uint8_t *ports = p->data + ip.transport;
    memcpy(swap, ports, 2);
    memcpy(ports, ports + 2, 2);
    memcpy(ports + 2, swap, 2);
    e->last = *p;
    e->seen++;
    assert_int_equal(skt_tun_write(e->tun, p), SKT_OK);
    if (e->limit && e->seen >= e->limit)
        skt_tun_set_reader(e->tun, NULL, NULL);
}

static void packets_go_round(void **state)
{
    (void)state;
    NEEDS_ROOT();
    for (int plain = 0; plain < 2; plain++) {
        struct echo e = {.tun = open_tun(NULL, plain, "10.9.0.1/24")};
        skt_tun_set_reader(e.tun, turn_around, &e);
        int fd = udp_to("10.9.0.2", 7);
        char back[64];
        assert_int_equal(send(fd, "hello", 5, 0), 5);
        run_for(loop, 20 * SKT_US_PER_MS);
        assert_int_equal(recv(fd, back, sizeof back, 0), 5);
        assert_memory_equal(back, "hello", 5);
        assert_int_equal(e.seen, 1);
        assert_true(plain ? !e.last.offload.partial : true);
        close(fd);
        skt_tun_close(e.tun);
    }
}

static void a_reader_may_stop_in_the_middle(void **state)
{
    (void)state;
    NEEDS_ROOT();
    struct echo e = {.tun = open_tun(NULL, false, "10.9.0.1/24"), .limit = 3};
    int fd = udp_to("10.9.0.2", 7);
    skt_tun_set_reader(e.tun, turn_around, &e);
    for (int i = 0; i < 10; i++)
        assert_int_equal(send(fd, "x", 1, 0), 1);
    run_for(loop, 20 * SKT_US_PER_MS);
    assert_int_equal(e.seen, 3);
    e.limit = 0;
    skt_tun_set_reader(e.tun, turn_around, &e);
    run_for(loop, 20 * SKT_US_PER_MS);
    assert_int_equal(e.seen, 10);
    close(fd);
    skt_tun_close(e.tun);
}

/* --- a turn --- */

struct turn {
    struct skt_loop_task task;
    unsigned seen, first; /* packets so far; in the first turn */
};

static void turn_ended(struct skt_loop_task *t, skt_us now)
{
    (void)now;
    struct turn *turn = SKT_CONTAINER(t, struct turn, task);
    if (turn->first == 0)
        turn->first = turn->seen;
}

static void count_packet(void *user, struct skt_tun_packet *p)
{
    struct turn *turn = user;
    struct skt_ippkt ip;
    if (skt_ippkt_parse(&ip, p->data, p->len) || ip.protocol != SKT_IPPKT_UDP)
        return;
    turn->seen++;
    skt_loop_defer(loop, &turn->task);
}

/* One turn takes all that the kernel's queue holds, so that nothing has to wait there for what is sent of it;
 * but no longer than 2 ms, which is why it is tried a few times. */
static void a_turn_empties_the_kernels_queue(void **state)
{
    (void)state;
    NEEDS_ROOT();
    enum { PACKETS = 400, TRIES = 50 };
    bool all = false;
    struct skt_tun *tun = open_tun(NULL, false, "10.9.0.1/24");
    int fd = udp_to("10.9.0.2", 7);
    run_for(loop, 5 * SKT_US_PER_MS);
    for (int i = 0; i < TRIES && !all; i++) {
        struct turn turn = {.seen = 0};
        skt_loop_task_init(&turn.task, turn_ended);
        for (int n = 0; n < PACKETS; n++)
            assert_int_equal(send(fd, "x", 1, 0), 1);
        skt_tun_set_reader(tun, count_packet, &turn);
        run_for(loop, 20 * SKT_US_PER_MS);
        skt_tun_set_reader(tun, NULL, NULL);
        assert_int_equal(turn.seen, PACKETS);
        all = turn.first == PACKETS;
    }
    assert_true(all);
    close(fd);
    skt_tun_close(tun);
}

static void close_it(void *user, struct skt_tun_packet *p)
{
    struct skt_tun **tun = user;
    (void)p;
    skt_tun_close(*tun);
    *tun = NULL;
}

static void a_reader_may_close_it(void **state)
{
    (void)state;
    NEEDS_ROOT();
    struct skt_tun *tun = open_tun(NULL, false, "10.9.0.1/24");
    skt_tun_set_reader(tun, close_it, &tun);
    int fd = udp_to("10.9.0.2", 7);
    for (int i = 0; i < 3; i++)
        assert_int_equal(send(fd, "x", 1, 0), 1);
    run_for(loop, 20 * SKT_US_PER_MS);
    assert_null(tun);
    close(fd);
}

static void fetch_all(struct echo *e)
{
    struct iovec iov[2] = {{e->bytes, 28}, {e->bytes + 28, sizeof e->bytes - 28}};
    struct skt_tun_packet p = {.data = e->bytes};
    long got;
    while ((got = skt_tun_readv(e->tun, &p.offload, iov, 2)) >= 0) {
        p.len = (size_t)got;
        turn_around(e, &p);
    }
    assert_int_equal(got, SKT_ERR_AGAIN);
}

static void packets_can_be_fetched_in_pieces(void **state)
{
    (void)state;
    NEEDS_ROOT();
    struct echo e = {.tun = open_tun(NULL, false, "10.9.0.1/24")};
    int fd = udp_to("10.9.0.2", 7);
    char back[64];
    assert_int_equal(send(fd, "pieces", 6, 0), 6);
    fetch_all(&e);
    assert_int_equal(recv(fd, back, sizeof back, 0), 6);
    /* Too small a place: the packet is lost, and told so. */
    assert_int_equal(send(fd, "pieces", 6, 0), 6);
    struct skt_offload o;
    struct iovec small = {e.bytes, 20};
    assert_int_equal(skt_tun_readv(e.tun, &o, &small, 1), SKT_ERR_TRUNCATED);
    assert_int_equal(skt_tun_readv(e.tun, &o, &small, 1), SKT_ERR_AGAIN);
    close(fd);
    skt_tun_close(e.tun);
}

static void wrong_writes_are_refused_one_by_one(void **state)
{
    (void)state;
    NEEDS_ROOT();
    struct skt_tun *tun = open_tun(NULL, false, "10.9.0.1/24"), *plain = open_tun(NULL, true, "10.9.1.1/24");
    uint8_t buf[200];
    struct packet_spec s = {.version = 4, .protocol = 17, .payload = 100, .partial = true};
    struct skt_tun_packet p = {.data = buf, .len = packet_build(buf, &s)};
    p.offload = (struct skt_offload){.partial = true, .csum_start = 300, .csum_offset = 6};
    assert_int_equal(skt_tun_write(tun, &p), SKT_ERR_ARG);
    assert_int_equal(skt_tun_write(plain, &p), SKT_ERR_ARG);
    assert_int_equal(skt_offload_derive(&p.offload, buf, p.len, 0, true), SKT_OK);
    assert_int_equal(skt_tun_write(tun, &p), SKT_OK);
    assert_int_equal(skt_tun_write_any(plain, &p, 1500), SKT_OK);
    assert_true(skt_ippkt_sums_ok(buf, p.len));
    buf[0] = 0x15; /* no IP version */
    p.offload = (struct skt_offload){0};
    assert_int_equal(skt_tun_write(tun, &p), SKT_ERR_ARG);
    skt_tun_close(tun);

    struct skt_tun *down;
    assert_int_equal(skt_tun_open(&down, loop, &(struct skt_tun_options){0}, NULL, 0), SKT_OK);
    packet_build(buf, &s);
    assert_int_equal(skt_tun_write(down, &p), SKT_ERR_CLOSED);
    skt_tun_close(down);
    skt_tun_close(plain);
}

static void mark_gone(void *user)
{
    ++*(int *)user;
}

/* As "ip link del" does it. */
static void a_removed_interface_is_noticed_once_and_made_anew(void **state)
{
    (void)state;
    NEEDS_ROOT();
    int gone = 0;
    struct skt_tun *tun = open_tun("sktgone", false, "10.9.0.1/24");
    struct echo e = {.tun = tun};
    skt_tun_set_reader(tun, turn_around, &e);
    skt_tun_set_lost(tun, mark_gone, &gone);
    if (system("ip link del sktgone 2>/dev/null") != 0) {
        skt_tun_close(tun);
        skip();
    }
    run_for(loop, 30 * SKT_US_PER_MS);
    assert_int_equal(gone, 1);
    /* It can be had again, with the reader it had. */
    char err[SKT_TUN_ERROR_MAX];
    struct skt_ipnet net;
    assert_int_equal(skt_tun_reopen(tun, false, err, sizeof err), SKT_OK);
    assert_string_equal(skt_tun_name(tun), "sktgone");
    assert_int_equal(skt_ipnet_parse(&net, "10.9.0.1/24"), SKT_OK);
    assert_int_equal(skt_tun_set_address(tun, &net, NULL), SKT_OK);
    assert_int_equal(skt_tun_set_up(tun), SKT_OK);
    unsigned before = e.seen;
    int fd = udp_to("10.9.0.9", 7);
    assert_int_equal(send(fd, "x", 1, 0), 1);
    run_for(loop, 30 * SKT_US_PER_MS);
    check_that(e.seen, >, before);
    close(fd);
    assert_int_equal(gone, 1);
    skt_tun_close(tun);
}

CHECK_GROUP(tun)
{
    can_run = netns_enter();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_interface_comes_and_goes, begin, end),
        cmocka_unit_test_setup_teardown(names_are_made_and_checked, begin, end),
        cmocka_unit_test_setup_teardown(without_the_right_to_it_says_so, begin, end),
        cmocka_unit_test_setup_teardown(packets_go_round, begin, end),
        cmocka_unit_test_setup_teardown(a_reader_may_stop_in_the_middle, begin, end),
        cmocka_unit_test_setup_teardown(a_turn_empties_the_kernels_queue, begin, end),
        cmocka_unit_test_setup_teardown(a_reader_may_close_it, begin, end),
        cmocka_unit_test_setup_teardown(packets_can_be_fetched_in_pieces, begin, end),
        cmocka_unit_test_setup_teardown(wrong_writes_are_refused_one_by_one, begin, end),
        cmocka_unit_test_setup_teardown(a_removed_interface_is_noticed_once_and_made_anew, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

CHECK_GROUP(tun)
{
    return 0; /* nothing that could be opened without leaving traces */
}

#endif
