/* SPDX-License-Identifier: MIT */
/* skcptun-tools: the commands that are beside a tunnel and not part of one, in a program of their own, so
 * that a device that only carries traffic need not have them. `skcptun NAME` starts it, with its own path as
 * argv[0] (cli/tools.h). */
#include "cli/cli.h"
#include "cli/status_debug.h"
#include "cli/tools.h"
#include "io/privileges.h"
#include "tools/help.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Each has its line in skt_tools (cli/tools.c), too, but for `status`, which is here for --debug. */
static const struct skt_command *const commands[] = {&skt_cmd_client, &skt_cmd_demo,   &skt_cmd_import,
                                                     &skt_cmd_keygen, &skt_cmd_server, &skt_cmd_status,
                                                     &skt_cmd_uri};

int main(int argc, char **argv)
{
    if (skt_privileges_harden() < 0)
        fprintf(stderr, "skcptun: core dumps can't be switched off: %s\n", strerror(errno));
    skt_status_debug = skt_status_debug_show;
    const char *text = argc == 3 && strcmp(argv[2], "--help") == 0 ? skt_help_of(argv[1]) : NULL;
    if (text) /* behind the usage line that skcptun itself has printed */
        return fputs(text, stdout) < 0 || fflush(stdout) != 0 ? SKT_EXIT_FAILURE : SKT_EXIT_OK;
    for (size_t i = 0; argc >= 2 && i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(argv[1], commands[i]->name) == 0) {
            skt_tools_set_program(argv[0]);
            struct skt_command command = *commands[i];
            if (!command.help) /* of `status --debug --help` */
                command.help = skt_help_of(command.name);
            return command.run(&command, argc - 1, argv + 1);
        }
    }
    fputs("skcptun-tools: this is a part of skcptun, which starts it: see `skcptun --help`\n", stderr);
    return SKT_EXIT_USAGE;
}
