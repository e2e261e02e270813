/* SPDX-License-Identifier: MIT */
/* Commands in the program skcptun-tools, which lies beside this one or in the folder for such programs. */
#ifndef SKT_CLI_TOOLS_H
#define SKT_CLI_TOOLS_H

struct skt_tool {
    const char *name;
    const char *summary; /* one line for the list of commands */
};

/* All of them, in order of their names; one without a name ends the list. */
extern const struct skt_tool skt_tools[];

/* Runs the tool that argv[1] names in the place of this process, if it is one, or `status --debug`. Returns
 * where it is none, or with its exit status where it can't be run, which has been reported. */
enum { SKT_TOOLS_NONE = -1 };
int skt_tools_run(int argc, char **argv);

/* The usage line of one of skcptun's own commands was printed: skcptun-tools prints the rest in the place of
 * this process. Returns where it can't, which has been said. */
void skt_tools_show_help(const char *name);

/* In skcptun-tools: the path of skcptun itself, for commands that run it. The string is kept, not copied. */
void skt_tools_set_program(const char *path);
const char *skt_tools_program(void);

#endif
