/* SPDX-License-Identifier: MIT */
/* A map from 32-bit ids to objects: open addressing, linear probing, no tombstones. The map does not own
 * the objects. */
#ifndef SKT_BASE_IDMAP_H
#define SKT_BASE_IDMAP_H

#include <stddef.h>
#include <stdint.h>

struct skt_idmap {
    struct skt_idmap_slot *slots; /* owned; NULL while cap is 0 */
    uint32_t cap;                 /* slots, a power of two, or 0 */
    uint32_t count;               /* objects */
};

void skt_idmap_init(struct skt_idmap *m);
void skt_idmap_dispose(struct skt_idmap *m);

/* The object of an id, or NULL. */
void *skt_idmap_get(const struct skt_idmap *m, uint32_t id);

/* Maps id to a non-NULL object; SKT_ERR_ARG where the id is taken, SKT_ERR_NOMEM. */
int skt_idmap_put(struct skt_idmap *m, uint32_t id, void *object);

/* Removes an id and returns its object, or NULL. */
void *skt_idmap_remove(struct skt_idmap *m, uint32_t id);

/* Walks the map: start with *pos = 0; NULL at the end. The map must not change between the calls. */
void *skt_idmap_next(const struct skt_idmap *m, uint32_t *pos);

#endif
