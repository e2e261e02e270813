/* SPDX-License-Identifier: MIT */
#include "proto/parity/code.h"

#include "base/err.h"

/* The bodies b of a group and its parities p are tied by a rational function: f(x) = sum of b[j] / (x + y[j])
 * has the value p[i] at x[i]. Less what is known, it has only the poles of the missing bodies, so that the
 * points of n parities fix it, and each missing body is its residue. Written out, a missing body at y is the
 * sum, over the parities and the known bodies at their points z, of value * W(z) * V(y) / (y + z), where with
 * the products over all missing positions l and all parities r that take part, but for factors of 0, W(z) =
 * prod (z + l) / prod (z + r)  and  V(y) = prod (y + r) / prod (y + l). All of it is products, hence sums of
 * logarithms. */

static uint8_t point_of_parity(unsigned index)
{
    return (uint8_t)(255 - index);
}

/* What a body counts with in a parity. */
static uint8_t coefficient(unsigned parity, unsigned position)
{
    return skt_gf256_inv(point_of_parity(parity) ^ (uint8_t)position);
}

void skt_parity_add(const struct skt_gf256 *gf, uint8_t *parity, unsigned index, unsigned position,
                    const uint8_t *body, size_t len)
{
    gf->mul_add(parity, body, coefficient(index, position), len);
}

/* The logarithm of the product of the distances to n points, but for one's own. */
static unsigned log_distances(uint8_t from, const uint8_t *to, unsigned n)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < n; i++)
        if (to[i] != from)
            sum += skt_gf256_log(from ^ to[i]);
    return sum % SKT_GF256_ORDER;
}

static uint8_t log_quotient(unsigned a, unsigned b)
{
    return (uint8_t)((a + SKT_GF256_ORDER - b) % SKT_GF256_ORDER);
}

/* The points of the missing bodies and of the terms. */
static int set_points(struct skt_parity_plan *p, const struct skt_parity_unknowns *u, unsigned count)
{
    uint32_t missing = 0, taken = 0;
    if (u->n == 0 || u->n > SKT_PARITY_MAX || count > SKT_PARITY_SPAN)
        return SKT_ERR_MALFORMED;
    for (unsigned i = 0; i < u->n; i++) {
        if (u->index[i] >= SKT_PARITY_MAX || u->position[i] >= count || (taken >> u->index[i] & 1) ||
            (missing >> u->position[i] & 1))
            return SKT_ERR_MALFORMED;
        taken |= UINT32_C(1) << u->index[i];
        missing |= UINT32_C(1) << u->position[i];
        p->point[i] = point_of_parity(u->index[i]);
        p->missing[i] = u->position[i];
    }
    p->n = p->terms = u->n;
    for (unsigned j = 0; j < count; j++)
        if (!(missing >> j & 1))
            p->point[p->terms++] = (uint8_t)j;
    return SKT_OK;
}

int skt_parity_plan(struct skt_parity_plan *p, const struct skt_parity_unknowns *u, unsigned count)
{
    int err = set_points(p, u, count);
    if (err)
        return err;
    for (unsigned i = 0; i < p->terms; i++)
        p->weight[i] = log_quotient(log_distances(p->point[i], p->missing, p->n),
                                    log_distances(p->point[i], p->point, p->n));
    for (unsigned i = 0; i < p->n; i++)
        p->missing_weight[i] = log_quotient(log_distances(p->missing[i], p->point, p->n),
                                            log_distances(p->missing[i], p->missing, p->n));
    return SKT_OK;
}

void skt_parity_factors(const struct skt_parity_plan *p, unsigned i, uint8_t c[SKT_PARITY_SPAN])
{
    for (unsigned j = 0; j < p->terms; j++)
        c[j] = skt_gf256_exp((unsigned)p->weight[j] + p->missing_weight[i] + SKT_GF256_ORDER -
                             skt_gf256_log(p->missing[i] ^ p->point[j]));
}
