/* SPDX-License-Identifier: MIT */
/* The wire specification: every message, size, limit and timeout in one place. doc/protocol.md explains it;
 * the two change together. All integers are little-endian. */
#ifndef SKT_PROTO_WIRE_H
#define SKT_PROTO_WIRE_H

#include "base/clock.h"
#include "proto/primitives.h"

enum {
    SKT_WIRE_VERSION = 2,

    /* Datagram, once unmasked:
     *   header:     receiver u32 | number u32
     *   message 1:  header (receiver 0, number = pattern) | ephemeral 32 | sealed initiation | tag 16
     *   message 2:  header (receiver = the client's id, number 0) | ephemeral 32 | sealed response | tag 16
     *   cookie:     header (receiver = the client's id, number SKT_NUMBER_COOKIE) | sealed cookie | tag 16
     *   transport:  header (receiver = the peer's id, number = packet's, from 1) | sealed frames | tag 16
     * The tag is sent as it is and is the mask's IV; header and (in messages 1 and 2) ephemeral are masked. A
     * receiver unmasks SKT_MASKED_MAX bytes of a copy at once, as it can't know the kind before. */
    SKT_HEADER_LEN = 8,
    SKT_MASKED_MAX = SKT_HEADER_LEN + SKT_KEY_LEN,
    SKT_PACKET_OVERHEAD = SKT_HEADER_LEN + SKT_TAG_LEN,
    SKT_PACKET_MIN = SKT_PACKET_OVERHEAD + 1,
    SKT_HANDSHAKE_OVERHEAD = SKT_HEADER_LEN + SKT_KEY_LEN + SKT_TAG_LEN,
    SKT_ID_NONE = 0, /* the receiver id of message 1; never allocated */

    /* `number` of message 1: which Noise pattern its sender uses. */
    SKT_PATTERN_NNPSK0 = 0,
    SKT_PATTERN_NKPSK0 = 1,

    SKT_COOKIE_LEN = 16,
    SKT_RETURN_PROOF_LEN = 16,
    SKT_COOKIE_PAD_MAX = 240, /* random padding of a cookie reply */
    /* What is answered to an address that has not shown that it can be reached: at most so many times the
     * bytes that came from there. */
    SKT_UNPROVEN_FACTOR = 3,

    /* Datagram sizes (UDP payload). */
    SKT_MTU_LEAST = 548,  /* 576 bytes of IPv4: what is always taken to pass; no handshake packet is longer */
    SKT_MTU_MIN = 1100,   /* of the caps that either end may set */
    SKT_MTU_START = 1200, /* before anything was probed */
    SKT_MTU_MAX = 1472,

    SKT_KEEPALIVE_MIN_S = 1, /* a smaller one in messages 1 and 2 counts as this: 0 would end at once */

    SKT_TICKET_LEN = 32,
    SKT_TICKET_ID_LEN = 8,
    SKT_TICKET_PROOF_LEN = SKT_TICKET_LEN - SKT_TICKET_ID_LEN,
    SKT_PROOF_LEN = 32,
    SKT_CHALLENGE_LEN = 8,
    SKT_CID_MAX = 0x7fffffff, /* cids are 1..SKT_CID_MAX */
    SKT_TARGET_MAX = 255,     /* bytes of a target's name */
    SKT_REASON_MAX = 200,     /* bytes of a refusal's text */

    SKT_CONV_CONTROL = 0, /* message mode: stream control (below) */
    SKT_CONV_MESSAGE = 1, /* message mode: skt.api.skcp_send */
    SKT_CONV_FIRST = 2,   /* streams: even ones opened by the client, odd ones (from 3) by the server */
    SKT_MESSAGE_MAX = 256 * 1024,
    SKT_STREAMS_DEFAULT = 4096, /* streams that a peer may have opened in a session, unless set otherwise */

