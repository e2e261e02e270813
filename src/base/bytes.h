/* SPDX-License-Identifier: MIT */
/* Bounded little-endian readers and writers. An overrun sets `bad` and yields zeros or nothing; check it
 * once at the end of a message instead of after every field. */
#ifndef SKT_BASE_BYTES_H
#define SKT_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct skt_reader {
    const uint8_t *p; /* what is read next */
    size_t left;      /* bytes from there on */
    bool bad;         /* more was read than there was */
};

struct skt_writer {
    uint8_t *start; /* of the buffer */
    uint8_t *p;     /* what is written next */
    size_t left;    /* bytes of room from there on */
    bool bad;       /* more was written than there was room for */
};

static inline struct skt_reader skt_reader_of(const void *buf, size_t len)
{
    return (struct skt_reader){(const uint8_t *)buf, len, false};
}

static inline struct skt_writer skt_writer_of(void *buf, size_t cap)
{
    return (struct skt_writer){(uint8_t *)buf, (uint8_t *)buf, cap, false};
}

/* Bytes written so far. */
static inline size_t skt_writer_len(const struct skt_writer *w)
{
    return (size_t)(w->p - w->start);
}

/* The next len bytes in place, or NULL (and bad) where fewer are left. */
static inline const uint8_t *skt_read_bytes(struct skt_reader *r, size_t len)
{
    if (r->bad || len > r->left) {
        r->bad = true;
        return NULL;
    }
    const uint8_t *p = r->p;
    r->p += len;
    r->left -= len;
    return p;
}

/* Room for len bytes at the writer's position, or NULL (and bad) where there is less. */
static inline uint8_t *skt_write_room(struct skt_writer *w, size_t len)
{
    if (w->bad || len > w->left) {
        w->bad = true;
        return NULL;
    }
    uint8_t *p = w->p;
    w->p += len;
    w->left -= len;
    return p;
}

static inline uint16_t skt_get_u16(const uint8_t *p)
{
    return (uint16_t)(p[0] | (unsigned)p[1] << 8);
}

static inline uint32_t skt_get_u32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t skt_get_u64(const uint8_t *p)
{
    return (uint64_t)skt_get_u32(p) | (uint64_t)skt_get_u32(p + 4) << 32;
}

static inline void skt_put_u16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static inline void skt_put_u32(uint8_t *p, uint32_t v)
{
    skt_put_u16(p, (uint16_t)v);
    skt_put_u16(p + 2, (uint16_t)(v >> 16));
}

static inline void skt_put_u64(uint8_t *p, uint64_t v)
{
    skt_put_u32(p, (uint32_t)v);
    skt_put_u32(p + 4, (uint32_t)(v >> 32));
}

static inline uint8_t skt_read_u8(struct skt_reader *r)
{
    const uint8_t *p = skt_read_bytes(r, 1);
    return p ? *p : 0;
}

static inline uint16_t skt_read_u16(struct skt_reader *r)
{
    const uint8_t *p = skt_read_bytes(r, 2);
    return p ? skt_get_u16(p) : 0;
}

static inline uint32_t skt_read_u32(struct skt_reader *r)
{
    const uint8_t *p = skt_read_bytes(r, 4);
    return p ? skt_get_u32(p) : 0;
}

static inline uint64_t skt_read_u64(struct skt_reader *r)
{
    const uint8_t *p = skt_read_bytes(r, 8);
    return p ? skt_get_u64(p) : 0;
}

/* LEB128: seven bits a byte, the lowest first; at most SKT_VARINT_MAX bytes, so 35 bits. Longer: bad. */
enum { SKT_VARINT_MAX = 5 };

static inline uint64_t skt_read_varint(struct skt_reader *r)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < SKT_VARINT_MAX; i++) {
        uint8_t b = skt_read_u8(r);
        v |= (uint64_t)(b & 0x7f) << (7 * i);
        if (!(b & 0x80))
            return v;
    }
    r->bad = true;
    return 0;
}

/* Signed numbers of small magnitude as small unsigned ones: 0, -1, 1, -2 ... as 0, 1, 2, 3 ... */
static inline uint32_t skt_zigzag(int32_t v)
{
    return (uint32_t)v << 1 ^ (v < 0 ? UINT32_MAX : 0);
}

static inline int32_t skt_unzigzag(uint32_t v)
{
    return (int32_t)(v >> 1 ^ (v & 1 ? UINT32_MAX : 0));
}

static inline void skt_write_u8(struct skt_writer *w, uint8_t v)
{
    uint8_t *p = skt_write_room(w, 1);
    if (p)
        *p = v;
}

static inline void skt_write_u16(struct skt_writer *w, uint16_t v)
{
    uint8_t *p = skt_write_room(w, 2);
    if (p)
        skt_put_u16(p, v);
}

static inline void skt_write_u32(struct skt_writer *w, uint32_t v)
{
    uint8_t *p = skt_write_room(w, 4);
    if (p)
        skt_put_u32(p, v);
}

static inline void skt_write_u64(struct skt_writer *w, uint64_t v)
{
    uint8_t *p = skt_write_room(w, 8);
    if (p)
        skt_put_u64(p, v);
}

/* v < 2^35. */
static inline void skt_write_varint(struct skt_writer *w, uint64_t v)
{
    for (; v > 0x7f; v >>= 7)
        skt_write_u8(w, (uint8_t)(v | 0x80));
    skt_write_u8(w, (uint8_t)v);
}

static inline void skt_write_bytes(struct skt_writer *w, const void *buf, size_t len)
{
    uint8_t *p = skt_write_room(w, len);
    if (p && len > 0)
        memcpy(p, buf, len);
}

#endif
