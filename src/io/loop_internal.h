/* SPDX-License-Identifier: MIT */
/* What the other files of this folder keep with a loop: objects of their own, and descriptors that rest. */
#ifndef SKT_IO_LOOP_INTERNAL_H
#define SKT_IO_LOOP_INTERNAL_H

#include "io/loop.h"

enum skt_loop_slot_name { SKT_LOOP_SLOT_UDP, SKT_LOOP_SLOT_RESOLVE, SKT_LOOP_SLOTS };

/* Something that is made when a loop needs it first and ends with the loop. */
struct skt_loop_slot {
    void *object;                  /* NULL: nobody has needed it yet */
    void (*dispose)(void *object); /* called by skt_loop_free while the loop still works */
};

/* Descriptors that rest (skt_loop_io_rest). Needs no memory of its own. */
struct skt_loop_rest {
    struct skt_list ios; /* by their `resting` */
    skt_us until;        /* when all of them are watched again; SKT_NEVER: none rests */
};

struct skt_loop_rest *skt_loop_rest_of(struct skt_loop *loop);

/* Watches them again where the time has come. */
void skt_loop_rest_expire(struct skt_loop *loop, skt_us now);

struct skt_loop_slot *skt_loop_slot(struct skt_loop *loop, enum skt_loop_slot_name name);

#endif
