/* SPDX-License-Identifier: MIT */
/* RESETs for the peer. Each takes a block until it is acknowledged, and thousands may fall due at once, or be
 * provoked: so few are in the control conversation at a time, and the others wait as ten bytes and a little.
 */
#include "base/err.h"
#include "proto/session/internal.h"

enum {
    FLYING_MAX = 128,  /* control messages that are not acknowledged */
    RESETS_FIRST = 16, /* entries of the first array */
    /* Entries that streams may have which never were: what the peer opens beyond them it must repeat. */
    REFUSED_MAX = 1024,
};

static bool write_one(struct skt_session *s, const struct skt_owed_reset *r)
{
    uint8_t msg[10] = {SKT_CONTROL_RESET};
    if (s->control.snd.end - s->control.snd.una >= FLYING_MAX)
        return false;
    skt_put_u32(msg + 1, r->conv);
    msg[5] = r->reason;
    skt_put_u32(msg + 6, r->end);
    return skt_kcp_write(&s->control, msg, r->has_end ? 10 : 6) == SKT_OK;
}

static bool reserve(struct skt_session *s)
{
    if (s->resets.count < s->resets.cap)
        return true;
    uint32_t cap = s->resets.cap ? 2 * s->resets.cap : RESETS_FIRST;
    void *resets =
        skt_account_realloc(&s->path.account, s->resets.owed, s->resets.cap * sizeof *s->resets.owed,
                            cap * sizeof *s->resets.owed, true);
    if (!resets)
        return false;
    s->resets.owed = resets;
    s->resets.cap = cap;
    return true;
}

static bool add(struct skt_session *s, const struct skt_owed_reset *r, bool known)
{
    if (s->resets.count == 0 && write_one(s, r))
        return true;
    if (!known && s->resets.count >= REFUSED_MAX)
        return false;
    if (reserve(s))
        s->resets.owed[s->resets.count++] = *r;
    else if (known &&
             s->resets.spare_count < SKT_SPARE_RESETS) /* a peer that is not told would wait for ever */
        s->resets.spare[s->resets.spare_count++] = *r;
    else
        return false;
    return true;
}

/* Their order does not matter: a conversation's number is never used again, and one without end goes beyond
 * one with it, whichever comes first. */
bool skt_resets_add(struct skt_session *s, uint32_t conv, int reason, bool known)
{
    return add(s, &(struct skt_owed_reset){.conv = conv, .reason = (uint8_t)reason}, known);
}

bool skt_resets_add_end(struct skt_session *s, uint32_t conv, int reason, uint32_t end)
{
    return add(s, &(struct skt_owed_reset){conv, end, (uint8_t)reason, true}, true);
}

void skt_resets_flush(struct skt_session *s)
{
    while (s->resets.spare_count > 0 && write_one(s, &s->resets.spare[s->resets.spare_count - 1]))
        s->resets.spare_count--;
    while (s->resets.count > 0 && write_one(s, &s->resets.owed[s->resets.count - 1]))
        s->resets.count--;
    if (s->resets.count == 0 && s->resets.spare_count == 0)
        skt_resets_dispose(s);
}

void skt_resets_dispose(struct skt_session *s)
{
    skt_account_free(&s->path.account, s->resets.owed, s->resets.cap * sizeof *s->resets.owed);
    s->resets.owed = NULL;
    s->resets.count = s->resets.cap = 0;
    s->resets.spare_count = 0;
}
