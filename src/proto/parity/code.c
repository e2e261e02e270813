/* SPDX-License-Identifier: MIT */
#include "proto/parity/code.h"

#include "base/err.h"

#include <stdbool.h>
#include <string.h>

/* A matrix and, to the right of it, what becomes its inverse. */
struct matrix {
    uint8_t at[SKT_PARITY_MAX][2 * SKT_PARITY_MAX];
    unsigned n;
};

uint8_t skt_parity_coefficient(unsigned parity, unsigned position)
{
    return skt_gf256_inv((uint8_t)((255 - parity) ^ position));
}

void skt_parity_add(const struct skt_gf256 *gf, uint8_t *parity, unsigned index, unsigned position,
                    const uint8_t *body, size_t len)
{
    gf->mul_add(parity, body, skt_parity_coefficient(index, position), len);
}

static void swap_rows(struct matrix *m, unsigned a, unsigned b)
{
    uint8_t row[2 * SKT_PARITY_MAX];
    memcpy(row, m->at[a], sizeof row);
    memcpy(m->at[a], m->at[b], sizeof row);
    memcpy(m->at[b], row, sizeof row);
}

static void scale_row(struct matrix *m, unsigned row, uint8_t by)
{
    for (unsigned j = 0; j < 2 * m->n; j++)
        m->at[row][j] = skt_gf256_mul(m->at[row][j], by);
}

static void subtract_row(struct matrix *m, unsigned from, unsigned row, uint8_t times)
{
    for (unsigned j = 0; j < 2 * m->n; j++)
        m->at[from][j] ^= skt_gf256_mul(m->at[row][j], times);
}

/* Gauss-Jordan. False: singular, which a Cauchy matrix without repeated rows or columns never is. */
static bool invert(struct matrix *m)
{
    for (unsigned i = 0; i < m->n; i++) {
        unsigned pivot = i;
        while (pivot < m->n && m->at[pivot][i] == 0)
            pivot++;
        if (pivot == m->n)
            return false;
        if (pivot != i)
            swap_rows(m, i, pivot);
        scale_row(m, i, skt_gf256_inv(m->at[i][i]));
        for (unsigned k = 0; k < m->n; k++)
            if (k != i && m->at[k][i] != 0)
                subtract_row(m, k, i, m->at[k][i]);
    }
    return true;
}

int skt_parity_solve(const struct skt_gf256 *gf, const struct skt_parity_unknowns *u,
                     const uint8_t *const rest[SKT_PARITY_MAX], uint8_t *const body[SKT_PARITY_MAX],
                     size_t len)
{
    struct matrix m = {.n = u->n};
    if (u->n > SKT_PARITY_MAX)
        return SKT_ERR_MALFORMED;
    for (unsigned i = 0; i < m.n; i++) {
        if (u->index[i] >= SKT_PARITY_MAX || u->position[i] >= SKT_PARITY_SPAN)
            return SKT_ERR_MALFORMED;
        for (unsigned j = 0; j < m.n; j++)
            m.at[i][j] = skt_parity_coefficient(u->index[i], u->position[j]);
        m.at[i][m.n + i] = 1;
    }
    if (!invert(&m))
        return SKT_ERR_MALFORMED;
    for (unsigned j = 0; j < m.n; j++)
        for (unsigned i = 0; i < m.n; i++)
            gf->mul_add(body[j], rest[i], m.at[j][m.n + i], len);
    return SKT_OK;
}
