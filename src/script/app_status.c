/* SPDX-License-Identifier: MIT */
#include "script/app.h"

#include "base/utf8.h"
#include "config/tickets.h"
#include "crypto/crypto.h"
#include "proto/session/stats.h"
#include "script/app_debug.h"
#include "script/app_numbers.h"
#include "script/state.h"
#include "script/tun.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Bytes beyond ASCII are UTF-8 where they are well-formed; where not, each is shown as the character of its
 * number. */
static void write_string(FILE *out, const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    (void)fputc('"', out);
    while (*s) {
        size_t len = *s >= 0x80 ? skt_utf8_len(s) : 0;
        if (len > 0) {
            (void)fwrite(s, 1, len, out);
            s += len;
            continue;
        }
        if (*s == '"' || *s == '\\')
            fprintf(out, "\\%c", *s);
        else if (*s < 0x20 || *s >= 0x7f)
            fprintf(out, "\\u%04x", *s);
        else
            (void)fputc(*s, out);
        s++;
    }
    (void)fputc('"', out);
}

static void write_text(FILE *out, const char *name, const char *value)
{
    fprintf(out, "\"%s\":", name);
    if (value)
        write_string(out, value);
    else
        fputs("null", out);
    (void)fputc(',', out);
}

static void write_count(FILE *out, const char *name, uint64_t value)
{
    fprintf(out, "\"%s\":%llu,", name, (unsigned long long)value);
}

/* Three decimals, without the locale's decimal point. */
static void write_milli(FILE *out, const char *name, uint64_t thousandths)
{
    fprintf(out, "\"%s\":%llu.%03u,", name, (unsigned long long)(thousandths / 1000),
            (unsigned)(thousandths % 1000));
}

/* Ends an object whose members were written with a comma each. */
static void write_end(FILE *out, const char *last_name, uint64_t last)
{
    fprintf(out, "\"%s\":%llu}", last_name, (unsigned long long)last);
}

static void write_value(FILE *out, const char *name, enum skt_stat_unit unit, uint64_t value)
{
    uint64_t milli = skt_stat_is_whole(unit) ? 0 : skt_stat_milli(unit, value);
    if (skt_stat_is_whole(unit))
        fprintf(out, "\"%s\":%llu", name, (unsigned long long)value);
    else
        fprintf(out, "\"%s\":%llu.%03u", name, (unsigned long long)(milli / 1000), (unsigned)(milli % 1000));
}

/* All that the list has for the status, without a comma behind the last one; "rtt_ms.min" is in an object. */
static void write_numbers(FILE *out, const struct skt_session *s, skt_us now)
{
    const char *object = "", *comma = "";
    size_t object_len = 0;
    for (size_t i = 0; i < SKT_STATS; i++) {
        const struct skt_stat_row *row = &skt_stats[i];
        if (!row->status)
            continue;
        const char *dot = strchr(row->status, '.');
        size_t len = dot ? (size_t)(dot - row->status) : 0;
        bool same = len == object_len && strncmp(row->status, object, len) == 0;
        fprintf(out, "%s%s", object_len > 0 && !same ? "}" : "", comma);
        if (len > 0 && !same)
            fprintf(out, "\"%.*s\":{", (int)len, row->status);
        write_value(out, dot ? dot + 1 : row->status, row->unit, row->get(s, now));
        object = row->status;
        object_len = len;
        comma = ",";
    }
    if (object_len > 0)
        (void)fputc('}', out);
}

/* The address that a session has in the TUN: on a server the first of its own, on a client the TUN's. */
static const char *tun_address(const struct skt_script *app, const struct skt_endpoint *ep, uint32_t cid,
                               char text[SKT_IPNET_TEXT_MAX])
{
    const struct skt_script_tun_unit *u = app->tun;
    const struct skt_ipnet *net = u ? &u->address4 : NULL;
    if (u && u->server)
        net = skt_switch_net(u->sw, ep, cid, 0);
    return net && net->family ? skt_ipnet_text(net, false, text) : NULL;
}

/* debug: how many streams may still be told of; NULL: none are. */
static void write_session(struct skt_script *app, FILE *out, const struct skt_endpoint *ep,
                          const struct skt_session *s, unsigned *debug)
{
    const uint8_t *ticket = skt_session_ticket(s);
    const struct skt_config_ticket *entry = ticket ? skt_tickets_entry(app->conf, ticket) : NULL;
    const uint8_t *psk = skt_endpoint_psk_of(ep, s);
    char key[SKT_FINGERPRINT_LEN + 1], peer[SKT_ADDR_TEXT_MAX], tun_ip[SKT_IPNET_TEXT_MAX];
    (void)fputc('{', out);
    write_count(out, "cid", skt_session_cid(s));
    write_text(out, "state", skt_session_state_str(skt_session_state(s)));
    write_text(out, "peer", skt_addr_text(skt_session_peer(s), peer));
    write_text(out, "name", entry ? entry->name : NULL);
    if (psk && skt_crypto_fingerprint(skt_crypto_openssl(), psk, key) == 0)
        write_text(out, "key", key);
    else
        write_text(out, "key", NULL);
    write_text(out, "tun_ip", tun_address(app, ep, skt_session_cid(s), tun_ip));
    if (app->tun && app->tun->sw)
        write_count(out, "tun_mtu", skt_switch_mtu(app->tun->sw, ep, skt_session_cid(s)));
    write_numbers(out, s, skt_loop_now(app->loop));
    if (debug)
        skt_script_write_debug(app, out, ep, s, debug);
    (void)fputc('}', out);
}

