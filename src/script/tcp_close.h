/* SPDX-License-Identifier: MIT */
/* How a script's TCP connection ends. */
#ifndef SKT_SCRIPT_TCP_CLOSE_H
#define SKT_SCRIPT_TCP_CLOSE_H

#include "script/tcp.h"

/* A closed connection may take this long to send what is queued: as long as a relay's (SKT_RELAY_LINGER_US).
 */
enum { SKT_TCP_LINGER_S = 30 };

/* Ends it, on_tcp_close first unless silent; what is queued is still sent. */
void skt_script_tcp_close(struct skt_script_tcp *c, bool silent);

/* It is broken, or could not be made: ends it with on_tcp_close, and nothing more is sent. */
void skt_script_tcp_fail(struct skt_script_tcp *c);

/* Calls on_tcp_close, once in a connection's life. */
void skt_script_tcp_tell_close(struct skt_script_tcp *c);

/* What a connection's beginning and end are called for. */
struct skt_script_source skt_script_tcp_event(const struct skt_script_tcp *c);

/* Goes on with one that lingers. */
void skt_script_tcp_linger(struct skt_script_tcp *c);

#endif
