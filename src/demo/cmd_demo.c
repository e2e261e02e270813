/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"
#include "demo/demo.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static const char help[] =
    "\n"
    "Shows the tunnel at work on this machine, with nothing to set up: starts a web server,\n"
    "a tunnel server, a tunnel client, and a bad line between these two; then loads from the\n"
    "web server through the tunnel, compares every byte, and shows what it takes. Beside it the\n"
    "same load in the system's own TCP over a line that is as bad, where this machine lets the\n"
    "demo make a network namespace and a TUN device. The address it prints is for your own\n"
    "browser or curl. Leaves nothing behind.\n"
    "\n"
    "Options:\n"
    "  --loss P      percent of the packets that the line loses, each way (default 2)\n"
    "  --rtt MS      the line's round trip in milliseconds (default 50)\n"
    "  --rate MBIT   what the line carries, each way; 0: no limit (default 100)\n"
    "  --seconds N   end after N seconds (default: with Ctrl-C)\n"
    "  --port P      the TCP port for your browser (default 8080, or a free one)\n"
    "  --seed N      which packets the line loses (default 1)\n"
    "  --help        this text\n"
    "\n"
    "Exit status: 0 everything arrived as it was sent, else 1.\n";

enum { TURN_MS = 50 }; /* how long Ctrl-C may take to be noticed */

static void on_signal(int signum)
{
    (void)signum;
    skt_demo_ended_by_signal = 1;
}

static int watch(struct demo *d)
{
    bool terminal = isatty(STDOUT_FILENO);
    double start = skt_cli_now(), last = start;
    skt_demo_view_rows();
    fflush(stdout);
    double end = d->seconds > 0 ? start + d->seconds : 1e300;
    int status = SKT_EXIT_OK;
    while (!skt_demo_ended_by_signal && status == SKT_EXIT_OK && skt_cli_now() < end) {
        skt_demo_take_reports(d, TURN_MS);
        if (skt_demo_has_lost_a_child(d) && !skt_demo_ended_by_signal)
            status = SKT_EXIT_FAILURE;
        double now = skt_cli_now();
        d->stats.seconds = now - start;
        if (now - last >= 1) {
            skt_demo_stats_tick(&d->stats, now - last);
            last = now;
            skt_demo_stats_poll(&d->stats, d->folder.client_socket, d->folder.server_socket);
            skt_demo_view_live(&d->stats, terminal);
        }
    }
    skt_demo_stats_poll(&d->stats, d->folder.client_socket, d->folder.server_socket);
    skt_demo_take_reports(d, 0);
    skt_demo_view_summary(&d->stats, &d->link);
    if (status == SKT_EXIT_OK && !skt_demo_stats_good(&d->stats)) {
        skt_demo_print_logs(d);
        status = SKT_EXIT_FAILURE;
    }
    return status;
}

static void print_plan(const struct demo *d)
{
    char rate[48] = "";
    if (d->link.rate_mbit > 0)
        snprintf(rate, sizeof rate, ", %g Mbit/s", d->link.rate_mbit);
    printf("skcptun " SKT_VERSION " demo\n"
           "  web server  <->  tunnel server  <=  bad line  =>  tunnel client  <->  you\n"
           "  the line: %g %% loss each way, %g ms round trip%s (--help tells more)\n",
           d->link.loss_percent, d->link.rtt_ms, rate);
    if (d->seconds > 0)
        printf("Ends after %g seconds, or with Ctrl-C.\n", d->seconds);
    else
        printf("Ctrl-C ends it.\n");
    fflush(stdout);
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

static int play(struct demo *d)
{
    int status = skt_demo_sockets_open(&d->fds, &d->ports, (uint16_t)d->port);
    if (status != SKT_EXIT_OK)
        return status;
    print_plan(d);
    catch_signals();
    status = skt_demo_start_tunnel(d);
    if (status == SKT_EXIT_OK)
        status = skt_demo_start_load(d);
    if (status == SKT_EXIT_OK)
        status = watch(d);
    skt_demo_children_end(&d->children);
    skt_janitor_add(&d->janitor, 0);
    skt_janitor_finish(&d->janitor);
    return status;
}

static int run(const struct skt_command *self, int argc, char **argv)
{
    static struct demo demo; /* large: with a value of its own it would be in the program's file */
    struct demo *d = &demo;
    const struct skt_option options[] = {
        {"loss", SKT_OPTION_NUMBER, &d->link.loss_percent, 0, 90},
        {"rtt", SKT_OPTION_NUMBER, &d->link.rtt_ms, 0, 5000},
        {"rate", SKT_OPTION_NUMBER, &d->link.rate_mbit, 0, 100000},
        {"seconds", SKT_OPTION_NUMBER, &d->seconds, 1, 1e6},
        {"port", SKT_OPTION_NUMBER, &d->port, 1, 65535},
        {"seed", SKT_OPTION_NUMBER, &d->seed, 0, 1e15},
        {0},
    };
    int status;
    d->link.loss_percent = 2;
    d->link.rtt_ms = 50;
    d->link.rate_mbit = 100;
    d->seed = 1;
    if (skt_cli_parse(self, options, argc, argv, 0, &status) < 0)
        return status;
    return play(d);
}

const struct skt_command skt_cmd_demo = {
    .name = "demo",
    .arguments = "[--loss P] [--rtt MS] [--rate MBIT] [--seconds N] [--port P]",
    .help = help,
    .run = run,
};
