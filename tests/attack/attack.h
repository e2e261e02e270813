/* SPDX-License-Identifier: MIT */
/* A client with good keys and bad manners. Handshakes and the keeping of sessions are src/proto's own, so
 * that the attacker follows the protocol wherever it goes; what a case adds is sealed under the same keys and
 * written here, byte by byte, since no function of the product would write it. */
#ifndef ATTACK_H
#define ATTACK_H

#include "proto/kcp/ack_frame.h"
#include "proto/session/internal.h"

enum {
    ATTACK_SOURCES_MAX = 65536, /* forged addresses */
    ATTACK_SESSIONS_MAX = 4096,
    ATTACK_BATCH = 32,    /* datagrams handed to the kernel at once */
    ATTACK_RECORDED = 64, /* the first ones sent, kept for replays */
};

/* What the command line says. */
struct attack_params {
    struct skt_addr server;
    uint16_t other_port; /* another entry of the server's; 0: none */
    uint8_t psk[SKT_KEY_LEN];
    uint8_t ticket[SKT_TICKET_LEN];
    uint8_t mode;         /* enum skt_wire_mode */
    uint8_t tun_ip[4];    /* asked for in ATTACH, mode TUN */
    double rate;          /* units a second; 0: as fast as it goes */
    double seconds;       /* the case ends after them, */
    unsigned long count;  /* or after so many units; 0: no limit */
    unsigned sources;     /* forged addresses, */
    uint32_t source_base; /* from this one on (host order) */
    bool stay;            /* say "ready" when done, and keep the session until standard input ends */
};

/* What one address has sent and was sent. */
struct attack_account {
    uint64_t sent, got; /* bytes of UDP payload */
};

struct attack {
    struct attack_params p;
    const struct skt_crypto *crypto;
    struct skt_context ctx;
    struct skt_pool pool;
    struct skt_session *sessions[ATTACK_SESSIONS_MAX];
    unsigned session_count;
    struct skt_session *session; /* whose keys seal what the case writes, */
    struct skt_keypair *half;    /* unless this is set: keys of a handshake whose ATTACH is withheld */
    bool hold;                   /* sessions make handshakes but send no ATTACH, and hear nothing then */
    bool deaf;                   /* what comes is counted and read by nobody; sessions send nothing */
    bool tapped;                 /* packets under the session's keys go to the tap; sessions send nothing */
    uint32_t tap_sn, tap_ts;     /* the highest segment of the first stream, and the ts that it came with */
    bool tap_any;                /* there was one */
    int64_t wall_offset_ms;      /* the lie about the time */
    unsigned source; /* the next datagrams leave from forged address number source - 1; 0: our own */
    int fd;

    /* the packet being written */
    uint8_t packet[SKT_MTU_MAX];
    struct skt_writer w;
    bool in_kcp;
    size_t packet_max; /* bytes of a datagram */

    /* datagrams that wait for the kernel */
    uint8_t out[ATTACK_BATCH][SKT_MTU_MAX];
    size_t out_len[ATTACK_BATCH];
    unsigned out_source[ATTACK_BATCH];
    uint16_t out_port[ATTACK_BATCH];
    unsigned out_count;

    uint8_t recorded[ATTACK_RECORDED][SKT_MTU_MAX];
    size_t recorded_len[ATTACK_RECORDED];
    unsigned recorded_count;

    /* the pace */
    skt_us started;       /* of the case's units, */
    skt_us until;         /* and their end */
    unsigned long units;  /* so far */
    unsigned long worked; /* units and seconds before a case only held what it had; 0: it did not */
    double worked_s;
    skt_us serve_at; /* the sessions are looked after again */

    uint64_t sent_packets, got_packets;
    struct attack_account own;
    struct attack_account *forged; /* p.sources of them */
    bool reached;                  /* keys or a session were had */
    unsigned refused;              /* handshakes that the server refused in words */
    unsigned answered;             /* streams of sessions that brought something */
};

struct attack_case {
    const char *name, *what;
    void (*run)(struct attack *a);
};

/* One table a file, ended by an empty entry. */
extern const struct attack_case attack_handshake_cases[], attack_address_cases[], attack_stream_cases[],
    attack_window_cases[], attack_frame_cases[], attack_tun_cases[], attack_reach_cases[];

/* --- attack_net.c: the socket, time, sessions --- */

skt_us attack_now(void);
int attack_open(struct attack *a); /* 0, or -1 and errno */
void attack_close(struct attack *a);

/* A session that is not up yet; NULL: no room. */
struct skt_session *attack_session_new(struct attack *a, const uint8_t ticket[SKT_TICKET_LEN]);
void attack_session_free(struct attack *a, struct skt_session *s);

/* Does and sends what is due. */
void attack_session_serve(struct attack *a, struct skt_session *s);

/* Ends it with a CLOSE. */
void attack_session_close(struct attack *a, struct skt_session *s);

/* Makes the session that the case attacks from. False after 10 s without one, or refused. */
bool attack_connect(struct attack *a);

/* Makes keys from our own address and withholds ATTACH: a->half. False after 10 s without message 2. */
bool attack_connect_half(struct attack *a);

/* Sends the ATTACH that is withheld, with this ticket, from the current source. Each call makes a new one. */
void attack_send_attach(struct attack *a, const uint8_t ticket[SKT_TICKET_LEN]);

/* Is it time for the next unit? Waits for it, looking after sessions meanwhile. False: the case is over. */
bool attack_next(struct attack *a);

/* Looks after the sessions for so long, sending nothing else. */
void attack_rest(struct attack *a, skt_us how_long);

/* A datagram as it is, to the server's port or another one, from the current source. */
void attack_send_raw(struct attack *a, const uint8_t *datagram, size_t len, uint16_t port);
void attack_flush(struct attack *a);

/* --- attack_packet.c: what the product would not write --- */

void attack_begin(struct attack *a);
/* False: no room in this packet. */
bool attack_frame(struct attack *a, int type, const void *body, size_t len);
bool attack_segment(struct attack *a, const struct skt_kcp_header *h, const void *data);
size_t attack_room(const struct attack *a);
/* Seals under the session's keys what was begun and sends it. 0: there are no keys. The length otherwise. */
size_t attack_send(struct attack *a);

/* The same for a segment or a frame: what is full goes out, and the next packet begins. */
void attack_put_segment(struct attack *a, const struct skt_kcp_header *h, const void *data);
void attack_put_frame(struct attack *a, int type, const void *body, size_t len);

/* A PUSH of a stream or message conversation. */
struct skt_kcp_header attack_push(uint32_t conv, uint32_t sn, uint8_t frg, size_t len);

/* Sends the n-th stream's header (default target) and `command` behind it; the stream's conversation. */
uint32_t attack_open_stream(struct attack *a, unsigned long n, char command);

/* A whole message of a conversation, cut into segments from sn on; returns the sn behind it. */
uint32_t attack_message(struct attack *a, uint32_t conv, uint32_t sn, const uint8_t *msg, size_t len);

/* xorshift, for content and order; never for keys. */
uint32_t attack_random(uint32_t below);
void attack_random_bytes(uint8_t *out, size_t len);

#endif
