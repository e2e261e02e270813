/* SPDX-License-Identifier: MIT */
/* Our sessions in a cell: a client and its server each. */
#include "crypto/crypto.h"
#include "matrix/run.h"
#include "sim/blind.h"

#include <string.h>

enum {
    RCV_WND_MAX = UINT16_MAX,    /* as the program has it */
    SND_UNSENT_MAX = 256 * 1024, /* the same */
};

static void send_ours(void *user, bool up, const uint8_t *data, size_t len)
{
    struct matrix_ours *o = (struct matrix_ours *)user;
    struct sim_link *l = up ? &o->run->forth : &o->run->back;
    l->tag = (uint8_t)o->tag;
    sim_link_send(l, o->run->now, data, len);
    o->sent++;
    if (up)
        o->sent_bytes += len + SIM_IP_OVERHEAD;
}

static void on_app(struct sim_app *app)
{
    app->blank = true;
    if (app->st->name && strcmp(app->st->name, "thin") == 0)
        app->request_len = app->answer_len = MATRIX_THIN_LEN;
    app->open = true;
}

static void on_answer(void *user, skt_us asked)
{
    struct matrix_run *r = (struct matrix_run *)user;
    for (unsigned i = r->thin.first; i < r->thin.count; i++)
        if (r->thin.asked[i] == asked)
            matrix_thin_answer(r, i);
}

void matrix_ours_add(struct matrix_run *r, uint64_t seed)
{
    struct matrix_ours *o = &r->ours[r->ours_count];
    *o = (struct matrix_ours){.bulk = -1, .thin = -1, .tag = (enum matrix_tag)r->ours_count, .run = r};
    r->ours_count++;
    struct sim_wire wire = {o, send_ours};
    struct sim_world_config c = {
        .seed = seed,
        .cc = r->cell.normal ? &skt_cc_normal : &skt_cc_turbo,
        .limits = {RCV_WND_MAX, SND_UNSENT_MAX},
        .crypto = sim_crypto_blind(),
        .wire = &wire,
        .untraced = o->tag != MATRIX_OURS,
    };
    o->world = sim_world_new(&c);
    o->world->client.ctx.gf256 = o->world->server.ctx.gf256 = skt_crypto_gf256();
    o->world->now = r->now;
    o->world->client.addr.port = (uint16_t)(1111 + r->ours_count);
    o->world->server.on_app = on_app;
    if (r->cell.mode == MATRIX_TUN) {
        o->inner = sim_inner_new_in(o->world);
        o->inner->on_answer = on_answer;
        o->inner->on_answer_user = r;
    }
    sim_world_connect(o->world, true);
    o->touched[MATRIX_SERVER] = o->touched[MATRIX_CLIENT] = true;
}

static int open_app(struct matrix_ours *o, const char *name)
{
    int n = sim_world_open(o->world, name, 0);
    if (n >= 0) {
        o->world->client.apps[n].open = true;
        o->world->client.apps[n].blank = true;
    }
    return n;
}

void matrix_ours_set_bulk(struct matrix_ours *o, bool on)
{
    struct sim_client *c = &o->world->client;
    o->world->now = o->run->now;
    o->touched[MATRIX_CLIENT] = true;
    if (o->inner) {
        if (on && o->inner->tcp_count == 0)
            sim_inner_add_tcp(o->inner, o->run->now);
        o->inner->paused = !on;
        return;
    }
    if (on && o->bulk < 0)
        o->bulk = open_app(o, "bulk");
    if (o->bulk < 0 || !c->apps[o->bulk].st)
        return;
    if (on)
        sim_world_send(o->world, o->bulk, UINT64_C(1) << 50);
    else
        c->apps[o->bulk].to_send = c->apps[o->bulk].sent;
}

void matrix_ours_ask(struct matrix_ours *o)
{
    o->world->now = o->run->now;
    o->touched[MATRIX_CLIENT] = true;
    if (o->inner) {
        if (o->inner->thin_count == 0)
            sim_inner_add_thin(o->inner, SKT_NEVER);
        sim_inner_ask(o->inner, 0);
        return;
    }
    if (o->thin < 0)
        o->thin = open_app(o, "thin");
    if (o->thin >= 0 && o->world->client.apps[o->thin].st)
        sim_world_send(o->world, o->thin, MATRIX_THIN_LEN);
}

static void take_answers(struct matrix_ours *o)
{
    if (o->tag != MATRIX_OURS || o->thin < 0)
        return;
    uint64_t answered = o->world->client.apps[o->thin].received / MATRIX_THIN_LEN;
    while (o->run->thin.first < answered && o->run->thin.first < o->run->thin.count)
        matrix_thin_answer(o->run, o->run->thin.first);
}

double matrix_ours_payload(const struct matrix_ours *o)
{
    if (o->inner)
        return o->inner->tcp_count ? (double)o->inner->tcp[0].delivered * MATRIX_INNER_PAYLOAD : 0;
    double sum = 0;
    for (int i = 0; i < o->world->server.app_count; i++)
        if (!o->world->server.apps[i].answer_len)
            sum += (double)o->world->server.apps[i].received;
    return sum;
}

void matrix_ours_check(struct matrix_ours *o)
{
    o->world->now = o->run->now;
    sim_inner_check(o->inner);
    for (int end = 0; end < 2; end++) {
        o->touched[end] = o->touched[end] || o->inner->pushed[end];
        o->inner->pushed[end] = false;
    }
}

void matrix_ours_turn(struct matrix_ours *o)
{
    skt_us now = o->run->now;
    for (int end = 0; end < 2; end++) {
        if (!o->touched[end] && o->at[end] > now)
            continue;
        o->touched[end] = false;
        o->world->now = now;
        /* What was sent made room, which its writer fills at once. */
        for (uint64_t before = UINT64_MAX; before != o->sent; sim_world_turn(o->world, end == MATRIX_CLIENT))
            before = o->sent;
        o->at[end] = sim_world_expiry(o->world, end == MATRIX_CLIENT);
        if (end == MATRIX_CLIENT)
            take_answers(o);
    }
}
