/* SPDX-License-Identifier: MIT */
/* One path and one conversation on the bench: the test plays the peer, segment by segment. */
#ifndef SIM_RIG_H
#define SIM_RIG_H

#include "base/pool.h"
#include "proto/kcp/kcp.h"

enum { RIG_CONV = 7, RIG_SEGMENTS_MAX = 4096 };

struct rig_segment {
    struct skt_kcp_header h;
    uint8_t data[SKT_KCP_DATA_MAX];
};

struct rig {
    struct skt_pool pool;
    struct skt_path path;
    struct skt_kcp kcp;
    skt_us now;
    size_t packets;
    size_t longest;          /* packet */
    struct rig_segment *out; /* what the last rig_send sent */
    size_t count;
};

/* Without duplicates unless the test turns them on. budget: what the path may hold, in blocks; 0: no limit.
 */
void rig_init(struct rig *r, bool stream, size_t budget, const struct skt_kcp_limits *limits);
void rig_dispose(struct rig *r);

/* Sends one packet of the path: its segments, without frames, are put into out; their bytes, 0: nothing may
 * be sent. */
size_t rig_send_packet(struct skt_path *p, skt_us now, uint8_t out[SKT_MTU_MAX]);

/* Collects all that may be sent now into out; returns how many segments. */
size_t rig_send(struct rig *r);

/* The same for those with a command. */
size_t rig_count(const struct rig *r, uint8_t cmd);

/* The n-th sent segment with a command, or NULL. */
const struct rig_segment *rig_find(const struct rig *r, uint8_t cmd, size_t n);

/* Lets time pass, serving every deadline on the way, until something is sent or `limit` has passed. */
size_t rig_wait(struct rig *r, skt_us limit);

/* The peer sends. Each returns skt_kcp_receive's result. */
int rig_push(struct rig *r, uint32_t sn, uint8_t frg, const void *data, size_t len);
int rig_ack(struct rig *r, uint32_t sn, uint32_t ts, uint32_t una, uint16_t wnd);
int rig_control(struct rig *r, uint8_t cmd, uint32_t una, uint16_t wnd);

/* The peer acknowledges all that is in out. */
void rig_ack_all(struct rig *r, uint16_t wnd);

/* Reads everything that is there (stream) and returns its length. */
size_t rig_read(struct rig *r);

#endif
