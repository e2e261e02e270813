/* SPDX-License-Identifier: MIT */
/* Each value of an enum has a text of its own, and one that is none of it has one, too: they come from peers
 * of later versions. That none is forgotten says the compiler: the switches have no default. */
#include "base/check.h"
#include "proto/kcp/view.h"
#include "proto/primitives.h"
#include "proto/session/session.h"
#include "proto/trace.h"
#include "proto/wire.h"

#include <string.h>

#define TEXT_OF(function, type)                                                                              \
    static const char *of_##function(int value)                                                              \
    {                                                                                                        \
        return function((enum type)value);                                                                   \
    }
TEXT_OF(skt_wire_mode_words, skt_wire_mode)
TEXT_OF(skt_close_str, skt_close)
TEXT_OF(skt_close_words, skt_close)
TEXT_OF(skt_reset_str, skt_reset)
TEXT_OF(skt_reset_words, skt_reset)
TEXT_OF(skt_cipher_str, skt_cipher)
TEXT_OF(skt_session_state_str, skt_session_state)
TEXT_OF(skt_trace_datagram_str, skt_trace_datagram)
TEXT_OF(skt_trace_cause_str, skt_trace_cause)
TEXT_OF(skt_trace_loss_str, skt_trace_loss)
TEXT_OF(skt_trace_limit_str, skt_trace_limit)
TEXT_OF(skt_trace_keys_str, skt_trace_keys)
TEXT_OF(skt_hold_str, skt_hold)

static const struct kind {
    const char *(*text)(int value);
    int first, last;
    const char *list, *other; /* of first..last; of what is none of them */
} kinds[] = {
    {of_skt_wire_mode_words, SKT_MODE_PROXY, SKT_MODE_CUSTOM,
     "a proxy mode, a TUN mode, a mode of a script's own", "a mode that is not known here"},
    {of_skt_close_str, SKT_CLOSE_LOCAL, SKT_CLOSE_ROOM, "closed, timeout, lost, refused, takeover, room",
     "closed"},
    {of_skt_close_words, SKT_CLOSE_LOCAL, SKT_CLOSE_ROOM,
     "closed, nothing heard for the keepalive time, the server does not know it any more, refused, taken "
     "over by another session, it made room: there are as many sessions as there may be",
     "closed by the peer"},
    {of_skt_reset_str, SKT_RESET_ABORT, SKT_RESET_ADDRESS,
     "abort, refused, unreachable, timeout, target, limit, address", "abort"},
    {of_skt_reset_words, SKT_RESET_ABORT, SKT_RESET_ADDRESS,
     "connection reset, target refused the connection, target unreachable, target did not answer in time, "
     "no such target, server is at its limit, server connects no streams to this address",
     "reset"},
    {of_skt_cipher_str, SKT_CIPHER_NONE, SKT_CIPHER_CHACHA20_POLY1305, "none, aes-256-gcm, chacha20-poly1305",
     "none"},
    {of_skt_session_state_str, SKT_SESSION_IDLE, SKT_SESSION_CLOSED, "idle, connecting, up, suspect, closed",
     "closed"},
    {of_skt_trace_datagram_str, SKT_TRACE_DATA, SKT_TRACE_HANDSHAKE, "data, parity, probe, handshake",
     "unknown"},
    {of_skt_trace_cause_str, SKT_TRACE_FIRST, SKT_TRACE_COPY, "first, again, tail, copy", "unknown"},
    {of_skt_trace_loss_str, SKT_TRACE_OVERTAKEN, SKT_TRACE_PROBED, "overtaken, timeout, probed", "unknown"},
    {of_skt_trace_limit_str, SKT_TRACE_NOTHING, SKT_TRACE_MEMORY,
     "nothing, window, pacing, rate_cap, peer_window, memory", "unknown"},
    {of_skt_trace_keys_str, SKT_TRACE_KEYS_ASKED, SKT_TRACE_KEYS_CONTINUED, "asked, answered, new, continued",
     "unknown"},
    {of_skt_hold_str, SKT_HOLD_WINDOW, SKT_HOLD_READER,
     "window, pacing, rate_cap, peer_window, memory, gap, target, connect, reader", NULL},
};

static void each_value_has_its_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char list[512] = "";
        for (int value = kinds[i].first; value <= kinds[i].last; value++) {
            const char *text = kinds[i].text(value);
            assert_non_null(text);
            strcat(strcat(list, value > kinds[i].first ? ", " : ""), text);
        }
        assert_string_equal(list, kinds[i].list);
    }
}

static void what_is_none_of_them_has_one_too(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const int values[] = {kinds[i].last + 1, 200};
        for (size_t j = 0; j < 2; j++) {
            const char *text = kinds[i].text(values[j]);
            if (kinds[i].other)
                assert_string_equal(text, kinds[i].other);
            else
                assert_null(text);
        }
    }
    assert_null(skt_hold_str(SKT_HOLD_NONE));
}

CHECK_GROUP(texts)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_value_has_its_text),
        cmocka_unit_test(what_is_none_of_them_has_one_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
