/* SPDX-License-Identifier: MIT */
/* skt-attack CASE SERVER:PORT KEY [name=value...]: runs one case and prints what it cost, as JSON. */
#define _GNU_SOURCE
#include "attack/attack.h"
#include "crypto/crypto.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct attack_case *const tables[] = {
    attack_handshake_cases, attack_address_cases, attack_stream_cases, attack_window_cases,
    attack_frame_cases,     attack_tun_cases,     attack_reach_cases,
};

static const struct attack_case *find_case(const char *name)
{
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        for (const struct attack_case *c = tables[i]; c->name; c++)
            if (strcmp(c->name, name) == 0)
                return c;
    return NULL;
}

static int usage(void)
{
    fprintf(stderr,
            "usage: skt-attack CASE SERVER:PORT PASSWORD [name=value...]\n"
            "rate=UNITS_A_SECOND seconds=S count=UNITS sources=N source=FIRST_ADDRESS other_port=PORT\n"
            "ticket=32_BYTES mode=proxy|tun tun_ip=ADDRESS stay=1\n\n");
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        for (const struct attack_case *c = tables[i]; c->name; c++)
            fprintf(stderr, "%-18s %s\n", c->name, c->what);
    return 2;
}

/* --- the command line --- */

static bool take_setting(struct attack_params *p, const char *name, const char *value)
{
    struct in_addr in;
    if (strcmp(name, "rate") == 0)
        p->rate = atof(value);
    else if (strcmp(name, "seconds") == 0)
        p->seconds = atof(value);
    else if (strcmp(name, "count") == 0)
        p->count = strtoul(value, NULL, 10);
    else if (strcmp(name, "sources") == 0)
        p->sources = (unsigned)strtoul(value, NULL, 10);
    else if (strcmp(name, "other_port") == 0)
        p->other_port = (uint16_t)strtoul(value, NULL, 10);
    else if (strcmp(name, "stay") == 0)
        p->stay = strcmp(value, "0") != 0;
    else if (strcmp(name, "mode") == 0)
        p->mode = strcmp(value, "tun") == 0 ? SKT_MODE_TUN : SKT_MODE_PROXY;
    else if (strcmp(name, "ticket") == 0 && strlen(value) == SKT_TICKET_LEN)
        memcpy(p->ticket, value, SKT_TICKET_LEN);
    else if (strcmp(name, "source") == 0 && inet_pton(AF_INET, value, &in) == 1)
        p->source_base = ntohl(in.s_addr);
    else if (strcmp(name, "tun_ip") == 0 && inet_pton(AF_INET, value, p->tun_ip) == 1)
        return true;
    else
        return false;
    return p->sources <= ATTACK_SOURCES_MAX;
}

static bool take_server(struct attack_params *p, char *text)
{
    char *colon = strrchr(text, ':');
    if (!colon)
        return false;
    *colon = '\0';
    return skt_addr_parse(&p->server, text, (uint16_t)strtoul(colon + 1, NULL, 10)) == 0 &&
           p->server.family == 4;
}

static bool take_arguments(struct attack_params *p, char **argv)
{
    p->mode = SKT_MODE_PROXY;
    if (!take_server(p, argv[0]) || skt_crypto_psk_from_password(argv[1], strlen(argv[1]), p->psk) != 0)
        return false;
    for (char **arg = argv + 2; *arg; arg++) {
        char *equals = strchr(*arg, '=');
        if (!equals)
            return false;
        *equals = '\0';
        if (!take_setting(p, *arg, equals + 1)) {
            fprintf(stderr, "%s: unknown, or not such a value\n", *arg);
            return false;
        }
    }
    return true;
}

/* --- life --- */

