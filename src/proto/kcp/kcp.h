/* SPDX-License-Identifier: MIT */
/* A KCP conversation: order and retransmission of one stream of bytes or messages. Wire-compatible with KCP
 * (24-byte segment header); round trips, loss and the window of the network belong to the path it is on.
 *
 * Two extensions, invisible to other implementations unless used: in stream mode an empty PUSH segment ends
 * the stream (skt_kcp_finish), and ts counts 32 us ticks, distinct for each transmission of a segment. */
#ifndef SKT_PROTO_KCP_KCP_H
#define SKT_PROTO_KCP_KCP_H

#include "base/heap.h"
#include "base/list.h"
#include "proto/kcp/header.h"
#include "proto/path/path.h"
#include "proto/path/ring.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* News of a conversation, a set. */
enum skt_kcp_event {
    SKT_KCP_READABLE = 1, /* data, a message or the end of the stream can be read */
    SKT_KCP_WRITABLE = 2, /* there is room again after SKT_ERR_AGAIN or a short write */
    SKT_KCP_DRAINED = 4,  /* everything written, the end included, is acknowledged */
};

struct skt_kcp_limits {
    /* Segments, at most 65535: the window starts small and grows with a fast reader up to this. */
    uint32_t rcv_wnd_max;
    size_t snd_unsent_max; /* bytes that may wait unsent before a writer is held back */
};

struct skt_kcp_owed; /* an acknowledgement to be sent, or to be repeated */
struct skt_ack_frame;

/* What was written and not acknowledged (kcp/send.c, kcp/ack.c): the sns of struct skt_sender, and [end, end
 * + reserved) lent to a writer. An acknowledged segment's slot is NULL. */
struct skt_kcp_queue {
    struct skt_seg_ring ring;
    uint32_t reserved;    /* segments lent by skt_kcp_write_begin */
    uint16_t packet_left; /* room behind the last segment written, in its packet */
    size_t unsent;        /* bytes that wait, small messages counted as more */
    bool finished;        /* skt_kcp_finish was called */
    bool want_write;      /* a writer was held back */
};

/* What the peer takes (kcp/kcp.c). */
struct skt_kcp_peer_window {
    uint32_t una;      /* the peer has all sn before this */
    uint32_t size;     /* it accepts sn before una + size */
    skt_us probe_at;   /* when the window is asked for; SKT_NEVER: it need not be */
    skt_us probe_wait; /* from this question to the next */
    bool held;         /* data waits for the window to move on: counted in path->turns.held */
    bool ask;          /* a WASK is to be sent */
};

/* Receiving (kcp/recv.c, kcp/read.c): [read, nxt) is in order and unread, beyond are holes. */
struct skt_kcp_receiving {
    struct skt_seg_ring ring;
    uint32_t read;      /* the first sn that was not read whole */
    uint32_t nxt;       /* the first sn that did not come */
    uint32_t wnd;       /* segments that the peer may have on the way */
    uint32_t top;       /* behind the highest sn that came */
    uint32_t held;      /* segments beyond nxt */
    uint32_t messages;  /* whole messages unread */
    uint32_t grow_at;   /* `read` at which the window may grow again */
    uint32_t adv_end;   /* nxt + wnd as last told to the peer */
    uint32_t fin_sn;    /* with fin_received: of the empty segment that ends the stream */
    uint16_t read_off;  /* bytes of segment `read` already consumed */
    uint8_t next_frg;   /* the frg that must follow within a message; 0: any */
    uint8_t tells_left; /* how often WINS is still repeated */
    skt_us tell_at;     /* when WINS is repeated; SKT_NEVER: it is not */
    uint8_t run;        /* segments that came one soon after the other; stays at 255 */
    bool adv_closed;    /* the peer was told a window of 0 */
    bool tell;          /* a WINS is to be sent */
    bool fin_received;  /* the end of the stream is known */
    uint32_t grew_ms;   /* when `read` was last at grow_at, ms */
};

/* Acknowledgements to be sent (kcp/owed.c). */
struct skt_kcp_owed_acks {
    struct skt_kcp_owed *list; /* by name, in the order of their coming */
    uint32_t count;            /* of `list` */
    uint32_t cap;              /* what `list` has room for */
    uint32_t fresh; /* entries at the end of `list` that were not sent yet; the others go along with the next
                       packet */
    uint32_t newest_sn; /* of the segment that came last */
    uint32_t newest_ts; /* its ts, as the peer wrote it */
    skt_us newest_at;   /* when it came */
    bool newest;        /* that segment is to be acknowledged */
    bool open;          /* the last of `list` may grow: it was not sent yet */
};