    SKT_FLOWS_MAX = 1024,    /* conversations of inner flows (TUN), SKT_CONV_FLOW_FIRST + 0 .. + 1023 */
    SKT_FLOW_HEADER_MIN = 1, /* of SKT_FLOW_PLAIN */
    SKT_FLOW_HEADER_MAX = 3,
    SKT_PARITY_RESERVE = 2,         /* bytes by which the parity of a packet is longer than the packet */
    SKT_ATTACH_EXTENSIONS_MAX = 64, /* bytes that this implementation sends or reads */
};

/* Message mode, there on both ends without being opened: packets of a TUN's flows, each direction by itself.
 * Only in mode SKT_MODE_TUN. */
#define SKT_CONV_FLOW_FIRST UINT32_C(0x80000000)

/* A message of a flow: kind u8, its fields, an IP packet. */
enum skt_flow_message {
    SKT_FLOW_PLAIN = 0, /* no field; checksums are complete */
    /* size u16: the TCP or UDP checksum is that of the pseudo header only; with size > 0 the payload is to be
     * cut into pieces of so many bytes, each under these headers. With SKT_FEATURE_TUN_OFFLOAD only. */
    SKT_FLOW_OFFLOAD = 1,
};

enum { SKT_FLOW_PIECES_MAX = 256 }; /* that one SKT_FLOW_OFFLOAD may be cut into: 64 KiB by 256 bytes */

/* Bits of `features` in the handshake: in force where both ends have set them, but for BUILT_IN and
 * MESSAGES, which say what speaks at an end: those who have none of these bits in common can't talk. An end
 * that sets neither says nothing of it. */
enum skt_feature {
    SKT_FEATURE_TUN_OFFLOAD = 1,   /* takes SKT_FLOW_OFFLOAD */
    SKT_FEATURE_ACK_RANGES = 2,    /* takes SKT_FRAME_ACK */
    SKT_FEATURE_PARITY = 4,        /* takes SKT_FRAME_PARITY and tells of losses by SKT_FRAME_REPORT */
    SKT_FEATURE_PIECES = 8,        /* takes SKT_FRAME_PIECE */
    SKT_FEATURE_TICKET_PROOF = 16, /* ATTACH proves the ticket instead of naming it */
    SKT_FEATURE_BUILT_IN = 32,     /* speaks as the mode's built-in script: in streams, or packets in flows */
    SKT_FEATURE_MESSAGES = 64,     /* a script that may speak in messages */
    SKT_FEATURE_ADDRESSES = 128,   /* takes streams of kind SKT_STREAM_TCP_TO, whatever it lets them reach */
};

/* Extensions of ATTACH, behind the proof: type u8, len u8, value; unknown ones are ignored. */
enum skt_attach_extension {
    SKT_EXTENSION_TUN_IP4 = 1, /* 4 bytes: the address that the client's TUN has */
    SKT_EXTENSION_TUN_IP6 = 2, /* 16 bytes */
    SKT_EXTENSION_ECHO = 3,    /* 8 bytes: of the CHALLENGE that ATTACH was answered by */
};

/* Frames inside a sealed transport packet: type u8, then for all but PAD, KCP, PARITY and PIECE: len u8,
 * body.
 */
