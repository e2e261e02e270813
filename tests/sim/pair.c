/* SPDX-License-Identifier: MIT */
#include "sim/pair.h"
#include "proto/kcp/turns.h"

#include "base/err.h"
#include "proto/kcp/ack_frame.h"

#include <assert.h>
#include <string.h>

enum {
    PING_MARK = 0xA1, /* first byte of a datagram; then the time as u64 */
    PONG_MARK = 0xA2,
    PING_LEN = 100,
    TIMERS_PER_MS_MAX = 50, /* turns that no packet was the reason for */
    MESSAGE_CAP = 300 * 1024,
    IOVS = 8,
};

void sim_pair_defaults(struct sim_pair_config *c)
{
    memset(c, 0, sizeof *c);
    c->cc = &skt_cc_turbo;
    c->payload_limit = 1400;
    c->overhead = 25;
    c->timer_grain = SKT_US_PER_MS;
    c->limits.rcv_wnd_max = 16384;
    c->limits.snd_unsent_max = 256 * 1024;
    c->seed = 1;
}

static void begin_trace(const struct sim_pair *s, struct sim_host *h, bool first)
{
    struct skt_trace t = sim_trace_of(s->trace);
    if (t.on)
        h->path.trace = (struct skt_trace){t.on, t.on->begin(t.user, s->now, first)};
}

static void note_sent(const struct sim_pair *s, struct sim_host *h, size_t len)
{
    skt_path_on_sent(&h->path, s->now, len);
    skt_trace_tell(&h->path.trace, sent, s->now, len, SKT_TRACE_DATA);
}

void sim_pair_init(struct sim_pair *s, const struct sim_pair_config *c)
{
    memset(s, 0, sizeof *s);
    s->config = *c;
    s->now = SKT_US_PER_SEC;
    s->trace = sim_trace_new(s->now, 0);
    for (int i = 0; i < 2; i++) {
        struct sim_host *h = &s->host[i];
        /* A path that is alone may hold 7/24 of it (base/account.h). */
        skt_pool_init(&h->pool, SKT_KCP_BLOCK_LEN, (c->budget * 24 + 6) / 7);
        skt_path_init(&h->path, &h->pool, c->cc, c->payload_limit, s->now);
        h->path.ts_base = c->ts_base;
        begin_trace(s, h, i == 0);
        skt_turns_set_ack_frames(&h->path, !c->plain_acks);
        sim_link_init(&h->out, &c->link[i], c->seed * 2 + (uint64_t)i);
    }
    sim_rival_init(&s->rival, c->rival, s->now, c->link[1].delay);
}

void sim_pair_dispose(struct sim_pair *s)
{
    for (int i = 0; i < 2; i++) {
        struct sim_host *h = &s->host[i];
        for (int f = 0; f < s->flow_count; f++)
            skt_kcp_dispose(&h->flows[f].kcp);
        assert(h->path.inflight_bytes == 0);
        skt_trace_tell(&h->path.trace, end, s->now);
        skt_path_dispose(&h->path);
        skt_pool_dispose(&h->pool);
        sim_link_dispose(&h->out);
    }
    sim_rival_dispose(&s->rival);
    sim_trace_free(s->trace);
    s->trace = NULL;
}

void sim_pair_add(struct sim_pair *s, bool stream, uint64_t amount0, uint64_t amount1, size_t chunk)
{
    assert(s->flow_count < SIM_FLOWS_MAX);
    uint64_t amount[2] = {amount0, amount1};
    uint32_t conv = 100 + (uint32_t)s->flow_count;
    for (int i = 0; i < 2; i++) {
        struct sim_flow *f = &s->host[i].flows[s->flow_count];
        *f = (struct sim_flow){.conv = conv, .stream = stream, .chunk = chunk, .read_from = s->now};
        f->to_send = amount[i];
        f->to_receive = amount[1 - i];
        int err = skt_kcp_init(&f->kcp, conv, stream, &s->host[i].path, &s->config.limits);
        assert(err == SKT_OK);
        (void)err;
        skt_kcp_set_sn(&f->kcp, s->config.first_sn, s->config.first_sn);
    }
    s->flow_count++;
}

void sim_pair_add_requests(struct sim_pair *s, size_t chunk, skt_us first, skt_us period, uint64_t n,
                           skt_us *read_at)
{
    sim_pair_add(s, false, 0, 0, chunk);
    struct sim_flow *asks = &s->host[0].flows[s->flow_count - 1];
    struct sim_flow *answers = &s->host[1].flows[s->flow_count - 1];
    asks->period = period;
    asks->next_at = first;
    asks->planned = n;
    asks->read_at = read_at;
    asks->to_receive = answers->to_receive = n;
    answers->echo = true;
}