static bool init_context(struct attack *a)
{
    struct skt_context *ctx = &a->ctx;
    struct skt_crypto_costs costs = {510, 1080};
    uint8_t c2s[SKT_KEY_LEN], s2c[SKT_KEY_LEN];
    skt_pool_init(&a->pool, SKT_KCP_BLOCK_LEN, 0);
    ctx->crypto = a->crypto;
    ctx->pool = &a->pool;
    memcpy(ctx->identity.psk, a->p.psk, SKT_KEY_LEN);
    skt_idmap_init(&ctx->ids);
    ctx->cc = &skt_cc_turbo;
    ctx->cost_aes_ns = costs.aes_ns;
    ctx->cost_chacha_ns = costs.chacha_ns;
    ctx->tuning.ciphers =
        SKT_CIPHER_BIT(SKT_CIPHER_AES_256_GCM) | SKT_CIPHER_BIT(SKT_CIPHER_CHACHA20_POLY1305);
    ctx->mode = a->p.mode;
    ctx->tuning.mtu_max = SKT_MTU_MAX;
    ctx->tuning.keepalive_s = 60;
    ctx->limits = (struct skt_kcp_limits){.rcv_wnd_max = 1024, .snd_unsent_max = 65536};
    ctx->tuning.redundancy = SKT_REDUNDANCY_OFF;
    ctx->features = SKT_FEATURE_ACK_RANGES | SKT_FEATURE_PARITY;
    if (a->p.mode == SKT_MODE_TUN) {
        ctx->features |= SKT_FEATURE_TUN_OFFLOAD;
        ctx->extensions[0] = SKT_EXTENSION_TUN_IP4;
        ctx->extensions[1] = sizeof a->p.tun_ip;
        memcpy(ctx->extensions + 2, a->p.tun_ip, sizeof a->p.tun_ip);
        ctx->extensions_len = 2 + sizeof a->p.tun_ip;
    }
    if (skt_packet_mask_keys(a->crypto, a->p.psk, c2s, s2c) != 0)
        return false;
    ctx->mask_out = a->crypto->mask_new(c2s);
    ctx->mask_in = a->crypto->mask_new(s2c);
    a->forged = calloc(a->p.sources + 1, sizeof *a->forged);
    return ctx->mask_out && ctx->mask_in && a->forged;
}

/* The worst of the forged addresses: bytes that it was sent, for those sent in its name. */
static double worst_amplification(const struct attack *a, uint64_t *sent, uint64_t *got)
{
    double worst = 0;
    *sent = *got = 0;
    for (unsigned i = 0; i < a->p.sources; i++) {
        const struct attack_account *f = &a->forged[i];
        *sent += f->sent;
        *got += f->got;
        double share = f->got ? (double)f->got / (double)(f->sent ? f->sent : 1) : 0;
        worst = share > worst ? share : worst;
    }
    return worst;
}

static void report(const struct attack *a, double took)
{
    uint64_t sent, got;
    unsigned up = 0;
    double worst = worst_amplification(a, &sent, &got);
    for (unsigned i = 0; i < a->session_count; i++)
        up += skt_session_state(a->sessions[i]) == SKT_SESSION_UP;
    printf("{\"units\": %lu, \"took\": %.3f, \"sent_packets\": %llu, \"got_packets\": %llu, \"sent\": %llu, "
           "\"got\": %llu, "
           "\"forged_sent\": %llu, \"forged_got\": %llu, \"amplification\": %.2f, \"refused\": %u, "
           "\"sessions\": %u, \"answered\": %u, \"reached\": %s}\n",
           a->worked ? a->worked : a->units, took, (unsigned long long)a->sent_packets,
           (unsigned long long)a->got_packets, (unsigned long long)a->own.sent,
           (unsigned long long)a->own.got, (unsigned long long)sent, (unsigned long long)got, worst,
           a->refused, up, a->answered, a->reached ? "true" : "false");
    fflush(stdout);
}

/* Until whoever started this closes standard input. */
static void stay(struct attack *a)
{
    char c;
    (void)fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
    while (read(STDIN_FILENO, &c, 1) != 0)
        attack_rest(a, 10 * SKT_US_PER_MS);
}

int main(int argc, char **argv)
{
    static struct attack a;
    const struct attack_case *c = argc >= 4 ? find_case(argv[1]) : NULL;
    signal(SIGPIPE, SIG_IGN);
    a.crypto = skt_crypto_openssl();
    if (!c || !a.crypto || !take_arguments(&a.p, argv + 2))
        return usage();
    a.packet_max = SKT_MTU_START;
    if (!init_context(&a) || attack_open(&a) != 0) {
        fprintf(stderr, "skt-attack: %s\n", strerror(errno));
        return 1;
    }
    c->run(&a);
    double took = a.worked ? a.worked_s : a.units ? (double)(attack_now() - a.started) / 1e6 : 0;
    a.source = 0;
    attack_rest(&a, 100 * SKT_US_PER_MS); /* what is still on its way back */
    report(&a, took);
    if (a.p.stay)
        stay(&a);
    attack_close(&a);
    free(a.forged);
    a.ctx.crypto->mask_free(a.ctx.mask_in);
    a.ctx.crypto->mask_free(a.ctx.mask_out);
    skt_idmap_dispose(&a.ctx.ids);
    skt_pool_dispose(&a.pool);
    skt_crypto_cleanup();
    return 0;
}
