/* SPDX-License-Identifier: MIT */
/* The main function of each layer's test program: runs the groups of tests that were asked for. */
#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"

static struct check_group *groups; /* in the order of their names */

void check_add(struct check_group *g)
{
    struct check_group **at = &groups;
    while (*at && strcmp((*at)->name, g->name) < 0)
        at = &(*at)->next;
    g->next = *at;
    *at = g;
}

static _Noreturn void explain(const char *program, int status)
{
    fprintf(
        status ? stderr : stdout,
        "usage: %s [--list] [--only GROUP[.TEST]]\n"
        "Runs the tests of this layer: all, or the groups (tests/LAYER/test_GROUP.c) and the tests whose\n"
        "names match, where * and ? stand for any letters. A group of many has a process of its own.\n"
        "SKT_TEST=TEST in the environment chooses tests as well.\n",
        program);
    exit(status);
}

/* In a process of its own: groups change limits, namespaces and what malloc does. */
static bool run_apart(const struct check_group *g)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0) {
        perror("fork");
        exit(1);
    }
    if (pid == 0)
        exit(g->run());
    int status;
    if (waitpid(pid, &status, 0) != pid)
        return false;
    if (WIFSIGNALED(status))
        fprintf(stderr, "%s: ended by signal %d (%s)\n", g->name, WTERMSIG(status),
                strsignal(WTERMSIG(status)));
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int run_matching(const char *program, const char *pattern)
{
    const struct check_group *single = NULL;
    unsigned matches = 0, failures = 0;
    for (const struct check_group *g = groups; g; g = g->next)
        if (fnmatch(pattern, g->name, 0) == 0) {
            single = g;
            matches++;
        }
    if (matches == 0) {
        fprintf(stderr, "%s: no group of tests is named \"%s\"; --list names them\n", program, pattern);
        return 2;
    }
    if (matches == 1)
        return single->run(); /* in this process, for debuggers and tools */
    for (const struct check_group *g = groups; g; g = g->next)
        if (fnmatch(pattern, g->name, 0) == 0 && !run_apart(g)) {
            fprintf(stderr, "FAILED: %s --only %s\n", program, g->name);
            failures++;
        }
    fprintf(stderr, "%u of %u groups passed\n", matches - failures, matches);
    return failures ? 1 : 0;
}

int main(int argc, char **argv)
{
    const char *pattern = "*";
    cmocka_set_test_filter(getenv("SKT_TEST"));
    const char *priority = getenv("SKT_NICE");
    if (priority && getenv("SKT_COMPUTES") && nice(atoi(priority)) < 0)
        perror("nice");
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        for (const struct check_group *g = groups; g; g = g->next)
            puts(g->name);
        return 0;
    }
    if (argc == 3 && strcmp(argv[1], "--only") == 0) {
        char *dot = strchr(argv[2], '.');
        if (dot) {
            *dot = '\0';
            cmocka_set_test_filter(dot + 1);
        }
        pattern = argv[2];
    } else if (argc > 1) {
        explain(argv[0], argc == 2 && strcmp(argv[1], "--help") == 0 ? 0 : 2);
    }
    return run_matching(argv[0], pattern);
}
