/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"
#include "cli/opener.h"
#include "cli/run_text.h"
#include "cli/status_socket.h"
#include "cli/tools.h"
#include "io/child.h"
#include "io/privileges.h"
#include "netcfg/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct skt_command *const commands[] = {
    &skt_cmd_check,
    &skt_cmd_status,
};

/* Commands of the specification that have not been built. */
static const char *const commands_to_come[] = {"ping", "speedtest"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void print_overview(FILE *out)
{
    fputs("skcptun " SKT_VERSION ": an encrypted tunnel over KCP (reliable UDP)\n"
          "\n"
          "Usage: skcptun CONFIG            run what the configuration file says\n"
          "       skcptun COMMAND [...]     one of these:\n"
          "\n",
          out);
    for (size_t i = 0; i < COUNT(commands); i++)
        fprintf(out, "  %-8s %s\n", commands[i]->name, commands[i]->summary);
    for (const struct skt_tool *t = skt_tools; t->name; t++)
        fprintf(out, "  %-8s %s\n", t->name, t->summary);
    fputs("\n"
          "       skcptun COMMAND --help    what a command does, and its options\n"
          "       skcptun --version\n"
          "\n"
          "`skcptun demo` shows the tunnel at work on this machine; nothing has to be set up.\n"
          "CONFIG is a Lua file, see skcptun_config_sample.lua. Exit status: 0 ended as asked,\n"
          "1 failed while running, 2 wrong usage or configuration.\n",
          out);
}

static const struct skt_command *find_command(const char *name)
{
    for (size_t i = 0; i < COUNT(commands); i++)
        if (strcmp(name, commands[i]->name) == 0)
            return commands[i];
    return NULL;
}

/* A command that only skcptun-tools can explain. */
static int help_of_tool(char *program, char *name)
{
    char *argv[] = {program, name, "--help", NULL};
    return skt_tools_run(3, argv);
}

static bool is_to_come(const char *name)
{
    for (size_t i = 0; i < COUNT(commands_to_come); i++)
        if (strcmp(name, commands_to_come[i]) == 0)
            return true;
    return false;
}

/* Where one of 0, 1 and 2 was not handed to us, no socket may get its number. */
static void open_standard(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

/* A child of another instance (io/child.h): it begins anew, without that one's memory. */
static int run_child(const char *role)
{
    (void)skt_privileges_harden();
    if (strcmp(role, SKT_NETCFG_ROLE) == 0) {
        skt_netcfg_helper_run(SKT_CHILD_FD);
        return SKT_EXIT_OK;
    }
    if (strcmp(role, SKT_STATUS_ROLE) == 0) {
        skt_status_file_remove_after(SKT_CHILD_FD);
        return SKT_EXIT_OK;
    }
    if (strcmp(role, SKT_OPENER_ROLE) == 0) {
        skt_opener_run(SKT_CHILD_FD);
        return SKT_EXIT_OK;
    }
    return SKT_EXIT_USAGE;
}

/* `skcptun --help`, or what a command says of itself. */
static int help(int argc, char **argv)
{
    const struct skt_command *about = argc > 2 ? find_command(argv[2]) : NULL;
    int status = argc < 3 ? SKT_TOOLS_NONE : help_of_tool(argv[0], argv[2]);
    if (status != SKT_TOOLS_NONE)
        return status;
    if (about)
        skt_cli_print_help(about);
    else
        print_overview(stdout);
    return SKT_EXIT_OK;
}

/* What the first argument names: a command, a tool, or a configuration. */
static int run(int argc, char **argv)
{
    const char *first = argv[1];
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0 || strcmp(first, "help") == 0)
        return help(argc, argv);
    if (strcmp(first, "--version") == 0 || strcmp(first, "-V") == 0) {
        puts("skcptun " SKT_VERSION);
        return SKT_EXIT_OK;
    }
    if (strcmp(first, "--text") == 0 && argc == 4) /* from skcptun-tools */
        return skt_run_text(argv[2], argv[3]);
    if (strcmp(first, "-c") == 0 && argc > 2) /* as kcptun and many others take their file */
        return skt_cmd_run.run(&skt_cmd_run, argc - 1, argv + 1);
    int status = skt_tools_run(argc, argv);
    if (status != SKT_TOOLS_NONE)
        return status;
    const struct skt_command *cmd = find_command(first);
    if (cmd)
        return cmd->run(cmd, argc - 1, argv + 1);
    if (is_to_come(first) && access(first, F_OK) != 0) {
        fprintf(stderr, "skcptun: %s: not in this version yet\n", first);
        return SKT_EXIT_USAGE;
    }
    return skt_cmd_run.run(&skt_cmd_run, argc, argv);
}

int main(int argc, char **argv)
{
    const char *role = skt_child_role(argc, argv);
    if (role)
        return run_child(role);
    skt_child_allow_exec();
    /* Before there are secrets in memory. */
    if (skt_privileges_harden() < 0)
        fprintf(stderr, "skcptun: core dumps can't be switched off: %s\n", strerror(errno));
    /* Whoever asks a process that shows no status (or not yet) does not mean to end it. */
    signal(SIGUSR1, SIG_IGN);
    signal(SIGUSR2, SIG_IGN);
    open_standard();
    if (argc >= 2)
        return run(argc, argv);
    print_overview(stderr);
    return SKT_EXIT_USAGE;
}
