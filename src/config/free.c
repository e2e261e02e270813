/* SPDX-License-Identifier: MIT */
#include "base/wipe.h"
#include "config/config.h"
#include "config/value.h"

#include <stdlib.h>
#include <string.h>

void skt_config_strings_free(struct skt_config_strings *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct skt_config_strings){NULL, 0};
}

static void free_secret(char *s)
{
    if (s)
        skt_wipe(s, strlen(s));
    free(s);
}

static void free_relay(struct skt_config_relay *relay)
{
    free(relay->reach.allow.at);
    free(relay->reach.deny.at);
}

static void free_lists(struct skt_config_mode_table *t)
{
    for (size_t i = 0; i < t->entry_count; i++) {
        free(t->entries[i].address);
        free_secret(t->entries[i].password);
        free(t->entries[i].password_file);
        free(t->entries[i].key_file);
        skt_wipe(t->entries[i].keys.items, t->entries[i].keys.count * SKT_KEY_LEN);
        free(t->entries[i].keys.items);
        skt_wipe(&t->entries[i], sizeof t->entries[i]);
    }
    for (size_t i = 0; i < t->ticket_count; i++) {
        free(t->tickets[i].name);
        free(t->tickets[i].tun_ip);
        skt_config_strings_free(&t->tickets[i].subnets);
        skt_config_strings_free(&t->tickets[i].targets);
        free_relay(&t->tickets[i].relay);
        skt_wipe(&t->tickets[i], sizeof t->tickets[i]);
    }
    for (size_t i = 0; i < t->listener_count; i++) {
        free(t->listeners[i].addr);
        free(t->listeners[i].target);
    }
    for (size_t i = 0; i < t->target_count; i++) {
        free(t->targets[i].name);
        free(t->targets[i].host);
    }
    free(t->entries);
    free(t->tickets);
    free(t->listeners);
    free(t->targets);
}

void skt_config_free(struct skt_config *conf)
{
    if (!conf)
        return;
    struct skt_config_mode_table *t = &conf->table;
    free_lists(t);
    free_relay(&t->relay);
    skt_config_strings_free(&t->routes);
    skt_config_strings_free(&t->dns);
    skt_config_strings_free(&conf->warnings);
    skt_config_strings_free(&conf->files);
    skt_value_free(conf->user);
    char *strings[] = {t->tickets_file,  t->tcp_listen_addr,  t->tcp_target_addr, t->tun_ip,
                       t->tun_mask,      t->tun_ip6,          t->tun_name,        t->up,
                       t->down,          conf->path,          conf->real_path,    conf->name,
                       conf->mode_name,  conf->script_file,   conf->script_dir,   conf->log_file,
                       conf->trace_file, conf->status_socket, conf->metrics_addr, conf->run_as};
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
        free(strings[i]);
    free(conf);
}
