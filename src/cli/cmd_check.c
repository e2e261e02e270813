/* SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "cli/cli.h"
#include "config/config.h"

#include <stdio.h>

static int run(const struct skt_command *self, int argc, char **argv)
{
    const struct skt_option options[] = {{0}};
    int status;
    int n = skt_cli_parse(self, options, argc, argv, 1, &status);
    if (n < 0)
        return status;
    if (n == 0)
        return skt_cli_usage_error(self, "which configuration?");
    struct skt_config *conf;
    struct skt_config_strings problems;
    int err = skt_config_check(&conf, argv[1], &problems);
    for (size_t i = 0; i < problems.count; i++)
        fprintf(stderr, "%s\n", problems.items[i]);
    skt_config_strings_free(&problems);
    if (err < 0 && err != SKT_ERR_ARG)
        return skt_cli_failure("%s: %s", argv[1], skt_err_str(err));
    if (err < 0)
        return SKT_EXIT_USAGE;
    for (size_t i = 0; i < conf->warnings.count; i++)
        fprintf(stderr, "warning: %s\n", conf->warnings.items[i]);
    printf("%s: ok (%s)\n", argv[1], conf->mode_name);
    skt_config_free(conf);
    return SKT_EXIT_OK;
}

const struct skt_command skt_cmd_check = {
    .name = "check",
    .arguments = "CONFIG",
    .summary = "say whether a configuration is right",
    .run = run,
};
