/* SPDX-License-Identifier: MIT */
/* What each setting of the two programs comes to. The facts are in their README files and `--help`. */
#include "tools/import/import.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Why a setting has no field here; NULL: it has one, which the functions below fill. */
struct meaning {
    const char *name;
    const char *why;
};

#define FITS_LINE      "the rate, the windows and the time to send again follow what is measured on the line"
#define SYSTEM_BUFFERS "the system's buffers are set by the program"
#define OWN_WINDOW     "each connection has a window of its own; max_memory bounds them all"

static const struct meaning of_kcptun[] = {
    {"localaddr", NULL},
    {"remoteaddr", NULL},
    {"listen", NULL},
    {"target", NULL},
    {"key", NULL},
    {"mode", NULL},
    {"log", NULL},
    {"quiet", NULL},
    {"ratelimit", NULL},
    {"crypt", "all is encrypted, by AES-256-GCM or ChaCha20-Poly1305, whichever costs the slower end less"},
    {"nodelay", FITS_LINE},
    {"interval", FITS_LINE},
    {"resend", FITS_LINE},
    {"nc", FITS_LINE},
    {"sndwnd", "windows follow the line; to limit the rate there is max_rate_mbit"},
    {"rcvwnd", "windows follow the line; to limit the rate there is max_rate_mbit"},
    {"mtu", "the largest size that the path carries is found, and found anew on another path"},
    {"conn", "connections do not hold each other up, so one session carries all"},
    {"autoexpire", "keys, and where a port goes dark ports, change within the session"},
    {"scavengettl", "keys, and where a port goes dark ports, change within the session"},
    {"datashard", "redundancy follows the measured loss and is nothing on a clean line"},
    {"parityshard", "redundancy follows the measured loss and is nothing on a clean line"},
    {"dscp", "packets are not marked"},
    {"nocomp", "nothing is compressed"},
    {"smuxver", OWN_WINDOW},
    {"smuxbuf", OWN_WINDOW},
    {"streambuf", OWN_WINDOW},
    {"framesize", OWN_WINDOW},
    {"keepalive", "a session keeps itself alive; skcp_keepalive says how long it may hear nothing"},
    {"acknodelay", "acknowledgements go out at once for each batch that came"},
    {"sockbuf", SYSTEM_BUFFERS},
    {"tcp", "beware: UDP must get through, there is no imitation of TCP"},
    {"snmplog", "`skcptun status --json` gives the numbers, `skcptun status --watch` shows them"},
    {"snmpperiod", "`skcptun status --json` gives the numbers, `skcptun status --watch` shows them"},
    {"pprof", "there is no profiling server"},
    {"closewait", "a closing connection's last bytes are delivered, however long it takes"},
    {"QPP", "there is one set of ciphers, without an addition to it"},
    {"QPPCount", "there is one set of ciphers, without an addition to it"},
    {0},
};

static const struct meaning of_libev[] = {
    {"listen", NULL},
    {"connect", NULL},
    {"kcp_bind", NULL},
    {"kcp_connect", NULL},
    {"udp_bind", NULL},
    {"udp_connect", NULL},
    {"password", NULL},
    {"psk", NULL},
    {"loglevel", NULL},
    {"user", NULL},
    {"method", "the cipher is agreed between the ends"},
    {"obfs", "beware: packets look like random bytes and imitate no other protocol"},
    {"rendezvous_server", "beware: the server must be reached directly; there is no meeting point"},
    {"http_listen", "`skcptun status` gives the numbers"},
    {"netdev", "beware: the system's routes say which interface is taken"},
    {"linger", "a closing connection's last bytes are delivered, however long it takes"},
    {"timeout", "tcp_keepalive can end connections that say nothing; absent, they may be silent for ever"},
    {"keepalive", "a session keeps itself alive; skcp_keepalive says how long it may hear nothing"},
    {"time_wait", "numbers of connections are never used twice"},
    {"kcp.mtu", "the largest size that the path carries is found, and found anew on another path"},
    {"kcp.sndwnd", "windows follow the line; to limit the rate there is max_rate_mbit"},
    {"kcp.rcvwnd", "windows follow the line; to limit the rate there is max_rate_mbit"},
    {"kcp.nodelay", FITS_LINE},
    {"kcp.interval", FITS_LINE},
    {"kcp.resend", FITS_LINE},
    {"kcp.nc", FITS_LINE},
    {"kcp.flush", FITS_LINE},
    {"tcp.reuseport", "a port has one program"},
    {"tcp.keepalive", "probes find dead connections in any case"},
    {"tcp.nodelay", "nothing waits to be gathered"},
    {"tcp.sndbuf", SYSTEM_BUFFERS},
    {"tcp.rcvbuf", SYSTEM_BUFFERS},
    {"udp.reuseport", "a port has one program"},
    {"udp.sndbuf", SYSTEM_BUFFERS},
    {"udp.rcvbuf", SYSTEM_BUFFERS},
    {0},
};

