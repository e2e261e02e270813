/* SPDX-License-Identifier: MIT */
#include "tunnel/endpoint_log.h"

#include "base/err.h"
#include "base/format.h"
#include "base/log.h"
#include "tunnel/endpoint_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NET_ERROR_TIME (3 * SKT_US_PER_SEC) /* longer than the wait between two tries */

/* --- whose --- */

static uint64_t entry_key(const struct skt_endpoint *ep)
{
    return skt_log_key(ep->place.address, strlen(ep->place.address), ep->place.port_lo);
}

uint64_t skt_endpoint_log_key(const struct skt_endpoint *ep, const struct skt_session *s)
{
    const uint8_t *ticket = ep->server ? skt_session_ticket(s) : NULL;
    return ticket ? skt_log_key(ticket, SKT_TICKET_LEN, 0) : entry_key(ep);
}

static const char *name_of(const struct skt_endpoint *ep, const uint8_t *ticket)
{
    return ep->server && ticket && ep->handler.name_of ? ep->handler.name_of(ep->user, ticket) : NULL;
}

/* "alice, 192.0.2.1:4000" */
static const char *client_text(const struct skt_endpoint *ep, const uint8_t *ticket,
                               const struct skt_addr *from, char buf[SKT_CLIENT_TEXT_MAX])
{
    char addr[SKT_ADDR_TEXT_MAX];
    const char *name = name_of(ep, ticket);
    snprintf(buf, SKT_CLIENT_TEXT_MAX, "%.64s%s%s", name ? name : "", name ? ", " : "",
             skt_addr_text(from, addr));
    return buf;
}

const char *skt_endpoint_session_text(const struct skt_endpoint *ep, const struct skt_session *s,
                                      char buf[SKT_CLIENT_TEXT_MAX])
{
    char who[SKT_CLIENT_TEXT_MAX];
    if (!ep->server)
        snprintf(buf, SKT_CLIENT_TEXT_MAX, "session %u", skt_session_cid(s));
    else
        snprintf(buf, SKT_CLIENT_TEXT_MAX, "session %u (%.140s)", skt_session_cid(s),
                 client_text(ep, skt_session_ticket(s), skt_session_peer(s), who));
    return buf;
}

/* The server as the configuration has it. */
static const char *server_text(const struct skt_endpoint *ep, char buf[SKT_CLIENT_TEXT_MAX])
{
    if (ep->place.port_lo == ep->place.port_hi)
        snprintf(buf, SKT_CLIENT_TEXT_MAX, "%.120s port %u", ep->place.address, ep->place.port_lo);
    else
        snprintf(buf, SKT_CLIENT_TEXT_MAX, "%.120s ports %u to %u", ep->place.address, ep->place.port_lo,
                 ep->place.port_hi);
    return buf;
}

/* --- a session's life --- */

void skt_endpoint_log_up(const struct skt_endpoint *ep, const struct skt_session *s, const char *what)
{
    char who[SKT_CLIENT_TEXT_MAX];
    skt_info_news(skt_endpoint_log_key(ep, s), "session %u %s: %s, %s", skt_session_cid(s), what,
                  client_text(ep, skt_session_ticket(s), skt_session_peer(s), who),
                  skt_session_cipher_name(s));
}

void skt_endpoint_log_lost(const struct skt_endpoint *ep, const struct skt_session *s)
{
    SKT_LOG_LIMITED(SKT_LOG_NEWS, SKT_LOG_WARN, skt_endpoint_log_key(ep, s),
                    "session %u is lost: the server %s was restarted; its connections are reset",
                    skt_session_old_cid(s), ep->place.address);
}

void skt_endpoint_log_closed(const struct skt_endpoint *ep, const struct skt_session *s)
{
    const struct skt_session_stats *st = skt_session_stats(s);
    char who[SKT_CLIENT_TEXT_MAX], age[SKT_FORMAT_MAX], tx[SKT_FORMAT_MAX], rx[SKT_FORMAT_MAX];
    skt_us now = skt_loop_now(ep->loop), created = skt_session_created(s);
    skt_info_news(
        skt_endpoint_log_key(ep, s), "session %u is closed: %s (%s; %s, %s sent, %s received)",
        skt_session_cid(s), skt_close_words((enum skt_close)skt_session_close_reason(s)),
        client_text(ep, skt_session_ticket(s), skt_session_peer(s), who),
        skt_format_duration(now > created ? (double)(now - created) / (double)SKT_US_PER_SEC : 0, age),
        skt_format_bytes((double)st->bytes_tx, tx), skt_format_bytes((double)st->bytes_rx, rx));
}

/* --- who is not let in --- */

void skt_endpoint_log_refusing(const struct skt_endpoint *ep, const uint8_t *ticket,
                               const struct skt_addr *from, const char *why)
{
    char who[SKT_CLIENT_TEXT_MAX];
    skt_warn_rarely(skt_log_key(from->ip, sizeof from->ip, 0), "refused a client at %s: %s",
                    client_text(ep, ticket, from, who), why);
}

/* Nobody can tell which of these it is. A client whose session ended with our last run, or a while ago, sends
 * on for a moment, so that is named too. */