static void fail(struct sim_pair *s, const char *what)
{
    if (!s->failure)
        s->failure = what;
}

/* --- known content --- */

/* What is sent is a cut of one random piece, at a place that depends on the conversation and the position;
 * its length is a prime, so that no other position within reach looks alike. */
enum { CONTENT_LEN = 65521 };

static const uint8_t *content_at(const struct sim_flow *f, uint64_t pos, size_t *len)
{
    static uint8_t content[CONTENT_LEN];
    static bool made;
    if (!made) {
        struct sim_rng rng = sim_rng_of(1);
        for (size_t i = 0; i < CONTENT_LEN; i++)
            content[i] = (uint8_t)(sim_rng_next(&rng) >> 32);
        made = true;
    }
    size_t at = (size_t)((pos + f->conv * UINT64_C(7919)) % CONTENT_LEN);
    if (*len > CONTENT_LEN - at)
        *len = CONTENT_LEN - at;
    return content + at;
}

static size_t message_len(const struct sim_flow *f, uint64_t index)
{
    struct sim_rng rng = sim_rng_of(index * 1000 + f->conv);
    return (size_t)sim_rng_range(&rng, 1, f->chunk);
}

static void fill(const struct sim_flow *f, uint64_t pos, uint8_t *out, size_t len)
{
    for (size_t done = 0, n; done < len; done += n) {
        n = len - done;
        const uint8_t *content = content_at(f, pos + done, &n);
        memcpy(out + done, content, n);
    }
}

static bool matches(const struct sim_flow *f, uint64_t pos, const uint8_t *data, size_t len)
{
    for (size_t done = 0, n; done < len; done += n) {
        n = len - done;
        const uint8_t *expected = content_at(f, pos + done, &n);
        if (memcmp(data + done, expected, n) != 0)
            return false;
    }
    return true;
}

/* --- the application --- */

static void write_stream(struct sim_flow *f)
{
    while (f->sent < f->to_send) {
        struct iovec iov[IOVS];
        int n = skt_kcp_write_begin(&f->kcp, iov, IOVS);
        size_t put = 0;
        for (int i = 0; i < n; i++) {
            size_t len = iov[i].iov_len;
            if (len > f->to_send - f->sent - put)
                len = (size_t)(f->to_send - f->sent - put);
            if (len > f->chunk)
                len = f->chunk;
            fill(f, f->sent + put, (uint8_t *)iov[i].iov_base, len);
            put += len;
            if (len < iov[i].iov_len)
                break;
        }
        if (n == 0)
            return;
        skt_kcp_write_commit(&f->kcp, put);
        f->sent += put;
    }
    if (!f->finished && skt_kcp_finish(&f->kcp) == SKT_OK)
        f->finished = true;
}

static void write_messages(struct sim_pair *s, struct sim_flow *f)
{
    static uint8_t buf[MESSAGE_CAP];
    while (f->sent < f->to_send) {
        size_t len = message_len(f, f->sent);
        fill(f, f->sent * 7, buf, len);
        int err = skt_kcp_write(&f->kcp, buf, len);
        if (err == SKT_ERR_AGAIN)
            return;
        if (err)
            return fail(s, "message refused");
        f->sent++;
    }
}

static uint64_t allowance(const struct sim_pair *s, const struct sim_flow *f)
{
    if (!f->read_rate)
        return UINT64_MAX;
    return (s->now - f->read_from) * f->read_rate / SKT_US_PER_SEC - f->read_bytes;
}

static void read_stream(struct sim_pair *s, struct sim_host *h, struct sim_flow *f)
{
    struct iovec iov[IOVS];
    for (int n; (n = skt_kcp_read_begin(&f->kcp, iov, IOVS)) > 0;) {
        size_t used = 0;
        uint64_t left = allowance(s, f);
        for (int i = 0; i < n; i++) {
            size_t len = iov[i].iov_len < left - used ? iov[i].iov_len : (size_t)(left - used);
            if (!matches(f, f->received + used, (const uint8_t *)iov[i].iov_base, len))
                return fail(s, "stream content differs");
            used += len;
        }
        skt_kcp_read_consume(&f->kcp, used);
        f->received += used;
        f->read_bytes += used;
        h->received += used;
        if (used == 0)
            return;
    }
}

