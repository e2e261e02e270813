/* SPDX-License-Identifier: MIT */
/* What relays say: each thing once, in words, then rarely (base/log.h). */
#include "tunnel/endpoint_log.h"
#include "tunnel/relay_internal.h"

#include <stdio.h>
#include <string.h>

static uint64_t key_of(const struct skt_relay *r, const char *what)
{
    return skt_log_key(what, strlen(what), skt_endpoint_log_key(r->ep, r->st->session));
}

static const char *target_of(const char *name)
{
    return name && *name ? name : "(the default one)";
}

void skt_relay_log_no_target(const struct skt_relay *r)
{
    const struct skt_relay_connect *c = r->connect;
    char who[SKT_CLIENT_TEXT_MAX], addr[SKT_ADDR_TEXT_MAX], at[SKT_ADDR_TEXT_MAX + 8] = "";
    skt_addr_text(&c->at, addr);
    if (c->at.family && strncmp(addr, c->host, strlen(c->host)) != 0) /* a name's address */
        snprintf(at, sizeof at, " at %s", addr);
    skt_warn_rarely(key_of(r, c->host), "%s: target %s, %.100s port %u%s: %s",
                    skt_endpoint_session_text(r->ep, r->st->session, who), target_of(r->st->name), c->host,
                    c->port, at, c->why);
}

void skt_relay_log_refused(const struct skt_relay *r, int reason)
{
    char who[SKT_CLIENT_TEXT_MAX];
    skt_warn_rarely(key_of(r, r->target ? r->target : ""), "%s: the server says: %s: %s",
                    skt_endpoint_session_text(r->ep, r->st->session, who), skt_reset_str(reason),
                    target_of(r->target));
}