static void write_sessions(struct skt_script *app, FILE *out, unsigned *debug)
{
    bool first = true;
    fputs("\"sessions\":[", out);
    for (struct skt_list *l = app->skcps.live.next; l != &app->skcps.live; l = l->next) {
        const struct skt_script_skcp *k = SKT_CONTAINER(l, struct skt_script_skcp, link);
        uint32_t pos = 0;
        for (struct skt_session *s; (s = skt_endpoint_next(k->ep, &pos)) != NULL; first = false) {
            if (!first)
                (void)fputc(',', out);
            write_session(app, out, k->ep, s, debug);
        }
    }
    fputs("],", out);
}

static void write_taker(const struct skt_taker *taker, FILE *out)
{
    struct skt_taker_stats st;
    skt_taker_stats(taker, &st);
    fputs(",\"relay_tcp\":{", out);
    write_count(out, "open", st.open);
    write_count(out, "taken", st.taken);
    write_count(out, "refused", st.refused);
    write_end(out, "passed", st.passed);
}

static void write_tun(const struct skt_script_tun_unit *u, FILE *out)
{
    struct skt_switch_stats st;
    char text[SKT_IPNET_TEXT_MAX];
    skt_switch_stats(u->sw, &st);
    write_text(out, "name", skt_tun_name(u->dev));
    write_text(out, "ip", u->address4.family ? skt_ipnet_text(&u->address4, true, text) : NULL);
    write_text(out, "ip6", u->address6.family ? skt_ipnet_text(&u->address6, true, text) : NULL);
    write_count(out, "mtu", u->mtu);
    fprintf(out, "\"offload\":%s,", skt_tun_offloads(u->dev) ? "true" : "false");
    write_count(out, "packets_in", st.packets_in);
    write_count(out, "bytes_in", st.bytes_in);
    write_count(out, "packets_out", st.packets_out);
    write_count(out, "bytes_out", st.bytes_out);
    write_count(out, "forwarded", st.forwarded);
    write_count(out, "waiting_bytes", skt_switch_waiting(u->sw));
    write_count(out, "dropped", st.dropped);
    write_count(out, "marked", st.marked);
    write_count(out, "overflow", st.overflow);
    write_count(out, "spoofed", st.spoofed);
    write_count(out, "malformed", st.malformed);
    write_count(out, "group", st.group);
    write_count(out, "too_big", st.too_big);
    fprintf(out, "\"no_route\":%llu", (unsigned long long)st.no_route);
    if (u->taker)
        write_taker(u->taker, out);
}

static void write_status(struct skt_script *app, FILE *out, unsigned *debug)
{
    const struct skt_relay_stats relays = skt_script_connections(app);
    const struct skt_drops drops = skt_script_drops(app);
    (void)fputc('{', out);
    write_text(out, "version", SKT_VERSION);
    write_text(out, "mode", app->conf->mode_name);
    write_text(out, "config", app->conf->real_path);
    write_count(out, "pid", (uint64_t)getpid());
    write_milli(out, "uptime_s", (skt_loop_now(app->loop) - app->life.created) / 1000);
    write_count(out, "rss_bytes", skt_script_rss());
    write_sessions(app, out, debug);
    fputs("\"tcp\":{", out);
    write_count(out, "open", relays.open);
    write_count(out, "accepted", relays.accepted);
    write_count(out, "refused", relays.refused);
    write_end(out, "closed", relays.closed);
    fputs(",\"tun\":{", out);
    if (app->tun && app->tun->sw)
        write_tun(app->tun, out);
    fputs("},\"drops\":{", out);
    write_count(out, "auth", drops.auth);
    write_count(out, "replay", drops.replay);
    write_count(out, "malformed", drops.malformed);
    write_end(out, "overload", drops.overload);
    fputs("}\n", out);
}

void skt_script_status_json(struct skt_script *app, FILE *out)
{
    write_status(app, out, NULL);
}

void skt_script_status_debug(struct skt_script *app, FILE *out)
{
    unsigned left = SKT_DEBUG_STREAMS_MAX;
    write_status(app, out, &left);
}
