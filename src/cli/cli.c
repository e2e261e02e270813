/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include "base/err.h"
#include "cli/tools.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifdef __APPLE__
#include <mach-o/dyld.h>
#endif

static void print_usage(FILE *out, const struct skt_command *cmd)
{
    fprintf(out, "Usage: skcptun %s%s%s\n", cmd->name ? cmd->name : "", cmd->name ? " " : "", cmd->arguments);
}

void skt_cli_print_help(const struct skt_command *cmd)
{
    print_usage(stdout, cmd);
    if (cmd->help)
        fputs(cmd->help, stdout);
    else
        skt_tools_show_help(cmd->name);
}

int skt_cli_usage_error(const struct skt_command *cmd, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fputs("skcptun: ", stderr);
    if (cmd->name)
        fprintf(stderr, "%s: ", cmd->name);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    print_usage(stderr, cmd);
    return SKT_EXIT_USAGE;
}

int skt_cli_failure(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fputs("skcptun: ", stderr);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    return SKT_EXIT_FAILURE;
}

static int set_number(const struct skt_command *cmd, const struct skt_option *o, const char *value)
{
    char *end;
    double number = strtod(value, &end);
    if (end == value || *end || !isfinite(number) || number < o->low || number > o->high)
        return skt_cli_usage_error(cmd, "--%s: expected a number from %g to %g, got \"%s\"", o->name, o->low,
                                   o->high, value);
    *(double *)o->to = number;
    return SKT_EXIT_OK;
}

static const struct skt_option *find_option(const struct skt_option *options, const char *name, size_t len)
{
    for (; options->name; options++)
        if (strlen(options->name) == len && memcmp(options->name, name, len) == 0)
            return options;
    return NULL;
}

/* Takes the option at argv[*i], and its value; an exit status. */
static int take_option(const struct skt_command *cmd, const struct skt_option *options, int argc, char **argv,
                       int *i)
{
    const char *arg = argv[*i];
    const char *name = arg + 2;
    size_t len = strcspn(name, "=");
    const char *value = name[len] ? name + len + 1 : NULL;
    const struct skt_option *o = strncmp(arg, "--", 2) == 0 ? find_option(options, name, len) : NULL;
    if (!o)
        return skt_cli_usage_error(cmd, "unknown option %s", arg);
    if (o->kind == SKT_OPTION_FLAG) {
        if (value)
            return skt_cli_usage_error(cmd, "--%s takes no value", o->name);
        *(bool *)o->to = true;
        return SKT_EXIT_OK;
    }
    if (!value && *i + 1 < argc)
        value = argv[++*i];
    if (!value)
        return skt_cli_usage_error(cmd, "--%s needs a value", o->name);
    if (o->kind == SKT_OPTION_NUMBER)
        return set_number(cmd, o, value);
    *(const char **)o->to = value;
    return SKT_EXIT_OK;
}

int skt_cli_parse(const struct skt_command *cmd, const struct skt_option *options, int argc, char **argv,
                  int max_arguments, int *status)
{
    int count = 0;
    bool only_arguments = false;
    for (int i = 1; i < argc; i++) {
        char *arg = argv[i];
        if (only_arguments || arg[0] != '-' || !arg[1]) {
            argv[++count] = arg;
        } else if (strcmp(arg, "--") == 0) {
            only_arguments = true;
        } else if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0) {
            skt_cli_print_help(cmd);
            *status = SKT_EXIT_OK;
            return -1;
        } else if ((*status = take_option(cmd, options, argc, argv, &i)) != SKT_EXIT_OK) {
            return -1;
        }
    }
    if (count > max_arguments) {
        *status = skt_cli_usage_error(cmd, "unexpected argument \"%s\"", argv[max_arguments + 1]);
        return -1;
    }
    return count;
}

int skt_cli_self_path(char *buf, size_t cap)
{
#ifdef __APPLE__
    uint32_t size = (uint32_t)cap;
    return _NSGetExecutablePath(buf, &size) == 0 ? SKT_OK : SKT_ERR_IO;
#else
    ssize_t n = readlink("/proc/self/exe", buf, cap - 1);
    if (n < 0)
        return SKT_ERR_IO;
    buf[n] = 0;
    return SKT_OK;
#endif
}

double skt_cli_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}