/* The fields are the implementation's. */
struct skt_kcp {
    struct skt_path *path;
    struct skt_list ready_node;   /* in path->turns.fresh or path->turns.ready: there is data to send */
    struct skt_list control_node; /* in path->turns.controls: there is something to say without data */
    struct skt_list ack_node;     /* in path->turns.acks: there is an ACK frame to send */
    struct skt_list event_node;   /* in path->events: there is news for the application */
    struct skt_list starved_node; /* in path->turns.starved: the writer waits for memory */
    struct skt_list lag_node;     /* in path->turns.lagging: a packet's work for it is not all done */
    struct skt_heap_node timer;   /* the earlier one of window.probe_at and rcv.tell_at */
    bool stream;                  /* bytes; else messages with borders */
    bool heard;                   /* a segment of the peer's has come */
    uint8_t events;               /* news, a set of enum skt_kcp_event */
    struct skt_kcp_limits limits;
    struct skt_sender snd; /* where sending stands; also the segments' way back here */
    struct skt_kcp_queue queue;
    struct skt_kcp_peer_window window;
    struct skt_kcp_receiving rcv;
    struct skt_kcp_owed_acks owed;
};

/* Starts a conversation on a path. stream: bytes, else messages with borders. k's storage is the caller's; an
 * idle conversation holds no buffers. SKT_ERR_NOMEM. */
int skt_kcp_init(struct skt_kcp *k, uint32_t conv, bool stream, struct skt_path *path,
                 const struct skt_kcp_limits *limits);

/* The first sn to send and to expect, before anything was written or received. Only tests call it from
 * outside: that sns wrap round after 2^32 segments could not be tested otherwise. */
void skt_kcp_set_sn(struct skt_kcp *k, uint32_t snd_sn, uint32_t rcv_sn);

/* Drops everything queued, leaves the path. */
void skt_kcp_dispose(struct skt_kcp *k);

/* --- application side --- */

/* Message mode: queues one message of 1..256 fragments as a whole or not at all. SKT_ERR_AGAIN above the
 * limit, SKT_ERR_ARG where it can't ever be sent, SKT_ERR_CLOSED after finish, SKT_ERR_NOMEM. Stream mode:
 * the same for bytes. */
int skt_kcp_write(struct skt_kcp *k, const void *buf, size_t len);

/* Stream mode, without a copy: fills iov with up to max pieces of room (in segment buffers) and returns how
 * many; 0: the writer is to wait for SKT_KCP_WRITABLE. The data put there counts once skt_kcp_write_commit is
 * called with its length (0 is allowed), which must follow before any other call on the path. */
int skt_kcp_write_begin(struct skt_kcp *k, struct iovec *iov, int max);
void skt_kcp_write_commit(struct skt_kcp *k, size_t len);

/* Bytes that may be queued now before SKT_ERR_AGAIN. In the program who has a message tries to write it; who
 * must know before it is taken from elsewhere (tools/kcp_echo.c) asks here. */
size_t skt_kcp_writable(const struct skt_kcp *k);

/* Stream mode: ends the stream after what is queued. May be called once. SKT_ERR_NOMEM, SKT_ERR_CLOSED. */
int skt_kcp_finish(struct skt_kcp *k);

/* Stream mode, without a copy: up to max pieces of data in order; 0: none now. Then consume what was used. */
int skt_kcp_read_begin(struct skt_kcp *k, struct iovec *iov, int max);
void skt_kcp_read_consume(struct skt_kcp *k, size_t len);

/* Message mode: the length of the next whole message, or SKT_ERR_AGAIN. */
long skt_kcp_message_len(const struct skt_kcp *k);

/* Message mode: takes the next message; its length, SKT_ERR_AGAIN, or SKT_ERR_TRUNCATED (buf too small,
 * message kept). */
long skt_kcp_read_message(struct skt_kcp *k, void *buf, size_t cap);

/* Message mode: drops the next whole message, of which there is one. */
void skt_kcp_drop_message(struct skt_kcp *k);

/* Stream mode: has all data been consumed and the peer ended the stream? */
bool skt_kcp_at_end(const struct skt_kcp *k);

/* Is everything that was written (the end included) acknowledged? */
bool skt_kcp_drained(const struct skt_kcp *k);

/* The sn behind everything that was written. */
uint32_t skt_kcp_end(const struct skt_kcp *k);

/* Has everything before this sn come, in order? */
bool skt_kcp_has_come(const struct skt_kcp *k, uint32_t sn);

/* Segments written and not yet acknowledged. */
uint32_t skt_kcp_backlog(const struct skt_kcp *k);

/* Takes into order at once what waits for that, however long it takes: before a conversation ends whose
 * reader may still want all that has come. */
void skt_kcp_take_all(struct skt_kcp *k);

/* Has the peer acknowledged or sent anything in this conversation yet? */
bool skt_kcp_heard(const struct skt_kcp *k);

/* Returns and clears the conversation's news and takes it off path->events. */
unsigned skt_kcp_take_events(struct skt_kcp *k);

/* --- network side --- */

/* Takes one parsed segment. Acknowledgements it asks for are queued (sent by skt_turns_send).
 * SKT_ERR_MALFORMED: counted by the caller, nothing changed. */
int skt_kcp_receive(struct skt_kcp *k, skt_us now, const struct skt_kcp_header *h, const uint8_t *data);

/* Takes what an ACK frame says of this conversation. SKT_ERR_MALFORMED (it names what was never sent):
 * nothing changed. */
int skt_kcp_receive_acks(struct skt_kcp *k, skt_us now, const struct skt_ack_frame *f);

/* Sends everything in flight again, as after a change of keys that the peer could not read. */
void skt_kcp_resend_all(struct skt_kcp *k, skt_us now);

#endif
