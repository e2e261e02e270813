/* SPDX-License-Identifier: MIT */
#include "proto/session/destination.h"

#include "base/bytes.h"

static size_t ip_len(uint8_t family)
{
    return family == 4 ? 4 : family == 6 ? 16 : 0;
}

size_t skt_destination_write(uint8_t out[SKT_DESTINATION_MAX], const struct skt_addr *to)
{
    size_t len = ip_len(to->family);
    if (len == 0 || to->port == 0)
        return 0;
    out[0] = to->family;
    skt_put_u16(out + 1, to->port);
    memcpy(out + 3, to->ip, len);
    return 3 + len;
}

size_t skt_destination_read(struct skt_addr *to, const uint8_t *in, size_t len)
{
    if (len < SKT_DESTINATION_MIN)
        return 0;
    size_t ip = ip_len(in[0]);
    uint16_t port = skt_get_u16(in + 1);
    if (ip == 0 || port == 0 || len < 3 + ip)
        return 0;
    *to = (struct skt_addr){.family = in[0], .port = port};
    memcpy(to->ip, in + 3, ip);
    return 3 + ip;
}
