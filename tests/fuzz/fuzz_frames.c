/* SPDX-License-Identifier: MIT */
/* Two sessions that talk, in either mode, with real traffic between them and, sealed as by either end, frames
 * that nearly fit: segments and acknowledgements around what is really outstanding, parity of packets that
 * came, reports, control frames, packets of the other end with bytes changed, lost or from elsewhere, while
 * time passes. The first byte chooses mode and beginning: before ACCEPT the keys are there, and nothing may
 * count. */
#include "fuzz/tunnel.h"

#include "proto/kcp/ack_frame.h"
#include "proto/kcp/internal.h"
#include "sim/unmask.h"

enum { STREAMS = 4, FLOWS = 3, RUN_MAX = 8192, LEN_MAX = 1400 };

struct world {
    struct tunnel t;
    struct skt_reader in;
    struct skt_keypair *mirror[2]; /* opens what goes to this end, without its noticing */
    struct skt_stream *streams[STREAMS];
    uint8_t run[RUN_MAX];
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* --- the other side of a keypair --- */

static struct skt_keypair *copy_of(const struct skt_keypair *kp)
{
    struct skt_keypair *m = malloc(sizeof *m);
    if (!m)
        abort();
    *m = *kp;
    return m;
}

/* What the other end has. */
static struct skt_keypair *mirror_of(const struct skt_keypair *kp)
{
    struct skt_keypair *m = copy_of(kp);
    m->local_id = kp->remote_id;
    m->remote_id = kp->local_id;
    m->seal = kp->open;
    m->open = kp->seal;
    return m;
}

static void give(struct world *w, int end, const struct skt_addr *from, uint8_t *datagram, size_t len)
{
    if (w->t.session[end] && skt_session_state(w->t.session[end]) != SKT_SESSION_CLOSED)
        (void)skt_session_receive(w->t.session[end], w->t.now, from, datagram, len);
}

static const struct skt_addr *address_of(int end)
{
    return end == 0 ? &client_addr : &server_addr;
}

/* Seals frames as the other end would, and gives them to this one. */
static void forge(struct world *w, int end, const struct skt_addr *from, const uint8_t *frames, size_t len)
{
    struct skt_session *by = w->t.session[!end];
    struct skt_keypair *kp = by ? skt_keys_sending(&by->keys, w->t.now) : NULL;
    uint8_t d[SKT_MTU_MAX];
    if (!kp || len == 0 || len > sizeof d - SKT_PACKET_OVERHEAD)
        return;
    memcpy(d + SKT_HEADER_LEN, frames, len);
    int n = skt_packet_seal_bare(by->ctx->crypto, kp, d, len);
    if (n > 0)
        give(w, end, from, d, (size_t)n);
}

/* --- the applications --- */

static void read_streams(struct world *w, struct skt_session *s)
{
    unsigned news;
    struct skt_stream *st;
    while ((st = skt_session_next_stream(s, &news)) != NULL) {
        struct iovec iov;
        while (skt_kcp_read_begin(skt_stream_kcp(st), &iov, 1) > 0) {
            if (!st->reset)
                (void)skt_kcp_write(skt_stream_kcp(st), iov.iov_base, iov.iov_len);
            skt_kcp_read_consume(skt_stream_kcp(st), iov.iov_len);
        }
        if (!st->reset && !skt_kcp_at_end(skt_stream_kcp(st)))
            continue;
        for (int i = 0; i < STREAMS; i++)
            w->streams[i] = w->streams[i] == st ? NULL : w->streams[i];
        skt_session_release_stream(s, st);
    }
}

static void read_flows(struct skt_session *s)
{
    static uint8_t packet[70000];
    unsigned news;
    for (int flow; (flow = skt_session_next_flow(s, &news)) >= 0;) {
        long len;
        while ((len = skt_session_read_packet(s, (unsigned)flow, packet, sizeof packet)) != SKT_ERR_AGAIN)
            if (len > 0)
                (void)skt_session_write_packet(s, (unsigned)flow, packet, (size_t)len / 2 + 1, 0);
    }
}

static void work(struct world *w, int end)
{
    struct skt_session *s = w->t.session[end];
    const uint8_t *msg;
    if (!s)
        return;
    read_streams(w, s);
    read_flows(s);
    while (skt_session_read_message(s, &msg) >= 0)
        (void)skt_session_send_message(s, "echo", 4);
    (void)skt_session_take_events(s);
}

static void write_something(struct world *w, int end)
{
    static const uint8_t zeros[60000];
    struct skt_session *s = w->t.session[end];
    unsigned what = skt_read_u8(&w->in);
    size_t len = skt_read_u16(&w->in) % sizeof zeros + 1;
    struct skt_stream **st = &w->streams[what % STREAMS];
    if (what & 0x80) {
        (void)skt_session_write_packet(s, what % FLOWS, zeros, len, what >> 5 & 3);
    } else if (what & 0x40) {
        (void)skt_session_send_message(s, zeros, len);
    } else if (!*st) {
        (void)skt_session_open_stream(s, w->t.now, SKT_STREAM_TCP, "name", st);
    } else if (what & 0x20) {
        skt_session_reset_stream((*st)->session, *st, SKT_RESET_ABORT);
        *st = NULL;
    } else if (what & 0x10) {
        (void)skt_kcp_finish(skt_stream_kcp(*st));
    } else {
        (void)skt_kcp_write(skt_stream_kcp(*st), zeros, len);
    }
}

/* --- honest traffic, more or less --- */

/* What becomes of one datagram on the way: bits of `how`. */
static void carry(struct world *w, int end, uint8_t *d, size_t len, unsigned how)
{
    struct skt_packet_header h;
    uint8_t copy[SKT_MTU_MAX], *plain;
    size_t plain_len;
    if (len > sizeof copy || (how & 1) ||
        sim_unmask(w->t.ctx[end].crypto, w->t.ctx[end].mask_in, d, len, &h) != 0)
        return;
    memcpy(copy, d, len);
    if (!(how & 2)) {
        give(w, end, address_of(!end), d, len);
        return;
    }
    const struct skt_keypair *kp = w->t.session[end] ? w->t.session[end]->keys.current : NULL;
    if (!kp || !w->mirror[end] ||
        kp->local_id != w->mirror[end]->local_id) /* new keys: what they seal goes by unread */
        return;
    if (skt_packet_open(w->t.ctx[end].crypto, w->mirror[end], copy, len, w->t.now, &plain, &plain_len) != 0)
        return;
    size_t at = skt_read_u16(&w->in) % plain_len;
    plain[at] = (uint8_t)skt_read_u8(&w->in);
    forge(w, end, address_of(!end), plain, plain_len);
}

static void flush(struct world *w, int end, bool changed)
{
    struct skt_send_info info;
    struct skt_session *s = w->t.session[end];
    unsigned how = changed ? skt_read_u8(&w->in) : 0;
    for (int i = 0; s && i < 100; i++) {
        size_t len = skt_session_send(s, w->t.now, w->run, sizeof w->run, &info);
        if (len == 0)
            return;
        for (size_t at = 0; at < len; at += info.segment_len) {
            carry(w, !end, w->run + at, len - at < info.segment_len ? len - at : info.segment_len, how & 3);
            how = how >> 2 | how << 6;
        }
    }
}

/* --- frames that nearly fit --- */

static uint32_t conv_of(struct world *w)
{
    unsigned n = skt_read_u8(&w->in);
    static const uint32_t base[] = {SKT_CONV_CONTROL, SKT_CONV_MESSAGE, 2, 3, 4, 5};
    return n & 0x80 ? SKT_CONV_FLOW_FIRST + (n & 0x40 ? n * 40 : n % FLOWS) : n < 6 ? base[n] : n;
}

static struct skt_kcp *kcp_of(struct skt_session *s, uint32_t conv)
{
    if (conv <= SKT_CONV_MESSAGE)
        return conv == SKT_CONV_CONTROL ? &s->control : &s->messages.kcp;
    if (conv >= SKT_CONV_FLOW_FIRST)
        return skt_flows_find(s, conv);
    struct skt_stream *st = (struct skt_stream *)skt_idmap_get(&s->streams.map, conv);
    return st ? &st->kcp : NULL;
}

/* Near a number, now and then far from it. */
static uint32_t some_near(struct world *w, uint32_t n)
{
    int8_t by = (int8_t)skt_read_u8(&w->in);
    return by == 127 ? n + skt_read_u32(&w->in) : n + (uint32_t)(by / 8);
}

static size_t put_segments(struct world *w, struct skt_session *s, uint8_t *out)
{
    size_t n = 0;
    out[n++] = SKT_FRAME_KCP;
    for (unsigned count = skt_read_u8(&w->in) % 4 + 1; count > 0; count--) {
        struct skt_kcp_header h = {.conv = conv_of(w), .wnd = 300};
        const struct skt_kcp *k = kcp_of(s, h.conv);
        unsigned kind = skt_read_u8(&w->in);
        h.cmd = (uint8_t)(SKT_KCP_CMD_PUSH + (kind & 3));
        h.frg = kind & 0x40 ? (uint8_t)skt_read_u8(&w->in) : 0;
        h.wnd = kind & 0x20 ? (uint16_t)skt_read_u16(&w->in) : 300;
        h.una = k ? some_near(w, k->snd.una) : 0;
        h.sn = some_near(w, !k ? 0 : h.cmd == SKT_KCP_CMD_ACK ? k->snd.una : k->rcv.nxt);
        h.ts = skt_read_u16(&w->in);
        if (k && h.cmd == SKT_KCP_CMD_ACK && k->queue.ring.cap && *skt_seg_ring_at(&k->queue.ring, h.sn))
            h.ts = some_near(w, (*skt_seg_ring_at(&k->queue.ring, h.sn))->ts);
        h.len = h.cmd == SKT_KCP_CMD_PUSH ? skt_read_u8(&w->in) : 0;
        skt_kcp_put_header(out + n, &h);
        n += SKT_KCP_HEADER_LEN;
        memset(out + n, (int)(kind >> 4 & 1), h.len);
        n += h.len;
    }
    return n;
}

static size_t put_ack(struct world *w, struct skt_session *s, uint8_t *out)
{
    struct skt_ack_frame f = {.conv = conv_of(w), .wnd = (uint16_t)skt_read_u16(&w->in)};
    const struct skt_kcp *k = kcp_of(s, f.conv);
    f.una = some_near(w, k ? k->snd.una : 0);
    f.newest_sn = some_near(w, k ? k->snd.nxt - 1 : 0);
    f.newest_ts = some_near(w, k && k->queue.ring.cap && *skt_seg_ring_at(&k->queue.ring, f.newest_sn)
                                   ? (*skt_seg_ring_at(&k->queue.ring, f.newest_sn))->ts
                                   : 0);
    f.delay = skt_read_u8(&w->in);
    struct skt_ack_writer a;
    skt_ack_frame_begin(&a, &f, out, 257);
    for (unsigned count = skt_read_u8(&w->in) % 8; count > 0; count--) {
        struct skt_ack_record r = {.lo = some_near(w, f.una), .ts = some_near(w, f.newest_ts)};
        unsigned more = skt_read_u8(&w->in);
        r.hi = r.lo + (more < 200 ? more / 8 : more * 300);
        r.range = r.hi != r.lo;
        (void)skt_ack_frame_add(&a, &r);
    }
    return skt_ack_frame_end(&a);
}

static size_t put_small(struct world *w, const struct skt_session *s, uint8_t *out)
{
    unsigned type = skt_read_u8(&w->in) % 15, len = skt_read_u8(&w->in) % 16;
    if (type == SKT_FRAME_PARITY) {
        unsigned back = skt_read_u8(&w->in) % 64, count = skt_read_u8(&w->in) % 32 + 1;
        out[0] = (uint8_t)type;
        skt_put_u16(out + 1, skt_parity_head(back, count, skt_read_u8(&w->in) % 16));
        size_t body = skt_read_u16(&w->in) % 1300 + 1;
        memset(out + 3, (int)len, body);
        return 3 + body;
    }
    out[0] = (uint8_t)type;
    out[1] = (uint8_t)len;
    for (unsigned i = 0; i < len; i++)
        out[2 + i] = (uint8_t)skt_read_u8(&w->in);
    if (type == SKT_FRAME_RESPONSE && len == 8)
        memcpy(out + 2, s->roaming.challenge, 8);
    if (type == SKT_FRAME_PROBED && len >= 2 && (out[2] & 1))
        skt_put_u16(out + 2, s->mtu.probe);
    if (type == SKT_FRAME_PONG && len >= 4 && (out[2] & 1))
        skt_put_u32(out + 2, s->liveness.pings[out[3] % SKT_PINGS_MAX]);
    return 2 + len;
}

static void forge_one(struct world *w, int end, unsigned op)
{
    struct skt_session *s = w->t.session[end];
    uint8_t frames[4096];
    size_t n = 0;
    struct skt_addr from = *address_of(!end);
    if (op == 0) {
        n = skt_read_u16(&w->in) % LEN_MAX;
        n = n < w->in.left ? n : w->in.left;
        if (n > 0)
            memcpy(frames, skt_read_bytes(&w->in, n), n);
    } else if (op == 1) {
        n = put_segments(w, s, frames);
    } else if (op == 2) {
        for (unsigned count = skt_read_u8(&w->in) % 4 + 1; count > 0; count--)
            n += put_ack(w, s, frames + n);
        n += put_segments(w, s, frames + n);
    } else {
        from.port = (uint16_t)(from.port + skt_read_u8(&w->in) % 2);
        n = put_small(w, s, frames);
    }
    forge(w, end, &from, frames, n < LEN_MAX ? n : LEN_MAX);
}

/* --- the run --- */

static void pass_time(struct world *w)
{
    unsigned ms = skt_read_u8(&w->in);
    w->t.now += (ms < 200 ? ms : (ms - 190) * 100) * SKT_US_PER_MS;
    for (int end = 0; end < 2; end++)
        if (w->t.session[end])
            skt_session_expire(w->t.session[end], w->t.now);
    skt_acceptor_expire(&w->t.acceptor, w->t.now);
}

static void talk(struct world *w)
{
    while (w->in.left > 2 && !w->in.bad) {
        unsigned op = skt_read_u8(&w->in);
        int end = op >> 7;
        if (skt_session_state(w->t.session[0]) == SKT_SESSION_CLOSED ||
            skt_session_state(w->t.session[1]) == SKT_SESSION_CLOSED)
            return;
        if (op % 8 < 4)
            forge_one(w, end, op % 8);
        else if (op % 8 == 4)
            write_something(w, end);
        else if (op % 8 == 5)
            pass_time(w);
        else
            flush(w, end, op % 8 == 7);
        work(w, 0);
        work(w, 1);
    }
}

/* Before ACCEPT: whatever comes under the new keys but ACCEPT itself, the client has no session of it. */
static void knock(struct world *w)
{
    struct skt_keypair *kp = w->t.session[0]->connect.pending, *server = mirror_of(kp);
    while (w->in.left > 3 && !w->in.bad && w->t.session[0]->connect.pending == kp) {
        uint8_t d[SKT_MTU_MAX], *frames = d + SKT_HEADER_LEN;
        unsigned op = skt_read_u8(&w->in);
        size_t len = skt_read_u16(&w->in) % LEN_MAX;
        len = len < w->in.left ? len : w->in.left;
        if (len == 0)
            break;
        memcpy(frames, skt_read_bytes(&w->in, len), len);
        int n = skt_packet_seal_bare(w->t.ctx[0].crypto, op & 1 ? server : kp, d, len);
        if (n > 0 && (op & 1)) {
            give(w, 0, &server_addr, d, (size_t)n);
        } else if (n > 0) {
            struct skt_attach_request req;
            struct skt_half *half = (struct skt_half *)skt_idmap_get(&w->t.ctx[1].ids, kp->remote_id);
            if (half && !w->t.session[1] &&
                skt_acceptor_attach(&w->t.acceptor, w->t.now, half, &client_addr, d, (size_t)n, &req) == 0) {
                bool is_new;
                if (op & 2)
                    (void)skt_acceptor_admit(&w->t.acceptor, w->t.now, &req, &w->t.session[1], &is_new);
                else
                    (void)skt_acceptor_refuse(&w->t.acceptor, &req, SKT_ATTACH_REFUSED, "no", w->run,
                                              SKT_MTU_START);
            }
        }
        if (op & 4)
            pass_time(w);
        if (op & 8)
            flush(w, 0, true);
        (void)skt_session_take_events(w->t.session[0]);
    }
    free(server);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct world *w = calloc(1, sizeof *w);
    if (!w)
        abort();
    w->in = skt_reader_of(data, len);
    unsigned how = skt_read_u8(&w->in);
    begin(&w->t, how & 1 ? SKT_MODE_TUN : SKT_MODE_PROXY);
    if (how & 2) {
        w->t.ctx[0].tuning.redundancy_data = w->t.ctx[1].tuning.redundancy_data =
            0; /* parity by loss, and duplicates */
        w->t.ctx[0].tuning.overhead_cap_permille = w->t.ctx[1].tuning.overhead_cap_permille = 300;
        skt_path_set_tuning(&w->t.session[0]->path, w->t.now, &w->t.ctx[0].tuning);
    }
    if (how % 8 == 7) {
        knock(w);
    } else {
        finish(&w->t);
        for (int end = 0; end < 2; end++) {
            w->mirror[end] = copy_of(w->t.session[end]->keys.current);
            if (skt_replay_init(&w->mirror[end]->replay, SKT_REPLAY_WINDOW) != 0)
                abort();
        }
        talk(w);
        for (int end = 0; end < 2; end++) {
            skt_replay_dispose(&w->mirror[end]->replay);
            free(w->mirror[end]);
        }
    }
    tear_down(&w->t);
    free(w);
    return 0;
}
