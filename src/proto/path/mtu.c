/* SPDX-License-Identifier: MIT */
#include "proto/path/mtu.h"

#include "proto/wire.h"

#include <string.h>

/* The first guess is the most that may be, as most paths carry it; then comes what is in use and not known to
 * pass; then the interval is halved. */
static void next_probe(struct skt_mtu *m, skt_us now)
{
    bool first = m->probe == 0;
    m->tries = 0;
    m->checking = false;
    if (m->low >= m->current && m->high - m->low < SKT_MTU_STEP) {
        m->probe = 0;
        m->at = now + SKT_MTU_CHECK_TIME;
        return;
    }
    if (first)
        m->probe = m->high;
    else if (m->low < m->current)
        m->probe = m->current;
    else
        m->probe = (uint16_t)(m->low + (m->high - m->low + 1) / 2);
    m->at = now;
}

void skt_mtu_init(struct skt_mtu *m)
{
    memset(m, 0, sizeof *m);
    m->current = m->high = m->cap = SKT_MTU_START;
    m->low = SKT_MTU_LEAST;
    m->at = m->raise_at = SKT_NEVER;
}

void skt_mtu_start(struct skt_mtu *m, size_t cap, skt_us now)
{
    m->cap = (uint16_t)(cap < SKT_MTU_MIN ? SKT_MTU_MIN : cap > SKT_MTU_MAX ? SKT_MTU_MAX : cap);
    m->high = m->cap;
    if (m->current > m->high)
        m->current = m->high;
    m->started = true;
    m->raise_at = now + SKT_MTU_RAISE_TIME;
    m->probe = 0;
    next_probe(m, now);
}

/* What to use until a search says more, where `size` is too long. */
static uint16_t below(size_t size)
{
    return size > SKT_MTU_START ? SKT_MTU_START : SKT_MTU_LEAST;
}

/* To a size that is more likely to pass, to look again a second later, for `high` first or not at all. */
static bool fall_back(struct skt_mtu *m, uint16_t high, bool high_first, skt_us now)
{
    uint16_t fallback = below(m->current);
    if (m->current <= fallback)
        return false;
    m->high = high;
    m->low = SKT_MTU_LEAST;
    m->current = fallback;
    m->probe = high_first ? 0 : high;
    next_probe(m, now);
    m->at = now + SKT_US_PER_SEC;
    return true;
}

/* All tries of this size are lost, and something smaller was not. */
static void give_up(struct skt_mtu *m, skt_us now)
{
    uint16_t high = (uint16_t)(m->probe - 1);
    if (m->checking) {
        (void)fall_back(m, high, false, now);
        return;
    }
    m->high = high;
    if (m->current > high) /* what was in use from the start */
        m->current = m->low;
    next_probe(m, now);
}

/* Until skt_mtu_wake. */
static size_t rest(struct skt_mtu *m)
{
    m->at = SKT_NEVER;
    return 0;
}

void skt_mtu_wake(struct skt_mtu *m, skt_us now)
{
    if (m->started && m->at == SKT_NEVER)
        m->at = now + SKT_MTU_CHECK_TIME;
}

size_t skt_mtu_probe(struct skt_mtu *m, skt_us now, skt_us rtt, bool busy, skt_us heard)
{
    if (now < m->at)
        return 0;
    if (m->probe != 0 && m->tries >= SKT_MTU_TRIES) {
        if (heard >= m->sent_at && m->tries == SKT_MTU_TRIES)
            give_up(m, now);
        else if (heard >= m->sent_at)
            m->tries = 0; /* the silence is over */
        else if (m->tries == SKT_MTU_TRIES_SILENT && !busy)
            return rest(m);
        if (now < m->at)
            return 0;
    }
    if (m->probe == 0 && busy && m->current < m->cap && now >= m->raise_at)
        skt_mtu_start(m, m->cap, now);
    if (m->probe == 0) {
        if (!busy || m->current <= SKT_MTU_LEAST)
            return rest(m);
        m->probe = m->current;
        m->checking = true;
        m->tries = 0;
    }
    bool silence = m->tries >= SKT_MTU_TRIES;
    if (m->tries < SKT_MTU_TRIES_SILENT)
        m->tries++;
    m->sent_at = now;
    m->at = now + (silence ? SKT_MTU_CHECK_TIME : skt_us_max(200 * SKT_US_PER_MS, 2 * rtt));
    return m->probe;
}

bool skt_mtu_on_probed(struct skt_mtu *m, size_t size, skt_us now)
{
    if (size == 0 || size != m->probe)
        return false;
    if (m->checking) {
        m->probe = 0;
        m->checking = false;
        m->at = now + SKT_MTU_CHECK_TIME;
        return false;
    }
    uint16_t before = m->current;
    m->low = m->probe;
    if (m->current < m->low)
        m->current = m->low;
    next_probe(m, now);
    return m->current != before;
}

bool skt_mtu_on_black_hole(struct skt_mtu *m, skt_us now)
{
    if (m->current > SKT_MTU_START)
        return fall_back(m, m->current, true, now);
    if (m->started && m->probe == 0 && m->current > SKT_MTU_LEAST)
        m->at = now; /* checks it at once */
    return false;
}

bool skt_mtu_on_too_long(struct skt_mtu *m, size_t size, skt_us now)
{
    uint16_t before = m->current;
    if (!m->started || size <= SKT_MTU_LEAST || size > m->high)
        return false;
    m->high = (uint16_t)(size - 1);
    if (m->low > m->high)
        m->low = SKT_MTU_LEAST;
    if (m->current > m->high)
        m->current = m->low > below(size) ? m->low : below(size);
    m->probe = (uint16_t)size; /* not again */
    next_probe(m, now);
    return m->current != before;
}
