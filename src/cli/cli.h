/* SPDX-License-Identifier: MIT */
/* The command line: what a command is, and what all of them share. */
#ifndef SKT_CLI_CLI_H
#define SKT_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>

enum skt_exit {
    SKT_EXIT_OK = 0,
    SKT_EXIT_FAILURE = 1, /* something failed at run time */
    SKT_EXIT_USAGE = 2,   /* the command line or the configuration is wrong */
};

struct skt_command {
    const char *name;      /* NULL: `skcptun CONFIG`, which has none */
    const char *arguments; /* what follows the name in the usage line */
    const char *summary;   /* one line for the list of commands; NULL: not listed, or a tool (tools.h) */
    const char *help; /* what `skcptun NAME --help` says after the usage line; NULL: tools/help.h has it */
    /* argv[0] is the command's name; returns the process's exit status. */
    int (*run)(const struct skt_command *self, int argc, char **argv);
};

extern const struct skt_command skt_cmd_run;
extern const struct skt_command skt_cmd_check;
extern const struct skt_command skt_cmd_client;
extern const struct skt_command skt_cmd_server;
extern const struct skt_command skt_cmd_import;
extern const struct skt_command skt_cmd_keygen;
extern const struct skt_command skt_cmd_status;
extern const struct skt_command skt_cmd_demo;
extern const struct skt_command skt_cmd_uri;

enum skt_option_kind { SKT_OPTION_FLAG, SKT_OPTION_NUMBER, SKT_OPTION_TEXT };

struct skt_option {
    const char *name; /* without the dashes; NULL ends a table */
    enum skt_option_kind kind;
    void *to;         /* bool, double or const char * */
    double low, high; /* of a number, both allowed */
};

/* Reads options (--name, --name=value, --name value, "--" ends them) wherever they stand; the other arguments
 * are moved to argv[1..] in their order. Returns how many those are, or -1 with *status set: --help was
 * answered, or the mistake has been reported. */
int skt_cli_parse(const struct skt_command *cmd, const struct skt_option *options, int argc, char **argv,
                  int max_arguments, int *status);

/* "skcptun NAME: message" and where to find help, on stderr; returns SKT_EXIT_USAGE. */
int skt_cli_usage_error(const struct skt_command *cmd, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* "skcptun: message" on stderr; returns SKT_EXIT_FAILURE. */
int skt_cli_failure(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

void skt_cli_print_help(const struct skt_command *cmd);

/* The path of this very program, for starting it again; SKT_ERR_IO. */
int skt_cli_self_path(char *buf, size_t cap);

/* Monotonic seconds. */
double skt_cli_now(void);

#endif