void skt_endpoint_log_foreign(const struct skt_endpoint *ep, const struct skt_addr *from, int err)
{
    char addr[SKT_ADDR_TEXT_MAX];
    skt_endpoint_trace_dropped(NULL, from, err);
    if (ep->server)
        skt_info_steady(skt_log_key(from->ip, sizeof from->ip, 0),
                        "packets from %s do not open with our password or key: it has another one, or is "
                        "another program, or its session has ended",
                        skt_addr_text(from, addr));
}

/* --- debug --- */

static void trace_handshake(const struct skt_endpoint *ep, struct skt_session *s, const struct skt_addr *to)
{
    char addr[SKT_ADDR_TEXT_MAX] = "", server[SKT_CLIENT_TEXT_MAX];
    unsigned notes = skt_session_take_notes(s);
    if (to)
        skt_addr_text(to, addr);
    server_text(ep, server);
    if (notes & SKT_NOTE_INITIATION)
        skt_debug_of(entry_key(ep), "handshake with %s: message 1 to %s", server, addr);
    if (notes & SKT_NOTE_RESPONSE)
        skt_debug_of(entry_key(ep), "handshake with %s: message 2 has come and fits", server);
    if (notes & SKT_NOTE_ATTACH)
        skt_debug_of(entry_key(ep), "handshake with %s: ATTACH with %s to %s", server,
                     notes & SKT_NOTE_PROOF ? "a proof of our ticket" : "our ticket itself", addr);
    if (notes & (SKT_NOTE_NEW | SKT_NOTE_CONTINUED))
        skt_debug_of(entry_key(ep), "handshake with %s: ACCEPT, session %u %s, %s", server,
                     skt_session_cid(s), notes & SKT_NOTE_NEW ? "is new" : "has new keys",
                     skt_session_cipher_name(s));
}

void skt_endpoint_trace_handshake(const struct skt_endpoint *ep, struct skt_session *s,
                                  const struct skt_addr *to)
{
    if (!ep->server && skt_log_is_on(SKT_LOG_DEBUG))
        trace_handshake(ep, s, to);
}

void skt_endpoint_trace_initiation(const struct skt_addr *from, long result)
{
    char addr[SKT_ADDR_TEXT_MAX];
    if (result > 0)
        skt_debug("handshake: message 1 from %s is answered", skt_addr_text(from, addr));
    else
        skt_debug("handshake: message 1 from %s is dropped: %s", skt_addr_text(from, addr),
                  result == 0 ? "no answer is due" : skt_err_str((int)result));
}

void skt_endpoint_trace_dropped(const struct skt_session *s, const struct skt_addr *from, int err)
{
    char addr[SKT_ADDR_TEXT_MAX];
    const char *why = err == SKT_ERR_NOTFOUND ? "it belongs to no session or handshake" : skt_err_str(err);
    if (s)
        skt_debug("session %u: a datagram from %s is dropped: %s", skt_session_cid(s),
                  skt_addr_text(from, addr), why);
    else
        skt_debug("a datagram from %s is dropped: %s", skt_addr_text(from, addr), why);
}

/* --- a client's troubles --- */

void skt_endpoint_log_refused(const struct skt_endpoint *ep, const struct skt_session *s)
{
    const char *text;
    int result = skt_session_refusal(s, &text);
    skt_error_rarely(entry_key(ep), "the server %s refused: %s", ep->place.address,
                     *text                         ? text
                     : result == SKT_ATTACH_TICKET ? "it does not know our ticket"
                                                   : "no reason given");
}

void skt_endpoint_log_unresolved(const struct skt_endpoint *ep, const char *error)
{
    skt_warn_rarely(entry_key(ep), "can't look up %s: %s", ep->place.address, error);
}

/* What the system said of the way there, in words that name what to look at. */
static void no_answer(struct skt_endpoint *ep, int error, const char *what)
{
    char server[SKT_CLIENT_TEXT_MAX];
    skt_warn_rarely(skt_log_key(&error, sizeof error, entry_key(ep)), "no answer from the server %s: %s",
                    server_text(ep, server), what);
}

void skt_endpoint_log_unreached(struct skt_endpoint *ep, const struct skt_addr *to, int error)
{
    char what[SKT_CLIENT_TEXT_MAX], addr[SKT_ADDR_TEXT_MAX];
    const char *hint = error == ECONNREFUSED               ? "nothing listens there on UDP"
                       : error == ENETUNREACH              ? "is this machine online?"
                       : error == EPERM || error == EACCES ? "a firewall of this machine?"
                                                           : "";
    snprintf(what, sizeof what, "%s: %s%s%s", skt_addr_text(to, addr), strerror(error), *hint ? ": " : "",
             hint);
    ep->reach.net_error_at = skt_loop_now(ep->loop);
    no_answer(ep, error, what);
}

/* Once an error of the network has been told, silence says nothing new. */
void skt_endpoint_log_silent(struct skt_endpoint *ep)
{
    char what[SKT_CLIENT_TEXT_MAX], clock[64];
    struct tm tm;
    time_t t = (time_t)(ep->ctx.wall_ms / 1000);
    if (ep->reach.net_error_at && skt_loop_now(ep->loop) - ep->reach.net_error_at < NET_ERROR_TIME)
        return;
    gmtime_r(&t, &tm);
    strftime(clock, sizeof clock, "%Y-%m-%d %H:%M UTC", &tm);
    snprintf(
        what, sizeof what,
        "is it running, its UDP port open, the password or key the same, the clock right (here it is %s)?",
        clock);
    no_answer(ep, 0, what);
}
