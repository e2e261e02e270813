-- SPDX-License-Identifier: MIT
-- proxy_server: takes sessions whose ticket is good, and connects their streams to the targets of the
-- configuration, and to nothing else.
--
-- Lua decides, C moves the bytes: relay_connect connects and relays, and no byte is seen here.

local conf, api, cb = skt.conf, skt.api, skt.cb

function cb.on_init(loop)
    for _, server in ipairs(conf.skcp_conf_list) do
        local skcp, err = api.skcp_init(server.raw, loop, 1)
        if not skcp then
            return api.fail(err)
        end
        api.log(("listening on UDP %s port %d"):format(server.addr, server.port))
    end
end

-- 0 lets the client in. check_ticket compares with the configuration's tickets, in constant time; where there is
-- no table of them, any ticket is good.
function cb.on_skcp_check_ticket(skcp, ticket)
    return api.check_ticket(ticket) and 0 or 1
end

-- A client has opened a stream; `name` is the target that it asks for, empty for the default one.
function cb.on_stream_open(skcp, cid, stream, name)
    local host, port = api.target_of(stream)
    if not host then
        local why = port
        local stats = api.session_stats(skcp, cid) or { peer = "?" }
        api.log_rarely("warn", (stats.name or stats.peer) .. name, ("session %d (%s%s) asks for target \"%s\": %s"):format(
            cid, stats.name and stats.name .. ", " or "", stats.peer, name, why))
        return api.stream_reset(stream, "target")
    end
    local ok, why = api.relay_connect(stream, host, port)
    if not ok then
        api.log_rarely("warn", host, ("session %d: target %s port %d: %s"):format(cid, host, port, why))
    end
end