static void read_messages(struct sim_pair *s, struct sim_host *h, struct sim_flow *f)
{
    static uint8_t buf[MESSAGE_CAP];
    for (long len; allowance(s, f) > f->chunk && (len = skt_kcp_message_len(&f->kcp)) >= 0;) {
        if (skt_kcp_read_message(&f->kcp, buf, sizeof buf) != len)
            return fail(s, "message length differs");
        if ((size_t)len != message_len(f, f->received))
            return fail(s, "message border moved");
        if (!matches(f, f->received * 7, buf, (size_t)len))
            return fail(s, "message content differs");
        if (f->read_at)
            f->read_at[f->received] = s->now;
        f->received++;
        f->read_bytes += (size_t)len;
        h->received += (size_t)len;
    }
}

static void serve(struct sim_pair *s, struct sim_host *h, struct sim_flow *f)
{
    if (f->stream) {
        write_stream(f);
        read_stream(s, h, f);
    } else {
        read_messages(s, h, f);
        if (f->echo)
            f->to_send = f->received;
        for (; f->planned > f->to_send && f->next_at <= s->now; f->next_at += f->period)
            f->to_send++;
        write_messages(s, f);
    }
    if (f->received > f->to_receive)
        fail(s, "more received than was sent");
}

static void serve_events(struct sim_pair *s, struct sim_host *h)
{
    while (!skt_list_empty(&h->path.events)) {
        struct skt_kcp *k = SKT_CONTAINER(h->path.events.next, struct skt_kcp, event_node);
        struct sim_flow *f = SKT_CONTAINER(k, struct sim_flow, kcp);
        unsigned events = skt_kcp_take_events(k);
        f->drained |= (events & SKT_KCP_DRAINED) != 0;
        serve(s, h, f);
    }
}

/* --- the network --- */

static struct skt_kcp *conversation(struct sim_pair *s, struct sim_host *h, uint32_t conv)
{
    uint32_t index = conv - 100;
    return index < (uint32_t)s->flow_count ? &h->flows[index].kcp : NULL;
}

static void receive_acks(struct sim_pair *s, struct sim_host *h, const uint8_t *body, size_t len)
{
    struct skt_ack_frame f;
    struct skt_kcp *k = NULL;
    if (body && skt_ack_frame_parse(&f, body, len) == SKT_OK)
        k = conversation(s, h, f.conv);
    if (!k || skt_kcp_receive_acks(k, s->now, &f) != SKT_OK)
        h->malformed++;
}

static void receive_segments(struct sim_pair *s, struct sim_host *h, struct skt_reader r)
{
    while (r.left > 0) {
        struct skt_kcp_header header;
        const uint8_t *payload;
        if (skt_kcp_parse(&r, &header, &payload) != SKT_OK) {
            h->malformed++;
            return;
        }
        struct skt_kcp *k = conversation(s, h, header.conv);
        if (!k || skt_kcp_receive(k, s->now, &header, payload) != SKT_OK)
            h->malformed++;
    }
}

static void ping(struct sim_pair *s, struct sim_host *h)
{
    uint8_t buf[PING_LEN] = {PING_MARK};
    if (!skt_path_wants_rtt(&h->path) || s->now < h->ping_at)
        return;
    skt_put_u64(buf + 1, s->now);
    sim_link_send(&h->out, s->now, buf, sizeof buf);
    note_sent(s, h, sizeof buf);
    h->ping_at = s->now + SKT_US_PER_SEC;
}

static void receive(struct sim_pair *s, struct sim_host *h, uint8_t *data, size_t len)
{
    struct skt_reader r = skt_reader_of(data, len);
    int mark = skt_read_u8(&r);
    skt_path_begin_receive(&h->path);
    if (mark == PING_MARK) {
        data[0] = PONG_MARK;
        sim_link_send(&h->out, s->now, data, len);
        note_sent(s, h, len);
        return;
    }
    if (mark == PONG_MARK) {
        skt_us rtt = s->now - skt_read_u64(&r);
        if (!r.bad && rtt < 60 * SKT_US_PER_SEC)
            skt_path_on_rtt(&h->path, s->now, rtt);
        return;
    }
    skt_read_bytes(&r, s->config.overhead - 2);
    while (r.left > 0) {
        int type = skt_read_u8(&r);
        if (type == SKT_FRAME_KCP) {
            receive_segments(s, h, r);
            return;
        }
        size_t body_len = skt_read_u8(&r);
        const uint8_t *body = skt_read_bytes(&r, body_len);
        if (type != SKT_FRAME_ACK || r.bad) {
            h->malformed++;
            return;
        }
        receive_acks(s, h, body, body_len);
    }
}

