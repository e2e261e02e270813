/* SPDX-License-Identifier: MIT */
/* skt-link: a user-space link between two TUN devices in two network namespaces.
 *
 * A packet read from one end passes, in this order: down/up, NAT, path MTU (drop, fragment), rate limit or
 * trace with a finite buffer, loss, delay with jitter, and is written to the other end when its time has
 * come. Everything is decided when the packet arrives, so that one time-ordered queue per direction is all
 * the state there is. Random choices depend on the seed, the direction and the packet's index only: the same
 * sequence of packets meets the same fate whatever the settings were before. */
#ifndef LAB_LINK_H
#define LAB_LINK_H

#include "link_trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINK_NS_PER_MS  INT64_C(1000000)
#define LINK_NS_PER_SEC INT64_C(1000000000)
#define LINK_NEVER      INT64_MAX

enum link_dir_name { LINK_A2B, LINK_B2A, LINK_DIRS };

/* What one direction does to its packets. */
struct link_settings {
    bool down;                /* nothing passes */
    bool icmp;                /* tell the sender of a packet that is too big (a black hole otherwise) */
    unsigned mtu;             /* path MTU, IP bytes */
    unsigned block;           /* a UDP port (either end of a packet) that is dark; 0: none */
    double ns_per_byte;       /* of the bottleneck, IP bytes; 0: no limit */
    int64_t buffer_ns;        /* what the bottleneck's buffer holds, as time at its rate */
    struct link_trace *trace; /* instead of both: owned; NULL: none */
    uint64_t queue_bytes;     /* what the queue before the trace holds */
    double loss;              /* independent, 0..1 */
    double burst_enter;       /* Gilbert-Elliott: a packet's chance to find the link turned bad */
    double burst_leave;       /* ... and good again */
    double burst_loss;        /* loss while bad */
    int64_t delay_ns;         /* one way */
    int64_t jitter_ns;        /* uniform in -jitter..+jitter; order is kept */
    double reorder;           /* share of packets held back by reorder_ns more, which others overtake */
    int64_t reorder_ns;
    double dup; /* share of packets delivered twice */
};

struct link_counters {
    uint64_t in_packets, in_bytes;   /* read from the sender's end */
    uint64_t in_udp;                 /* ... of these UDP packets */
    uint64_t out_packets, out_bytes; /* written to the other end */
    uint64_t out_udp;
    uint64_t lost, overflow, too_big, down, blocked, unmapped, unwritten; /* dropped, by cause */
    uint64_t fragmented, duplicated, reordered;
};

#define LINK_TIMES_STEP_NS INT64_C(250000)
enum { LINK_TIMES_STEPS = 1024 };

/* Durations, counted by length. */
struct link_times {
    uint64_t count;
    int64_t max; /* ns */
    uint64_t steps[LINK_TIMES_STEPS];
};

struct link_entry {
    int64_t due; /* ns, CLOCK_MONOTONIC */
    uint32_t slot;
    uint32_t len;
};

/* Fixed packet buffers; the most recently used is handed out first, being the warmest. */
struct link_pool {
    uint8_t *memory;
    size_t slot_len;
    uint32_t *free_slots;
    uint32_t free_count, slots; /* slots: a power of two */
};

struct link_dir {
    struct link_settings set;
    struct link_counters count;
    struct link_times waited;   /* for the bottleneck (a trace: until it had left), each packet it took */
    struct link_times lateness; /* each packet's delivery: the link had no turn when it was due */
    uint64_t seed, index;       /* index: packets offered so far */
    bool bad;                   /* Gilbert-Elliott state */
    int64_t busy_until;         /* the bottleneck has sent all of its buffer by then */
    int64_t last_due;           /* of the packets whose order is kept */
    struct link_pool *pool;
    struct link_entry *fifo; /* ring: those in order */
    uint32_t head, tail;
    struct link_entry *late; /* heap by due: those held back */
    uint32_t late_count;
    int out_fd; /* where packets come out */
};

#define LINK_FLOWS 64

struct link_flow {
    uint32_t inner_addr, outer_addr; /* network byte order; inner_addr 0: unused */
    uint16_t inner_port, outer_port;
};

/* A NAT between A and the link: off until the first rebind. IPv4 UDP only. */
struct link_nat {
    unsigned generation; /* rebinds so far; 0: packets pass as they are */
    uint32_t addr;       /* source address of new mappings, network order; 0: the sender's own */
    unsigned next;       /* of the flows made in this generation */
    struct link_flow flows[LINK_FLOWS];
};

struct link {
    struct link_dir dir[LINK_DIRS];
    struct link_pool pool;
    struct link_nat nat;
    int fd[2]; /* TUN of A and of B */
    int64_t tick_ns;
    struct link_times turns; /* under load, from one to the next */
    bool quit;
};

