/* SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "cli/cli.h"
#include "lua/config.h"

#include <stdio.h>

static const char help[] =
    "\n"
    "Reads a configuration and says whether it is right; starts nothing. A mistake is\n"
    "one line on stderr that names the file, the field, what was found and what is\n"
    "expected, and exit status 2. Warnings go to stderr too.\n"
    "\n"
    "Options:\n"
    "  --help  this text\n";

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
    char err[SKT_CONFIG_ERROR_MAX];
    int result = skt_config_load(&conf, argv[1], err, sizeof err);
    if (result < 0) {
        fprintf(stderr, "%s\n", result == SKT_ERR_ARG ? err : skt_err_str(result));
        return result == SKT_ERR_ARG ? SKT_EXIT_USAGE : SKT_EXIT_FAILURE;
    }
    for (size_t i = 0; i < conf->warnings.count; i++)
        fprintf(stderr, "warning: %s\n", conf->warnings.items[i]);
    if (skt_config_runnable(conf, err, sizeof err) < 0)
        fprintf(stderr, "warning: %s\n", err);
    printf("%s: ok (%s)\n", argv[1], conf->mode_name);
    skt_config_free(conf);
    return SKT_EXIT_OK;
}

const struct skt_command skt_cmd_check = {
    .name = "check",
    .arguments = "CONFIG",
    .summary = "say whether a configuration is right",
    .help = help,
    .run = run,
};
