/* SPDX-License-Identifier: MIT */
/* What relays say: each thing once, in words, then rarely (base/log.h). */
#include "tunnel/relay_log.h"

#include "base/format.h"
#include "io/tcp.h"
#include "tunnel/endpoint_log.h"

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
    const struct skt_dial_failure *f = &c->dial.failure;
    skt_addr_text(&f->at, addr);
    if (r->st->kind == SKT_STREAM_TCP_TO) { /* as hosts of the Internet are: nobody's mistake here */
        skt_info_steady(key_of(r, ""), "%s: %.100s port %u: %s",
                        skt_endpoint_session_text(r->ep, r->st->session, who), c->host, c->port, f->why);
        return;
    }
    if (f->at.family && strncmp(addr, c->host, strlen(c->host)) != 0) /* a name's address */
        snprintf(at, sizeof at, " at %s", addr);
    skt_warn_rarely(key_of(r, c->host), "%s: target %s, %.100s port %u%s: %s",
                    skt_endpoint_session_text(r->ep, r->st->session, who), target_of(r->st->name), c->host,
                    c->port, at, f->why);
}

void skt_relay_log_refused(const struct skt_relay *r, int reason)
{
    char who[SKT_CLIENT_TEXT_MAX];
    skt_warn_rarely(key_of(r, r->name.target ? r->name.target : ""), "%s: the server says: %s: %s",
                    skt_endpoint_session_text(r->ep, r->st->session, who),
                    skt_reset_words((enum skt_reset)reason), target_of(r->name.target));
}

/* --- debug --- */

static const char *name_of(const struct skt_relay *r, char buf[32])
{
    snprintf(buf, 32, "connection %u/%u", r->name.cid, r->name.conv);
    return buf;
}

static void trace_begin(const struct skt_relay *r)
{
    char name[32], who[SKT_CLIENT_TEXT_MAX], from[SKT_ADDR_TEXT_MAX];
    struct skt_addr peer = {0};
    if (r->connect) {
        bool named = r->st->kind != SKT_STREAM_TCP_TO;
        skt_debug_of(r->name.story, "%s: %s asks for %s%s, %.100s port %u", name_of(r, name),
                     skt_endpoint_session_text(r->ep, r->st->session, who), named ? "target " : "an address",
                     named ? target_of(r->st->name) : "", r->connect->host, r->connect->port);
        return;
    }
    (void)skt_tcp_peer(skt_tcp_conn_fd(r->conn), &peer);
    skt_debug_of(r->name.story, "%s: accepted from %s, to target %s", name_of(r, name),
                 skt_addr_text(&peer, from), target_of(r->name.target));
}

void skt_relay_trace_begin(struct skt_relay *r)
{
    r->name.cid = skt_session_cid(r->st->session);
    r->name.conv = r->st->conv;
    r->name.story = skt_endpoint_log_key(r->ep, r->st->session);
    if (skt_log_is_on(SKT_LOG_DEBUG))
        trace_begin(r);
}

void skt_relay_trace_connected(const struct skt_relay *r, const struct skt_tcp_conn *conn)
{
    char name[32], at[SKT_ADDR_TEXT_MAX];
    struct skt_addr peer = {0};
    if (!skt_log_is_on(SKT_LOG_DEBUG))
        return;
    (void)skt_tcp_peer(skt_tcp_conn_fd(conn), &peer);
    skt_debug_of(r->name.story, "%s: connected to %s in %llu ms", name_of(r, name), skt_addr_text(&peer, at),
                 (unsigned long long)((skt_loop_now(r->set->loop) - r->began) / SKT_US_PER_MS));
}

/* Who has ended it. */
static const char *end_of(const struct skt_relay *r)
{
    if (r->fate.refused)
        return "no target";
    if (r->fate.over)
        return r->fate.leaving ? "ended here" : "reset by the other end";
    if (r->fate.broken)
        return "TCP was reset or timed out";
    if (r->fate.leaving)
        return "no byte for tcp_keepalive";
    return r->in.told && r->out.shut ? "both sides were through" : "ended here";
}

void skt_relay_trace_end(const struct skt_relay *r)
{
    char name[32], age[SKT_FORMAT_MAX], in[SKT_FORMAT_MAX], out[SKT_FORMAT_MAX];
    if (!skt_log_is_on(SKT_LOG_DEBUG) || r->name.conv == 0)
        return;
    skt_debug_of(
        r->name.story, "%s: ended after %s: %s; %s from TCP, %s to TCP", name_of(r, name),
        skt_format_duration((double)(skt_loop_now(r->set->loop) - r->began) / (double)SKT_US_PER_SEC, age),
        end_of(r), skt_format_bytes((double)r->in.bytes, in), skt_format_bytes((double)r->out.bytes, out));
}