/* --- link_queue.c: buffers, impairments, the queue --- */

/* Allocates `slots` (a power of two) packet buffers of `mtu` bytes. false: out of memory. */
bool link_pool_init(struct link_pool *pool, unsigned mtu, uint32_t slots);
void link_pool_dispose(struct link_pool *pool);
uint8_t *link_pool_at(const struct link_pool *pool, uint32_t slot);
/* A free slot, or false. */
bool link_pool_take(struct link_pool *pool, uint32_t *slot);
void link_pool_give(struct link_pool *pool, uint32_t slot);

bool link_dir_init(struct link_dir *d, struct link_pool *pool, uint64_t seed);
void link_dir_dispose(struct link_dir *d);
/* A packet that fits the path enters the bottleneck; takes the slot over. */
void link_dir_admit(struct link_dir *d, uint32_t slot, size_t len, int64_t now);
/* Writes what is due. Returns the number of packets. */
unsigned link_dir_deliver(struct link_dir *d, int64_t now);
/* When the next packet is due, or LINK_NEVER. */
int64_t link_dir_expiry(const struct link_dir *d);
uint32_t link_dir_queued(const struct link_dir *d);

/* --- link_times.c --- */

void link_times_reset(struct link_times *t);
void link_times_add(struct link_times *t, int64_t ns);
/* What thousandths of the durations did not exceed, ns, rounded up to a step; 0: there are none. */
int64_t link_times_part(const struct link_times *t, unsigned permille);

/* --- link_ip.c: what a router does to a packet --- */

bool link_ip_is_udp(const uint8_t *packet, size_t len);
/* Is it from or to this UDP port (host order)? Fragments after the first are not. */
bool link_ip_has_port(const uint8_t *packet, size_t len, unsigned port);
/* RFC 1071 over len bytes, starting from `sum` (host order partial sum); the result in network order. */
uint16_t link_ip_checksum(const uint8_t *data, size_t len, uint32_t sum);
/* A packet beyond the path MTU: IPv4 without DF enters the queue in fragments, all else is dropped, with an
 * ICMP error back through `back` if the settings say so. Takes the slot over. */
void link_ip_too_big(struct link_dir *d, struct link_dir *back, uint32_t slot, size_t len, int64_t now);

/* --- link_nat.c --- */

/* From now on A's flows appear from new ports (and from addr, network order, unless 0); old mappings are
 * gone. */
void link_nat_rebind(struct link_nat *nat, uint32_t addr);
void link_nat_outward(struct link_nat *nat, uint8_t *packet, size_t len);
/* false: no such mapping, the packet is to be dropped. */
bool link_nat_inward(const struct link_nat *nat, uint8_t *packet, size_t len);

/* --- link_dev.c --- */

struct link_dev_spec {
    char netns[128]; /* a name below /run/netns, a path, or "" for the present one */
    char name[16];
    uint32_t addr; /* network order, 0: none */
    unsigned prefix;
    unsigned mtu;
};

/* "[NETNS]:DEV[,ADDR/PREFIX]". false: not understood. */
bool link_dev_parse(struct link_dev_spec *spec, const char *text);
/* Makes the TUN device, sets it up. Its non-blocking fd, or -1 with a message on stderr. */
int link_dev_open(const struct link_dev_spec *spec);

/* --- link_settings.c, link_control.c --- */

void link_settings_init(struct link_settings *s);
void link_settings_dispose(struct link_settings *s);
/* Sets "delay", "loss", ... (as options and commands name them, with or without the unit's suffix). NULL, or
 * what is wrong in static storage, and nothing has changed. */
const char *link_settings_set(struct link_settings *s, const char *key, const char *value);

/* ns, CLOCK_MONOTONIC: the clock of all times here. */
int64_t link_now(void);

enum { LINK_CONTROL_FDS = 10 };

/* Lines in, one line out for each: from stdin and from clients of a Unix socket. */
struct link_control {
    struct link *link;
    int listen_fd; /* -1: none */
    char path[108];
    struct {
        int in, out; /* in -1: unused */
        size_t used;
        char line[512];
    } peer[LINK_CONTROL_FDS - 1];
};

/* path NULL: no socket. false with a message on stderr. */
bool link_control_init(struct link_control *c, struct link *l, const char *path, bool use_stdin);
void link_control_dispose(struct link_control *c);
/* Reads what fd has to say and answers it. */
void link_control_ready(struct link_control *c, int fd);
/* The descriptors to wait for, at most LINK_CONTROL_FDS. */
size_t link_control_fds(const struct link_control *c, int fds[LINK_CONTROL_FDS]);

#endif
