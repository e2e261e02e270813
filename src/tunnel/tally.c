/* SPDX-License-Identifier: MIT */
#include "tunnel/tally.h"

#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

static const char others[] = "(others)";

/* Peers choose names, too: what is no text is not shown as text. */
void skt_tally_name(char out[SKT_TALLY_NAME_MAX], const char *name)
{
    const unsigned char *s = (const unsigned char *)name;
    char *end = out + SKT_TALLY_NAME_MAX - 5; /* the longest character, and the final zero */
    while (*s && out < end) {
        size_t len = *s >= 0x80 ? skt_utf8_len(s) : 1;
        if (*s == '"' || *s == '\\' || *s == '\n')
            *out++ = '\\';
        if (*s == '\n' || len == 0 || (*s < 0x20 && *s != '\n') || *s == 0x7f)
            *out++ = *s == '\n' ? 'n' : '?';
        else
            out = (char *)memcpy(out, s, len) + len;
        s += len ? len : 1;
    }
    *out = 0;
}

struct skt_tally *skt_tally_of(struct skt_list *all, const char *name)
{
    char text[SKT_TALLY_NAME_MAX];
    unsigned count = 0;
    skt_tally_name(text, name);
    for (struct skt_list *l = all->next; l != all; l = l->next, count++) {
        struct skt_tally *t = SKT_CONTAINER(l, struct skt_tally, link);
        if (strcmp(t->name, text) == 0)
            return t;
    }
    if (count >= SKT_TALLIES_MAX && strcmp(text, others) != 0)
        return skt_tally_of(all, others);
    struct skt_tally *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    strcpy(t->name, text);
    skt_list_init(&t->link);
    skt_list_append(all, &t->link);
    return t;
}

void skt_tally_add(uint64_t to[SKT_STATS], const struct skt_session *s)
{
    for (size_t i = 0; i < SKT_STATS; i++)
        if (skt_stats[i].counter)
            to[i] += skt_stats[i].get(s, 0);
}

void skt_tally_free_all(struct skt_list *all)
{
    while (!skt_list_empty(all)) {
        struct skt_tally *t = SKT_CONTAINER(all->next, struct skt_tally, link);
        skt_list_remove(&t->link);
        free(t);
    }
}
