/* SPDX-License-Identifier: MIT */
#include "config/tickets_file.h"

#include "base/err.h"
#include "base/wipe.h"
#include "config/file.h"
#include "config/lists.h"
#include "config/problem.h"
#include "config/secret_file.h"
#include "config/types.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void skt_config_ticket_line(const struct config_reader *r, const uint8_t ticket[SKT_TICKET_LEN], char *out,
                            size_t cap)
{
    unsigned line = 1;
    for (size_t i = 0; r->in_tickets_file && i + SKT_TICKET_LEN <= r->text_len; i++) {
        if (memcmp(r->text + i, ticket, SKT_TICKET_LEN) == 0) {
            snprintf(out, cap, ", line %u", line);
            return;
        }
        line += r->text[i] == '\n';
    }
}

struct tickets_file {
    const struct config_field *field;
    struct skt_config_mode_table *table;
};

/* The chunk is called "line", so that a message reads "FILE: line:3: unexpected symbol". */
static void read_table(struct config_reader *r, void *arg)
{
    const struct tickets_file *file = arg;
    int err = skt_sandbox_eval(r->box, r->text, r->text_len, "=line");
    if (err == SKT_ERR_NOMEM)
        skt_config_fail_memory(r);
    if (err)
        skt_config_fail(r, "%s", lua_tostring(r->L, -1) ? lua_tostring(r->L, -1) : "failed");
    if (lua_type(r->L, -1) != LUA_TTABLE)
        skt_config_fail(r, "expected `return { [\"<32 bytes>\"] = { ... }, }`");
    skt_config_read_tickets(r, file->field, file->table);
}

void skt_config_read_tickets_file(struct config_reader *r, const struct config_field *f, void *at)
{
    struct skt_config_mode_table *t =
        (struct skt_config_mode_table *)(void *)((char *)at -
                                                 offsetof(struct skt_config_mode_table, tickets_file));
    struct tickets_file file = {f, t};
    const struct config_reader outer = *r;
    const char *path;
    char *text = NULL;
    size_t len = 0;
    struct stat st;
    skt_config_read_string(r, f, at);
    int fd = skt_config_open_named(r, t->tickets_file, &path);
    int err = skt_config_read_file(fd, &text, &len, &st);
    if (err == SKT_ERR_NOMEM)
        skt_config_fail_memory(r);
    if (err)
        skt_config_fail(r, "\"%.200s\": %s", path, strerror(errno));
    if (skt_config_is_for_others(r->conf, &st))
        skt_config_warn(r, "%s: others can read it and the tickets in it: chmod 600 %.200s", r->where, path);
    r->file = path;
    r->text = text;
    r->text_len = len;
    r->in_tickets_file = true;
    skt_config_leave(r, 0);
    bool good = skt_config_try(r, read_table, &file);
    r->file = outer.file;
    r->text = outer.text;
    r->text_len = outer.text_len;
    r->in_tickets_file = false;
    (void)skt_config_enter(r, "%s", outer.where);
    skt_wipe(text, len);
    free(text);
    if (!good)
        skt_config_note_silently(r);
}