static const struct meaning *find(const struct meaning *table, const char *name)
{
    for (; table->name; table++)
        if (strcmp(table->name, name) == 0)
            return table;
    return NULL;
}

/* Which program's settings are these? The names of the addresses tell. */
static bool is_libev(const struct skt_import_settings *s)
{
    static const char *const own[] = {"kcp_bind", "kcp_connect", "udp_bind", "udp_connect", "connect", "psk"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (skt_import_value(s, own[i]))
            return true;
    return false;
}

/* Notes what has no field, and warns of what neither program has. */
static void note(const struct skt_import_settings *s, const struct meaning *table,
                 struct skt_import_plan *out)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct skt_import_setting *set = &s->list[i];
        const struct meaning *m = find(table, set->name);
        if (skt_import_value(s, set->name) != set->value)
            continue; /* a later one with this name counts */
        if (!m)
            fprintf(stderr, "skcptun: import: warning: %s has no setting \"%s\": left out\n", out->program,
                    set->name);
        else if (m->why)
            out->notes[out->note_count++] = (struct skt_import_note){set, m->why};
    }
}

static int read_place(const struct skt_command *self, const char *what, const char *value, const char *every,
                      struct skt_place *out)
{
    if (!strchr(value, ':') && strchr(value, '/'))
        return skt_cli_usage_error(self, "%s: \"%s\" is a Unix socket: this version has TCP ports only", what,
                                   value);
    if (!skt_place_read(value, NULL, every, out))
        return skt_cli_usage_error(self, "%s: expected HOST:PORT, got \"%s\"", what, value);
    return SKT_EXIT_OK;
}

/* An address of the plan: where it stands, what the other program takes where nothing is given (NULL: it has
 * to be), and what ":PORT" is (NULL: nothing). */
static int take_place(const struct skt_command *self, const struct skt_import_settings *s,
                      const char *const names[2], const char *otherwise, const char *every,
                      struct skt_place *out, const char **from)
{
    *from = skt_import_value(s, names[0]);
    if (!*from && names[1])
        *from = skt_import_value(s, names[1]);
    if (!*from && !otherwise)
        return skt_cli_usage_error(self, "%s is missing", names[0]);
    return read_place(self, names[0], *from ? *from : otherwise, every, out);
}

static int take_one_port(const struct skt_command *self, const char *what, const struct skt_place *place)
{
    return strchr(place->port, '-')
               ? skt_cli_usage_error(self, "%s: expected one port, got \"%s\"", what, place->port)
               : SKT_EXIT_OK;
}

static int take_places(const struct skt_command *self, const struct skt_import_settings *s, bool libev,
                       struct skt_import_plan *out)
{
    static const char *const tcp_names[2][2][2] = {{{"localaddr", NULL}, {"target", NULL}},
                                                   {{"listen", NULL}, {"connect", NULL}}};
    static const char *const udp_names[2][2][2] = {
        {{"remoteaddr", NULL}, {"listen", NULL}}, {{"kcp_connect", "udp_connect"}, {"kcp_bind", "udp_bind"}}};
    bool server = out->end == SKT_IMPORT_SERVER;
    const char *const *tcp = tcp_names[libev][server], *const *udp = udp_names[libev][server];
    int status = take_place(self, s, tcp,
                            libev    ? NULL
                            : server ? "127.0.0.1:12948"
                                     : ":12948",
                            server ? "127.0.0.1" : "0.0.0.0", &out->tcp, &out->tcp_from);
    if (status == SKT_EXIT_OK)
        status = take_one_port(self, tcp[0], &out->tcp);
    if (status == SKT_EXIT_OK)
        status = take_place(self, s, udp, server && !libev ? ":29900" : NULL, server ? "*" : NULL, &out->udp,
                            &out->udp_from);
    return status;
}

static void take_secret(const struct skt_import_settings *s, bool libev, struct skt_import_plan *out)
{
    out->password = skt_import_value(s, libev ? "password" : "key");
    out->key = libev ? skt_import_value(s, "psk") : NULL;
    if (!libev && !out->password) {
        out->password = "it's a secrect"; /* as it is spelled there */
        out->default_password = true;
    }
}

