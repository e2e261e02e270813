/* SPDX-License-Identifier: MIT */
/* skt-load: the work that lab/compare measures with, the same through every tunnel.
 *
 * The server (`serve`) listens on TCP and UDP. A TCP connection begins with a hello that names its kind: echo
 * (every byte comes back), answer (so many bytes come back for each request), source (the server sends for
 * some seconds, then half-closes) or sink (the client does, and gets the server's report). A UDP datagram is
 * sent back. Times are µs of CLOCK_MONOTONIC, so that programs on one machine can be compared. */
#ifndef LAB_LOAD_H
#define LAB_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum load_kind { LOAD_ECHO = 'E', LOAD_ANSWER = 'A', LOAD_SOURCE = 'S', LOAD_SINK = 'K' };

enum { LOAD_CHUNK = 128 << 10 };

/* First bytes of a TCP connection; both ends are one machine, so in its byte order. */
struct load_hello {
    uint8_t kind;
    uint8_t zero;
    uint16_t seconds;         /* of LOAD_SOURCE and LOAD_SINK */
    uint16_t drain_s;         /* of LOAD_SINK */
    uint32_t request, answer; /* of LOAD_ANSWER: bytes; the first four of both are the message's number */
    int64_t start_us;         /* of LOAD_SINK */
};

struct load_options {
    const char *addr;
    unsigned port;
    unsigned conns, size, count; /* rtt: connections, bytes a message, messages a connection */
    unsigned answer;             /* rtt: bytes that answer a message; 0: as many as it has */
    unsigned interval_ms;        /* rtt: between two messages of a connection */
    unsigned seconds;            /* bulk, flood, count */
    unsigned pps;                /* flood: datagrams a second; 0: as many as go */
    unsigned drain_s;            /* bulk: how long to wait for the end of what was sent in `seconds` */
    bool udp;                    /* rtt */
    bool up;                     /* bulk: from the client to the server */
    const char *cc;              /* congestion control of TCP connections; NULL: the namespace's */
};

int64_t load_now_us(void);

/* A new socket of this type, for TCP with the congestion control of the options (which the connections that a
 * listening one accepts inherit). Exits with a message if it can't be had. */
int load_socket(const struct load_options *o, int type);

/* A connection that has said hello (TCP, Nagle off), or a connected UDP socket if `hello` is NULL. Exits with
 * a message if it can't be had. */
int load_connect(const struct load_options *o, const struct load_hello *hello);

/* LOAD_CHUNK bytes that no tunnel could compress, the same in every run. */
const uint8_t *load_data(void);
/* The server's part of LOAD_SINK. */
void load_sink(int fd, const struct load_hello *hello);

/* Each of these is a whole program and returns its exit status. */
int load_serve(const struct load_options *o);
/* One line for each message, "CONNECTION NUMBER SENT_US RTT_US", RTT -1 where no answer came. */
int load_rtt(const struct load_options *o);
/* One JSON object: start_us, seconds, bytes (within them), total, drained, per_100ms. */
int load_bulk(const struct load_options *o);
/* One JSON object: count, and in ns what "0", "500", "900", "990", "999" thousandths did not exceed. */
int load_turns(const struct load_options *o);
/* One JSON object: start_us, seconds, sent. */
int load_flood(const struct load_options *o);
/* The other end of load_flood, for `seconds`. One JSON object: start_us, total, per_100ms. */
int load_count(const struct load_options *o);

#endif