static void send_all(struct sim_pair *s, struct sim_host *h)
{
    uint8_t buf[SKT_MTU_MAX + 200];
    size_t n, segments_len, overhead = s->config.overhead - 1; /* the type byte of the KCP frame is in n */
    memset(buf, 0, overhead);
    while ((n = skt_turns_send(&h->path, s->now, buf + overhead, SKT_MTU_MAX + 1, &segments_len)) > 0) {
        if (n > s->config.payload_limit + 1)
            fail(s, "a packet too long");
        sim_link_send(&h->out, s->now, buf, n + overhead);
        note_sent(s, h, n + overhead);
    }
    skt_us next = skt_turns_expiry(&h->path, s->now);
    if (next <= s->now && h->path.inflight_bytes == 0)
        fail(s, "wants to be called at once after it was called");
}

static skt_us request_at(const struct sim_flow *f)
{
    return f->planned > f->to_send ? f->next_at : SKT_NEVER;
}

static void turn(struct sim_pair *s, int i)
{
    struct sim_host *h = &s->host[i];
    uint8_t buf[2048];
    for (size_t len; (len = sim_link_receive(&s->host[1 - i].out, s->now, buf, sizeof buf)) > 0;) {
        if (s->config.rival && buf[0] == SIM_RIVAL_MARK)
            sim_rival_arrived(&s->rival, s->now, buf);
        else
            receive(s, h, buf, len);
    }
    ping(s, h);
    if (skt_turns_expiry(&h->path, s->now) <= s->now)
        skt_turns_expire(&h->path, s->now);
    serve_events(s, h);
    for (int f = 0; f < s->flow_count; f++) {
        if (h->flows[f].read_rate || request_at(&h->flows[f]) <= s->now)
            serve(s, h, &h->flows[f]);
    }
    send_all(s, h);
    serve_events(s, h);
    if (h->pool.blocks * h->pool.block_len > h->pool_peak)
        h->pool_peak = h->pool.blocks * h->pool.block_len;
}

static void count_call(struct sim_pair *s)
{
    if (skt_us_min(sim_link_expiry(&s->host[0].out), sim_link_expiry(&s->host[1].out)) <= s->now ||
        s->config.rival)
        return;
    if (s->now / SKT_US_PER_MS != s->calls_at) {
        s->calls_at = s->now / SKT_US_PER_MS;
        s->calls = 0;
    }
    if (++s->calls > TIMERS_PER_MS_MAX)
        fail(s, "busy loop");
}

static skt_us next_time(const struct sim_pair *s)
{
    skt_us next = s->config.rival ? sim_rival_expiry(&s->rival) : SKT_NEVER;
    for (int i = 0; i < 2; i++) {
        const struct sim_host *h = &s->host[i];
        skt_us timer = skt_turns_expiry(&h->path, s->now), grain = s->config.timer_grain;
        if (grain && timer > s->now && timer != SKT_NEVER)
            timer = (timer + grain - 1) / grain * grain;
        next = skt_us_min(next, skt_us_min(timer, sim_link_expiry(&h->out)));
        for (int f = 0; f < s->flow_count; f++) {
            next = skt_us_min(next, skt_us_max(request_at(&h->flows[f]), s->now));
            if (h->flows[f].read_rate)
                next = skt_us_min(next, s->now + 5 * SKT_US_PER_MS);
        }
    }
    return next;
}

static bool flow_done(const struct sim_flow *f)
{
    if (f->received != f->to_receive || f->planned > f->sent || f->sent != f->to_send ||
        !skt_kcp_drained(&f->kcp))
        return false;
    return !f->stream || (f->finished && skt_kcp_at_end(&f->kcp));
}

bool sim_pair_done(const struct sim_pair *s)
{
    for (int f = 0; f < s->flow_count; f++) {
        if (!flow_done(&s->host[0].flows[f]) || !flow_done(&s->host[1].flows[f]))
            return false;
    }
    return true;
}

void sim_pair_run(struct sim_pair *s, skt_us until)
{
    for (int i = 0; i < 2; i++) {
        for (int f = 0; f < s->flow_count; f++)
            serve(s, &s->host[i], &s->host[i].flows[f]);
    }
    while (!s->failure && !sim_pair_done(s)) {
        skt_us next = next_time(s);
        if (next > until) {
            if (next == SKT_NEVER)
                fail(s, "nothing left to wait for");
            s->now = until;
            return;
        }
        s->now = skt_us_max(s->now, next);
        count_call(s);
        turn(s, 0);
        if (s->config.rival)
            sim_rival_turn(&s->rival, s->now, &s->host[0].out);
        turn(s, 1);
    }
}