enum skt_frame_type {
    SKT_FRAME_PAD = 0, /* the rest of the packet is padding */
    SKT_FRAME_KCP = 1, /* the rest of the packet is KCP segments */
    /* client: ticket 32, or its id 8 and a proof 24 | old cid u32 (0: none) | proof 32 | extensions */
    SKT_FRAME_ATTACH = 2,
    SKT_FRAME_ACCEPT = 3,    /* server: result u8 (enum skt_attach) | cid u32 | reason text (refusals) */
    SKT_FRAME_PING = 4,      /* stamp u32, opaque to the peer */
    SKT_FRAME_PONG = 5,      /* the stamp back */
    SKT_FRAME_CHALLENGE = 6, /* server: 8 random bytes, to a new address */
    SKT_FRAME_RESPONSE = 7,  /* the same 8 bytes, from that address */
    SKT_FRAME_PROBE = 8,     /* size u16: of the whole datagram, which carries padding up to it */
    SKT_FRAME_PROBED = 9,    /* size u16 of a probe that arrived */
    SKT_FRAME_CLOSE = 10,    /* the session ends: reason u8 (enum skt_close) */
    SKT_FRAME_ACK = 11,      /* what arrived of one conversation (ack_frame.h); SKT_FEATURE_ACK_RANGES */
    SKT_FRAME_PARITY =
        12, /* the rest of the packet: head u16, parity of KCP frames (parity/code.h, parity/ring.h) */
    SKT_FRAME_PIECE = 14,  /* the rest of the packet: number u16 | at u16 | total u16 | bytes: part of a KCP
                            * frame's body of `total` bytes that is too long for a datagram */
    SKT_FRAME_REPORT = 13, /* lost u32 | runs of lost ones u32 | recovered u32, packets of the session */
};

/* Initiation, the payload of message 1; what follows the last field is padding (zeros) and is ignored:
 *   version u8 | mode u8 | ciphers u8 (bit per enum skt_cipher value) | reserved u8 | sender id u32 |
 *   stamp u64 (ms since 1970) | features u32 | cost of AES-256-GCM u16, of ChaCha20-Poly1305 u16 (ns for
 *   1200 bytes, capped) | largest datagram to receive u16 | keepalive u16 (s) | cookie 16 (zeros: none) |
 *   old cid u32 (0: none) | return proof 16                                                     = 64 bytes
 * Response, the payload of message 2, padded alike:
 *   version u8 | status u8 (enum skt_hs_status) | cipher u8 | mode u8 | sender id u32 | clock u64 (ms since
 *   1970) | features u32 | largest datagram to receive u16 | keepalive u16 (s)                    = 24 bytes
 * Cookie reply, padded alike: cookie 16 | clock u64                                               = 24 bytes
 */
enum {
    SKT_INITIATION_LEN = 64,
    SKT_INITIATION_COMMON_LEN = 16, /* what every version has */
    SKT_RESPONSE_LEN = 24,
    SKT_COOKIE_REPLY_LEN = SKT_COOKIE_LEN + 8,
    /* Random padding of messages 1 and 2 is 0 to this many bytes. */
    SKT_HANDSHAKE_PAD_MAX = SKT_MTU_LEAST - SKT_HANDSHAKE_OVERHEAD - SKT_INITIATION_LEN,
};

#define SKT_NUMBER_COOKIE UINT32_C(0xffffffff) /* far above the last packet of any keypair */

enum skt_wire_mode { SKT_MODE_PROXY = 1, SKT_MODE_TUN = 2, SKT_MODE_CUSTOM = 3 };

/* "a proxy mode", ...; of one that is not known, too. */
const char *skt_wire_mode_words(enum skt_wire_mode mode);

enum skt_hs_status {
    SKT_HS_OK = 0,
    SKT_HS_VERSION = 1, /* the server does not speak the client's version; `version` is its own */
    SKT_HS_MODE = 2,    /* client and server run modes that do not fit */
    SKT_HS_CIPHER = 3,  /* no common cipher */
};

enum skt_attach {
    SKT_ATTACH_NEW = 0,
    SKT_ATTACH_CONTINUED = 1,
    SKT_ATTACH_TICKET = 2,  /* refused: ticket unknown */
    SKT_ATTACH_FULL = 3,    /* refused: skcp_max_conn_cnt reached */
    SKT_ATTACH_REFUSED = 4, /* refused for the reason in the text */
};

enum skt_close {
    SKT_CLOSE_LOCAL = 0,    /* closed by the application (skcp_close_conn, shutdown) */
    SKT_CLOSE_TIMEOUT = 1,  /* nothing heard for the keepalive time */
    SKT_CLOSE_LOST = 2,     /* the server does not know the session any more (it was restarted) */
    SKT_CLOSE_REFUSED = 3,  /* ticket removed or refused */
    SKT_CLOSE_TAKEOVER = 4, /* another session took its address over */
    SKT_CLOSE_ROOM = 5,     /* it made room: there are as many sessions as there may be */
};

