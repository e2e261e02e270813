-- SPDX-License-Identifier: MIT
-- Starts from a built-in mode and changes one callback.
local api, cb = skt.api, skt.cb

require("skt.proxy_server")
assert(cb.on_stream_open and cb.on_skcp_check_ticket)
local check, opened = cb.on_skcp_check_ticket, cb.on_init
cb.on_init = nil

local asked
function cb.on_skcp_check_ticket(skcp, ticket)
    asked = ticket
    return check(skcp, ticket)
end

assert(cb.on_skcp_check_ticket(nil, ("x"):rep(32)) ~= 0)
assert(cb.on_skcp_check_ticket(nil, skt.conf.skcp_conf_list[2].ticket) == 0 and asked)
assert(require("skt.proxy_client") and cb.on_tcp_accept)
assert(cb.on_init ~= opened)
api.log("PASS")
cb.on_init, cb.on_beat = function() end, nil
