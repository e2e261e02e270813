/* SPDX-License-Identifier: MIT */
#include "proto/kcp/header.h"

#include "base/err.h"

int skt_kcp_parse(struct skt_reader *r, struct skt_kcp_header *h, const uint8_t **data)
{
    struct skt_reader at = *r;
    h->conv = skt_read_u32(&at);
    h->cmd = skt_read_u8(&at);
    h->frg = skt_read_u8(&at);
    h->wnd = skt_read_u16(&at);
    h->ts = skt_read_u32(&at);
    h->sn = skt_read_u32(&at);
    h->una = skt_read_u32(&at);
    h->len = skt_read_u32(&at);
    if (at.bad)
        return SKT_ERR_TRUNCATED;
    if (h->cmd < SKT_KCP_CMD_PUSH || h->cmd > SKT_KCP_CMD_WINS)
        return SKT_ERR_MALFORMED;
    if (h->len > at.left || h->len > SKT_KCP_DATA_MAX)
        return SKT_ERR_MALFORMED;
    *data = skt_read_bytes(&at, h->len);
    *r = at;
    return SKT_OK;
}

void skt_kcp_put_header(uint8_t *out, const struct skt_kcp_header *h)
{
    skt_put_u32(out, h->conv);
    out[4] = h->cmd;
    out[5] = h->frg;
    skt_put_u16(out + 6, h->wnd);
    skt_put_u32(out + 8, h->ts);
    skt_put_u32(out + 12, h->sn);
    skt_put_u32(out + 16, h->una);
    skt_put_u32(out + 20, h->len);
}

void skt_kcp_write_stateless_ack(const struct skt_kcp_stateless *h, uint8_t out[SKT_KCP_HEADER_LEN])
{
    struct skt_kcp_header ack = {.conv = h->conv,
                                 .cmd = SKT_KCP_CMD_ACK,
                                 .wnd = UINT16_MAX,
                                 .ts = h->ts,
                                 .sn = h->sn,
                                 .una = h->sn + 1};
    skt_kcp_put_header(out, &ack);
}