static int take_mode(const struct skt_command *self, const struct skt_import_settings *s,
                     struct skt_import_plan *out)
{
    static const char *const modes[] = {"fast3", "fast2", "fast", "manual", "normal"};
    out->mode_from = skt_import_value(s, "mode");
    out->speed_mode = -1;
    if (!out->mode_from)
        return SKT_EXIT_OK;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(out->mode_from, modes[i]) == 0)
            out->speed_mode = strcmp(modes[i], "normal") != 0;
    return out->speed_mode >= 0 ? SKT_EXIT_OK
                                : skt_cli_usage_error(self,
                                                      "mode: expected fast3, fast2, fast, normal or manual, "
                                                      "got \"%s\"",
                                                      out->mode_from);
}

static int take_number(const struct skt_command *self, const struct skt_import_settings *s, const char *name,
                       double *out)
{
    const char *text = skt_import_value(s, name);
    char *end = NULL;
    *out = text ? strtod(text, &end) : 0;
    return !text || (end != text && !*end && isfinite(*out) && *out >= 0)
               ? SKT_EXIT_OK
               : skt_cli_usage_error(self, "%s: expected a number, got \"%s\"", name, text);
}

/* kcptun-libev's levels: 0 silence, 1 fatal, 2 error, 3 warning, 4 notice, 5 info, 6 debug and more. */
static int take_log(const struct skt_command *self, const struct skt_import_settings *s, bool libev,
                    struct skt_import_plan *out)
{
    double level;
    int status = take_number(self, s, "loglevel", &level);
    const char *quiet = skt_import_value(s, "quiet");
    out->log_file = libev ? NULL : skt_import_value(s, "log");
    if (out->log_file && !*out->log_file)
        out->log_file = NULL;
    out->log_level_from = skt_import_value(s, libev ? "loglevel" : "quiet");
    if (libev && out->log_level_from)
        out->log_level = level < 3 ? "error" : level < 4 ? "warn" : level < 6 ? "info" : "debug";
    else if (!libev && quiet)
        out->log_level = strcmp(quiet, "true") == 0 ? "warn" : "info";
    return libev ? status : SKT_EXIT_OK;
}

/* -l of the flags is the client's localaddr and the server's listen. */
static void name_short_listen(struct skt_import_settings *s, enum skt_import_end end)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->list[i].name, "l") == 0)
            strcpy(s->list[i].name, end == SKT_IMPORT_SERVER ? "listen" : "localaddr");
}

static int take_end(const struct skt_command *self, const struct skt_import_settings *s, bool libev,
                    struct skt_import_plan *out)
{
    bool client = libev ? skt_import_value(s, "listen") || skt_import_value(s, "kcp_connect")
                        : skt_import_value(s, "remoteaddr") || skt_import_value(s, "localaddr");
    bool server = libev ? skt_import_value(s, "connect") != NULL
                        : skt_import_value(s, "target") || skt_import_value(s, "listen");
    if ((client && server) || (client && s->end == SKT_IMPORT_SERVER) ||
        (server && s->end == SKT_IMPORT_CLIENT))
        return skt_cli_usage_error(self, "these are settings of a client and of a server");
    out->end = client ? SKT_IMPORT_CLIENT : server ? SKT_IMPORT_SERVER : s->end;
    if (out->end == SKT_IMPORT_UNKNOWN)
        return skt_cli_usage_error(self, "a client's settings or a server's? Say --client or --server");
    return SKT_EXIT_OK;
}

int skt_import_translate(const struct skt_command *self, struct skt_import_settings *s,
                         struct skt_import_plan *out)
{
    bool libev = is_libev(s);
    *out = (struct skt_import_plan){.program = libev ? "kcptun-libev" : "kcptun"};
    int status = take_end(self, s, libev, out);
    if (status != SKT_EXIT_OK)
        return status;
    name_short_listen(s, out->end);
    double bytes;
    if ((status = take_places(self, s, libev, out)) != SKT_EXIT_OK ||
        (status = take_mode(self, s, out)) != SKT_EXIT_OK ||
        (status = take_log(self, s, libev, out)) != SKT_EXIT_OK ||
        (status = take_number(self, s, "ratelimit", &bytes)) != SKT_EXIT_OK)
        return status;
    out->max_rate_mbit = bytes * 8 / 1e6;
    out->user = skt_import_value(s, "user");
    take_secret(s, libev, out);
    note(s, libev ? of_libev : of_kcptun, out);
    return SKT_EXIT_OK;
}
