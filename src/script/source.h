/* SPDX-License-Identifier: MIT */
/* What a callback is called for: who feeds what the script sends in it, and can be made to wait
 * (script/hold.h). */
#ifndef SKT_SCRIPT_SOURCE_H
#define SKT_SCRIPT_SOURCE_H

#include "script/call.h"

#include <stdbool.h>
#include <stdint.h>

struct skt_endpoint;
struct skt_script;

/* Who delivers to the script: a member of a TCP connection, a listener, the TUN. */
struct skt_script_feeder {
    unsigned holds; /* what its deliveries have filled: above 0 it delivers no more */
    bool stream;    /* its bytes are of one connection; what is full holds back only such, since a listener or
                       the TUN    would have all others wait for one reader */
    bool ended;     /* it will deliver nothing more: nobody needs to hold it back */
    void (*changed)(
        struct skt_script_feeder *f); /* holds is above 0 now, or 0 again; NULL: it looks by itself */
};

struct skt_script_source {
    enum {
        SKT_SOURCE_NONE,    /* a timer, on_beat, room: nobody, so what is sent has to find room */
        SKT_SOURCE_EVENT,   /* what happens once: its sends are taken, and nobody has to wait */
        SKT_SOURCE_FEEDER,  /* a TCP connection, a listener, the TUN */
        SKT_SOURCE_SESSION, /* messages of a session */
    } kind;
    struct skt_script_feeder *feeder; /* of SKT_SOURCE_FEEDER */
    struct skt_endpoint *ep;          /* of SKT_SOURCE_SESSION: the session's endpoint */
    uint32_t cid;                     /* of SKT_SOURCE_SESSION */
};

/* skt_script_call_callback for something: while it runs, that is the app's source. */
bool skt_script_deliver(struct skt_script *app, struct skt_script_source source, enum skt_script_callback cb,
                        const struct skt_script_call_arg *args, int count, lua_Integer *result);

#endif
