/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"
#include "cli/run.h"

static const char help[] =
    "\n"
    "Runs what the configuration says until SIGTERM or SIGINT. Open connections then get\n"
    "one second to end; a second signal ends them at once. SIGHUP reads the configuration\n"
    "again and takes over what can change without dropping a connection: tickets, keys,\n"
    "passwords, targets, tcp_target_*, tcp_keepalive, tcp_recv_timeout, trace_file, log_level\n"
    "and log_file, which is opened anew; it names each other field that has changed. The log\n"
    "goes to stderr unless log_file is set.\n"
    "SIGUSR1 writes the status to the log.\n"
    "\n"
    "Options:\n"
    "  --help  this text\n"
    "\n"
    "Exit status: 0 ended by a signal, 1 failed while running, 2 wrong configuration.\n";

static int run(const struct skt_command *self, int argc, char **argv)
{
    const struct skt_option options[] = {{0}};
    int status;
    int n = skt_cli_parse(self, options, argc, argv, 1, &status);
    if (n < 0)
        return status;
    if (n == 0)
        return skt_cli_usage_error(self, "which configuration?");
    return skt_run(&(struct skt_run_source){.path = argv[1]});
}

const struct skt_command skt_cmd_run = {
    .arguments = "CONFIG",
    .summary = NULL,
    .help = help,
    .run = run,
};