/* "timeout", ... for scripts; "closed": of what is not known, too. And a sentence for logs. */
const char *skt_close_str(enum skt_close reason);
const char *skt_close_words(enum skt_close reason);

/* Messages of SKT_CONV_CONTROL: kind u8, body. */
enum skt_control {
    /* conv u32 | reason u8 (enum skt_reset) [| end u32]: the stream ends in both directions; what its sender
     * wrote before the sn `end` still counts, without it nothing does. */
    SKT_CONTROL_RESET = 1,
};

enum skt_reset {
    SKT_RESET_ABORT = 0,       /* the connection was reset */
    SKT_RESET_REFUSED = 1,     /* the target refused the connection */
    SKT_RESET_UNREACHABLE = 2, /* the target can't be reached or resolved */
    SKT_RESET_TIMEOUT = 3,     /* the target did not answer in time */
    SKT_RESET_TARGET = 4,      /* the server has no such target, or the ticket may not use it */
    SKT_RESET_LIMIT = 5,       /* the server has no room for it */
    SKT_RESET_ADDRESS = 6,     /* the server connects no stream to this address; it may take packets there */
};

/* "abort", ... for scripts; and a sentence for logs. What is not known has one, too. */
const char *skt_reset_str(enum skt_reset reason);
const char *skt_reset_words(enum skt_reset reason);

/* A stream's bytes begin with: kind u8 | len u8 | so many bytes, by the kind. An empty PUSH segment is the
 * end of its bytes (FIN). */
enum skt_stream_kind {
    SKT_STREAM_TCP = 1, /* the name of a target */
    /* family u8 (4, 6) | port u16 | address 4 or 16 | name: to this address, by the rules of the target of
     * that name. The other direction begins with one byte, SKT_STREAM_CONNECTED, once it is connected. With
     * SKT_FEATURE_ADDRESSES only. */
    SKT_STREAM_TCP_TO = 2,
};

enum { SKT_STREAM_CONNECTED = 0 };

/* Limits and times of the protocol; `constants` of the WireGuard paper, 6, where they coincide. Times are
 * skt_us, 64 bits, and counts of packets unsigned: no enum holds them. */
#define SKT_REKEY_AFTER          (120 * SKT_US_PER_SEC)
#define SKT_REKEY_AFTER_PACKETS  (UINT32_C(1) << 22)
#define SKT_REJECT_AFTER         (180 * SKT_US_PER_SEC)
#define SKT_REJECT_AFTER_PACKETS (UINT32_C(1) << 23)   /* RFC 9001, 6.6 for AES-GCM */
#define SKT_PREVIOUS_LINGER      (20 * SKT_US_PER_SEC) /* previous keys after the peer has moved on */
#define SKT_STAMP_WINDOW_MS      (UINT64_C(2) * 3600 * 1000)
/* A round trip of 8 s takes that long from message 2 to ATTACH, and some retries are to count, too. */
#define SKT_HALF_SESSION_TIME  (30 * SKT_US_PER_SEC)
#define SKT_COOKIE_TIME        (120 * SKT_US_PER_SEC)
#define SKT_STREAM_HEADER_TIME (10 * SKT_US_PER_SEC) /* for the header of a stream to come in whole */
#define SKT_KEEPALIVE_MAX      (20 * SKT_US_PER_SEC)
#define SKT_SUSPECT_MIN        (1 * SKT_US_PER_SEC)

enum {
    SKT_HALF_SESSIONS_MAX = 512, /* half of them for return proofs */
    SKT_REPLAY_WINDOW = 8192,    /* packet numbers behind the highest one that are still taken, once each */
};

#endif
