/* SPDX-License-Identifier: MIT */
/* The texts of the wire's enums. The compiler says which one lacks a text; what a later version sends has the
 * one behind the switch. */
#include "proto/wire.h"

const char *skt_wire_mode_words(enum skt_wire_mode mode)
{
    switch (mode) {
    case SKT_MODE_PROXY:
        return "a proxy mode";
    case SKT_MODE_TUN:
        return "a TUN mode";
    case SKT_MODE_CUSTOM:
        return "a mode of a script's own";
    }
    return "a mode that is not known here";
}

const char *skt_close_str(enum skt_close reason)
{
    switch (reason) {
    case SKT_CLOSE_LOCAL:
        return "closed";
    case SKT_CLOSE_TIMEOUT:
        return "timeout";
    case SKT_CLOSE_LOST:
        return "lost";
    case SKT_CLOSE_REFUSED:
        return "refused";
    case SKT_CLOSE_TAKEOVER:
        return "takeover";
    case SKT_CLOSE_ROOM:
        return "room";
    }
    return "closed";
}

const char *skt_close_words(enum skt_close reason)
{
    switch (reason) {
    case SKT_CLOSE_LOCAL:
        return "closed";
    case SKT_CLOSE_TIMEOUT:
        return "nothing heard for the keepalive time";
    case SKT_CLOSE_LOST:
        return "the server does not know it any more";
    case SKT_CLOSE_REFUSED:
        return "refused";
    case SKT_CLOSE_TAKEOVER:
        return "taken over by another session";
    case SKT_CLOSE_ROOM:
        return "it made room: there are as many sessions as there may be";
    }
    return "closed by the peer";
}

const char *skt_reset_str(enum skt_reset reason)
{
    switch (reason) {
    case SKT_RESET_ABORT:
        return "abort";
    case SKT_RESET_REFUSED:
        return "refused";
    case SKT_RESET_UNREACHABLE:
        return "unreachable";
    case SKT_RESET_TIMEOUT:
        return "timeout";
    case SKT_RESET_TARGET:
        return "target";
    case SKT_RESET_LIMIT:
        return "limit";
    case SKT_RESET_ADDRESS:
        return "address";
    }
    return "abort";
}

const char *skt_reset_words(enum skt_reset reason)
{
    switch (reason) {
    case SKT_RESET_ABORT:
        return "connection reset";
    case SKT_RESET_REFUSED:
        return "target refused the connection";
    case SKT_RESET_UNREACHABLE:
        return "target unreachable";
    case SKT_RESET_TIMEOUT:
        return "target did not answer in time";
    case SKT_RESET_TARGET:
        return "no such target";
    case SKT_RESET_LIMIT:
        return "server is at its limit";
    case SKT_RESET_ADDRESS:
        return "server connects no streams to this address";
    }
    return "reset";
}
