/* SPDX-License-Identifier: MIT */
/* What the status shows of a session. */
#include "proto/session/internal.h"

uint32_t skt_session_cid(const struct skt_session *s)
{
    return s->cid;
}

uint32_t skt_session_old_cid(const struct skt_session *s)
{
    return s->old_cid;
}

enum skt_session_state skt_session_state(const struct skt_session *s)
{
    return s->state;
}

const struct skt_addr *skt_session_peer(const struct skt_session *s)
{
    return &s->peer;
}

const struct skt_path *skt_session_path(const struct skt_session *s)
{
    return &s->path;
}

const struct skt_session_stats *skt_session_stats(const struct skt_session *s)
{
    return &s->stats;
}

const uint8_t *skt_session_ticket(const struct skt_session *s)
{
    return s->ticket;
}

const char *skt_session_state_str(enum skt_session_state state)
{
    switch (state) {
    case SKT_SESSION_IDLE:
        return "idle";
    case SKT_SESSION_CONNECTING:
        return "connecting";
    case SKT_SESSION_UP:
        return "up";
    case SKT_SESSION_SUSPECT:
        return "suspect";
    case SKT_SESSION_CLOSED:
        break;
    }
    return "closed";
}

skt_us skt_session_created(const struct skt_session *s)
{
    return s->created;
}

skt_us skt_session_mean_rtt(const struct skt_session *s)
{
    unsigned n = s->liveness.rtt_count < SKT_RTT_HISTORY ? s->liveness.rtt_count : SKT_RTT_HISTORY;
    skt_us sum = 0;
    for (unsigned i = 0; i < n; i++)
        sum += s->liveness.rtts[i];
    return n ? sum / n : 0;
}

double skt_session_loss_rx(const struct skt_session *s)
{
    return s->liveness.rx_arrived < s->liveness.rx_sent
               ? 1.0 - (double)s->liveness.rx_arrived / s->liveness.rx_sent
               : 0.0;
}

uint64_t skt_session_parity_sent(const struct skt_session *s)
{
    return s->parity.sent;
}

uint64_t skt_session_parity_recovered(const struct skt_session *s)
{
    return s->parity.recovered;
}

size_t skt_session_mtu(const struct skt_session *s)
{
    return s->mtu.current;
}

size_t skt_session_packet_mtu(const struct skt_session *s)
{
    return skt_mtu_settled(&s->mtu) ? skt_session_packet_limit(s->mtu.current) : 0;
}

struct skt_account *skt_session_account(struct skt_session *s)
{
    return &s->path.account;
}

struct skt_stream *skt_session_stream_at(const struct skt_session *s, uint32_t *pos)
{
    return skt_idmap_next(&s->streams.map, pos);
}

uint32_t skt_session_stream_count(const struct skt_session *s)
{
    return s->streams.map.count;
}

int skt_session_close_reason(const struct skt_session *s)
{
    return s->close_reason;
}

int skt_session_refusal(const struct skt_session *s, const char **text)
{
    *text = s->connect.client ? s->connect.client->refusal_text : "";
    return s->connect.refusal;
}

const char *skt_session_cipher_name(const struct skt_session *s)
{
    const struct skt_keypair *kp = s->keys.current;
    return skt_cipher_str(kp ? kp->cipher : SKT_CIPHER_NONE);
}

const struct skt_mask *skt_session_mask(const struct skt_session *s)
{
    const struct skt_keypair *kp = s->keys.next ? s->keys.next : s->keys.current;
    return kp ? kp->mask : NULL;
}

bool skt_session_uses(const struct skt_session *s, const struct skt_mask *mask)
{
    const struct skt_keypair *const all[] = {s->keys.previous, s->keys.current, s->keys.next,
                                             s->connect.pending};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (all[i] && all[i]->mask == mask)
            return true;
    }
    return false;
}
